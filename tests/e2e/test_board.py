"""The pipeline board on the demo data, and every way to move a card on it."""

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from tests.e2e.support.api import Person, invite
from tests.e2e.support.browsing import Open, Visit
from tests.e2e.support.dragging import drag, drag_onto

FILE = Path(__file__).resolve().parents[2] / "demo" / "crm_sales_opportunities"


def rows(name: str) -> list[dict[str, str]]:
    with (FILE / name).open(newline="") as file:
        return list(csv.DictReader(file))


async def test_the_board_shows_what_the_file_holds(visit: Open, demo: Person) -> None:
    opportunities = rows("sales_pipeline.csv")
    in_file = Counter(row["deal_stage"] for row in opportunities)
    assert (sum(in_file.values()), len(rows("accounts.csv"))) == (8800, 85)
    here = await visit(demo)
    await here.open("/pipeline")
    shown = {stage: await here.count(stage) for stage in in_file}
    assert shown == dict(in_file)
    await here.shot("board-1440-light")

    board = {column["stage"]["name"]: column for column in (await demo.get("/board"))["columns"]}
    won = sum(
        int(float(row["close_value"]) * 100) for row in opportunities if row["deal_stage"] == "Won"
    )
    assert board["Won"]["sum"] == {"amount_minor": won, "currency": "USD"}
    assert all(len(board[stage]["cards"]) == 25 for stage in in_file)
    assert (await demo.get("/deals", limit=1, total="true"))["total"] == 8800
    assert (await demo.get("/clients", limit=1, total="true"))["total"] == 85
    owners = {owner["name"] for owner in (await demo.get("/owners", limit=200))["items"]}
    assert {row["sales_agent"] for row in opportunities} <= owners
    open_deals = in_file["Prospecting"] + in_file["Engaging"]
    await expect(here.page.locator("#strip")).to_contain_text(f"{open_deals:,} open deals")


async def test_a_card_is_dragged_to_another_column(visit: Open, owner: Person) -> None:
    deal, other = await owner.new_deal("Dragged"), await owner.new_deal("Stays")
    here = await visit(owner)
    await here.open("/pipeline")
    await drag(here, deal, "Proposal")
    await expect(here.column("Proposal").locator(f"#card-{deal['id']}")).to_be_visible()
    await expect(here.page.get_by_text("Dragged moved to Proposal")).to_be_visible()
    await expect(here.column("Proposal").locator(".column-count")).to_contain_text("1")
    await expect(here.column("Prospecting").locator(".column-count")).to_contain_text("1")
    await expect(here.column("Prospecting").locator(f"#card-{other['id']}")).to_be_visible()
    assert await stage_of(owner, deal) == "Proposal"
    last = (await owner.get(f"/deals/{deal['id']}/history"))["items"][0]
    assert (last["kind"], last["from_stage_name"]) == ("moved", "Prospecting")
    assert last["actor_id"] == owner.user_id


@pytest.mark.parametrize("flick", [True, False])
async def test_a_card_lies_where_it_was_let_go_however_quickly(
    visit: Open, owner: Person, flick: bool
) -> None:
    """All of it in one task of the page, as a busy browser hands it on; or the end of it only."""
    deal = await owner.new_deal("Flicked")
    here = await visit(owner)
    await here.open("/pipeline")
    await here.page.evaluate(_POINTER)
    card = here.card(deal).locator(".card-client")
    target = here.column("Proposal").locator(".column-body")
    press = "(card) => { point('pointerdown', card); point('pointermove', card, 12); }"
    let_go = "(body) => { point('pointermove', body); point('pointerup', body); }"
    if flick:
        both = f"([card, body]) => {{ ({press})(card); ({let_go})(body); }}"
        await here.page.evaluate(both, [await card.element_handle(), await target.element_handle()])
    else:
        await card.evaluate(press)
        await expect(here.page.locator("body[data-dragging]")).to_have_count(1)
        await target.evaluate(let_go)
    await expect(here.page.get_by_text("Flicked moved to Proposal")).to_be_visible()
    await expect(here.column("Proposal").locator(f"#card-{deal['id']}")).to_be_visible()
    assert await stage_of(owner, deal) == "Proposal"


async def test_a_drop_between_two_cards_keeps_its_place(visit: Open, owner: Person) -> None:
    low = await owner.new_deal("Low")
    middle = await owner.new_deal("Middle")
    top = await owner.new_deal("Top")
    here = await visit(owner)
    await here.open("/pipeline")
    assert await names(here, "Prospecting") == ["Top", "Middle", "Low"]
    await drag_onto(here, top, low)
    await expect(here.page.locator(".is-pending")).to_have_count(0)
    shown = await names(here, "Prospecting")
    assert shown != ["Top", "Middle", "Low"]
    cards = (await owner.get(f"/board/{owner.stages['Prospecting']}/cards"))["items"]
    assert [card["name"] for card in cards] == shown
    assert middle["id"] in {card["id"] for card in cards}


async def test_undo_brings_a_card_back_to_its_place(visit: Open, owner: Person) -> None:
    await owner.new_deal("Below")
    deal = await owner.new_deal("Returned")
    await owner.new_deal("Above")
    here = await visit(owner)
    await here.open("/pipeline")
    await drag(here, deal, "Engaging")
    await here.page.get_by_role("button", name="Undo").click()
    await expect(here.page.get_by_text("Returned is back in Prospecting")).to_be_visible()
    assert await names(here, "Prospecting") == ["Above", "Returned", "Below"]
    assert await stage_of(owner, deal) == "Prospecting"


async def test_a_card_is_moved_by_keys_and_every_step_is_said(visit: Open, owner: Person) -> None:
    deal = await owner.new_deal("Keyed")
    there = await owner.move(await owner.new_deal("There already"), "Engaging")
    here = await visit(owner)
    await here.open("/pipeline")
    said = here.page.locator("#announcer")
    await here.card(deal).locator(".card-link").focus()
    await here.page.keyboard.press("Space")
    await expect(said).to_contain_text("Keyed lifted. Prospecting, position 1 of 1.")
    await here.page.keyboard.press("ArrowRight")
    await expect(said).to_have_text("Engaging, position 1 of 2")
    await here.page.keyboard.press("ArrowDown")
    await expect(said).to_have_text("Engaging, position 2 of 2")
    await here.page.keyboard.press("Escape")
    await expect(said).to_contain_text("Keyed is back. Prospecting, position 1 of 1.")
    assert (await owner.get(f"/deals/{deal['id']}"))["version"] == deal["version"]

    for key in ("Space", "ArrowRight", "ArrowRight", "Space"):
        await here.page.keyboard.press(key)
    await expect(said).to_contain_text("Keyed: Proposal.")
    await expect(here.card(deal).locator(".card-link")).to_be_focused()
    assert await stage_of(owner, deal) == "Proposal"
    assert await stage_of(owner, there) == "Engaging"


async def test_arrows_roam_with_one_tab_stop(visit: Open, owner: Person) -> None:
    low, top = await owner.new_deal("Low"), await owner.new_deal("Top")
    here = await visit(owner)
    await here.open("/pipeline")
    await here.card(top).locator(".card-link").focus()
    await here.page.keyboard.press("ArrowDown")
    await expect(here.card(low).locator(".card-link")).to_be_focused()
    await expect(here.page.locator(".card a[tabindex='0']")).to_have_count(1)
    await here.page.keyboard.press("Enter")
    await expect(here.page.locator("#panel").get_by_role("heading", name="Low")).to_be_visible()


async def test_a_card_is_moved_by_the_menu(visit: Open, owner: Person) -> None:
    deal = await owner.new_deal("By menu")
    here = await visit(owner)
    await here.open("/pipeline")
    await here.card(deal).locator(".card-menu").click()
    dialog = here.page.get_by_role("dialog")
    await here.shot("move-dialog-1440-light")
    await dialog.get_by_role("button", name="Won").click()
    await expect(here.column("Won").locator(f"#card-{deal['id']}")).to_be_visible()
    await expect(here.page.get_by_text("By menu moved to Won")).to_be_visible()
    assert await stage_of(owner, deal) == "Won"


async def test_a_card_is_moved_without_scripts(visit: Open, owner: Person) -> None:
    deal = await owner.new_deal("Scriptless")
    here = await visit(owner, java_script_enabled=False)
    await here.page.goto(f"{here.url}/pipeline")
    await here.card(deal).locator(".card-menu").click()
    await here.page.get_by_role("button", name="Engaging").click()
    await expect(here.column("Engaging").locator(f"#card-{deal['id']}")).to_be_visible()
    await here.card(deal).locator(".card-menu").click()
    await here.page.get_by_role("button", name="Price").click()
    await expect(here.column("Lost").locator(f"#card-{deal['id']}")).to_be_visible()
    assert await stage_of(owner, deal) == "Lost"


async def test_lost_asks_for_a_reason(visit: Open, owner: Person) -> None:
    deal = await owner.new_deal("Lost one")
    here = await visit(owner)
    await here.open("/pipeline")
    await drag(here, deal, "Lost")
    question = here.page.get_by_text("Why was it lost?")
    await expect(question.first).to_be_visible()
    assert await stage_of(owner, deal) == "Prospecting", "without a reason nothing is stored"
    await here.shot("lost-reason-1440-light")
    await here.page.get_by_role("button", name="Competitor").click()
    await expect(here.page.get_by_text("Lost one moved to Lost")).to_be_visible()
    stored = await owner.get(f"/deals/{deal['id']}")
    reasons = {r["id"]: r["name"] for r in (await owner.get("/lost-reasons"))["items"]}
    assert (stored["stage_name"], reasons[stored["lost_reason_id"]]) == ("Lost", "Competitor")


async def test_a_question_that_is_dismissed_puts_the_card_back(visit: Open, owner: Person) -> None:
    deal = await owner.new_deal("Not lost")
    here = await visit(owner)
    await here.open("/pipeline")
    await drag(here, deal, "Lost")
    await expect(here.page.locator(".toast").get_by_text("Why was it lost?")).to_be_visible()
    await here.page.get_by_role("button", name="Dismiss").click()
    await expect(here.column("Prospecting").locator(f"#card-{deal['id']}")).to_be_visible()
    assert await stage_of(owner, deal) == "Prospecting"


async def test_a_card_that_somebody_else_moved_first_goes_where_it_is(
    visit: Open, owner: Person
) -> None:
    deal = await owner.new_deal("Contested")
    here = await visit(owner)
    await here.page.route("**/api/v1/events", lambda route: route.abort())
    here.expected += [
        "Failed to load resource: net::ERR_FAILED",
        "htmx: htmx:error: Failed to fetch",
    ]
    await here.open("/pipeline")
    await owner.move(deal, "Proposal")
    here.expect_status(412)
    await drag(here, deal, "Engaging")
    await expect(here.column("Proposal").locator(f"#card-{deal['id']}")).to_be_visible()
    await expect(here.page.get_by_text("Somebody was faster")).to_be_visible()
    assert await stage_of(owner, deal) == "Proposal"


async def test_who_may_only_read_cannot_move(visit: Open, owner: Person) -> None:
    deal = await owner.new_deal("Looked at")
    viewer = await invite(owner, "viewer")
    here = await visit(viewer)
    await here.open("/pipeline")
    await expect(here.page.get_by_role("link", name="New deal")).to_have_count(0)
    await expect(here.card(deal).locator(".card-menu")).to_be_hidden()
    await drag(here, deal, "Proposal")
    await here.card(deal).locator(".card-link").focus()
    await here.page.keyboard.press("Space")
    await expect(here.page.locator(".is-lifted")).to_have_count(0)
    await expect(here.column("Prospecting").locator(f"#card-{deal['id']}")).to_be_visible()
    here.expect_status(403)
    sent = await here.page.context.request.post(
        f"{here.url}/deals/{deal['id']}/move",
        form={"stage_id": owner.stages["Won"], "etag": "1"},
    )
    assert sent.status == 403
    assert await stage_of(owner, deal) == "Prospecting"


async def test_a_long_column_shows_more_when_it_is_reached(visit: Open, demo: Person) -> None:
    here = await visit(demo)
    await here.open("/pipeline")
    cards = here.column("Engaging").locator(".card")
    await expect(cards).to_have_count(25)
    await here.column("Engaging").locator(".load-more").scroll_into_view_if_needed()
    await expect(cards).to_have_count(50)
    ids = await cards.evaluate_all("cards => cards.map(card => card.id)")
    assert len(set(ids)) == 50


async def test_the_board_is_searched_and_filtered(visit: Open, demo: Person) -> None:
    here = await visit(demo)
    await here.open("/pipeline")
    await here.page.get_by_label("Search deals by name").fill("MG Special")
    await expect(here.page).to_have_url(f"{here.url}/pipeline?q=MG+Special")
    shown = here.page.locator(".card .card-link")
    for name in await shown.all_inner_texts():
        assert "MG Special" in name
    everything = await demo.get("/board", name__contains="MG Special")
    counts = {column["stage"]["name"]: column["count"] for column in everything["columns"]}
    assert {stage: await here.count(stage) for stage in counts} == counts
    await here.page.reload()
    await expect(here.page.get_by_label("Search deals by name")).to_have_value("MG Special")


@pytest.mark.parametrize("width", [390, 820])
async def test_a_phone_has_one_column_a_screen(visit: Open, demo: Person, width: int) -> None:
    here = await visit(demo, width=width, height=844, has_touch=True)
    await here.open("/pipeline")
    overflow = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await here.page.evaluate(overflow) <= 0, "the page itself never scrolls sideways"
    await here.shot(f"board-{width}-light")


# What a mouse does, at the middle of an element.
_POINTER = """() => {
  window.point = (type, element, off = 0) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    const at = { clientX: left + width / 2 + off, clientY: top + Math.min(height / 2, 40) + off };
    const mouse = { pointerType: "mouse", pointerId: 1, isPrimary: true, button: 0, buttons: 1 };
    const told = { bubbles: true, cancelable: true, composed: true, ...at, ...mouse };
    element.dispatchEvent(new PointerEvent(type, told));
  };
}"""


async def names(here: Visit, stage: str) -> list[str]:
    """The cards of a column from top to bottom."""
    return await here.column(stage).locator(".card-link").all_inner_texts()


async def stage_of(person: Person, deal: dict[str, Any]) -> str:
    """Where the server says that it is."""
    return str((await person.get(f"/deals/{deal['id']}"))["stage_name"])
