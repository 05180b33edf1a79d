"""Two browsers and an inbox: what one person does, the others see without asking."""

from typing import Any

import httpx
from playwright.async_api import expect

from tests.e2e.support.api import Person, invite
from tests.e2e.support.browsing import Open
from tests.e2e.support.mails import mails_to
from tests.e2e.support.platform import Platform, until


async def test_a_move_in_one_browser_appears_in_another(
    visit: Open, owner: Person, platform: Platform, http: httpx.AsyncClient
) -> None:
    """The main job: board → crm → bus → analytics and notify → the other window and the mail."""
    amount = {"amount_minor": 450000, "currency": "EUR"}
    deal = await owner.new_deal("Travelling", amount=amount)
    colleague = await invite(owner, "manager")
    here, there = await visit(owner), await visit(colleague)
    await here.open("/pipeline")
    await there.open("/pipeline")
    await there.is_live()
    await there.page.evaluate("window.loadedOnce = true")
    await expect(there.page.locator("#strip")).to_contain_text("Prospecting 1")

    await here.card(deal).locator(".card-link").focus()
    for key in ("Space", "ArrowRight", "ArrowRight", "Space"):
        await here.page.keyboard.press(key)
    await expect(here.page.get_by_text("Travelling moved to Proposal")).to_be_visible()

    await expect(there.column("Proposal").locator(f"#card-{deal['id']}")).to_be_visible()
    await expect(there.column("Proposal").locator(".column-sum")).to_contain_text("€4,500")
    await expect(there.page.locator("#strip")).to_contain_text("Proposal 1")
    await expect(there.page.locator("#unread-side")).to_contain_text("1")
    assert await there.page.evaluate("window.loadedOnce"), "nothing was loaded anew"
    await there.shot("second-browser-1440-light")

    subject = "Travelling is now in Proposal"

    async def told(person: Person) -> list[Any]:
        found = await mails_to(http, platform, person.email)
        return [mail for mail in found if mail["subject"] == subject]

    async def got_mail() -> bool:
        return bool(await told(colleague))

    await until(got_mail)
    (mail,) = await told(colleague)
    assert not await told(owner), "who moved it knows"
    assert f"{platform.gateway}/deals/{deal['id']}" in mail["text"]
    sink = await visit()
    await sink.page.goto(platform.mail)
    await sink.page.get_by_role("link", name=subject).first.click()
    await expect(sink.page.get_by_text("moved it from Prospecting to Proposal")).to_be_visible()
    await sink.shot("mail-1440-light")


async def test_the_inbox_counts_and_forgets(visit: Open, owner: Person) -> None:
    await owner.hear_own_changes()
    for name in ("First", "Second"):
        await owner.move(await owner.new_deal(name), "Won")

    async def told_of_both() -> bool:
        return bool((await owner.get("/notifications"))["unread_count"] == 2)

    await until(told_of_both)
    here = await visit(owner)
    await here.open("/notifications")
    await expect(here.page.locator(".inbox-row.is-unread")).to_have_count(2)
    await here.shot("notifications-1440-light")
    await here.page.get_by_role("button", name="Mark as read: Won: First").click()
    await expect(here.page.locator(".inbox-row.is-unread")).to_have_count(1)
    await expect(here.page.locator("#unread-side")).to_contain_text("1")
    await here.page.get_by_role("button", name="Mark all as read").click()
    await expect(here.page.locator(".inbox-row.is-unread")).to_have_count(0)
    await expect(here.page.locator("#unread-side")).to_be_empty()
    await here.page.get_by_role("link", name="Won: Second").click()
    await expect(here.page.get_by_role("heading", name="Second")).to_be_visible()


async def test_the_demo_shows_what_a_move_sets_off(demo: Person) -> None:
    assert (await demo.get("/notifications/preferences"))["mute_own_changes"] is False


async def test_a_new_deal_and_a_change_appear_too(visit: Open, owner: Person) -> None:
    here = await visit(owner)
    await here.open("/pipeline")
    await here.is_live()
    deal = await owner.new_deal("Appears")
    await expect(here.card(deal)).to_be_visible()
    await owner.request(
        "PATCH",
        f"/deals/{deal['id']}",
        json={"name": "Appears renamed"},
        headers={"If-Match": f'"{deal["version"]}"'},
    )
    await expect(here.card(deal)).to_contain_text("Appears renamed")


async def test_a_refresh_never_takes_the_focus(visit: Open, owner: Person) -> None:
    deal = await owner.new_deal("Focused")
    here = await visit(owner)
    await here.open("/pipeline")
    await here.is_live()
    await here.card(deal).locator(".card-link").focus()
    other = await owner.new_deal("Elsewhere")
    await expect(here.card(other)).to_be_visible()
    await expect(here.card(deal).locator(".card-link")).to_be_focused()


async def test_the_stream_tells_ids_and_versions_only(owner: Person, stranger: Person) -> None:
    async with owner.events() as heard, stranger.events() as elsewhere:
        deal = await owner.new_deal("Not in the stream")
        theirs = await stranger.new_deal("Theirs")
        created = await heard.get()
        while created["event"] != "deal.created":
            created = await heard.get()
        assert deal["id"] in created["data"]
        assert "Not in the stream" not in created["data"]
        other = await elsewhere.get()
        while other["event"] != "deal.created":
            other = await elsewhere.get()
        assert theirs["id"] in other["data"], "the first deal of all that a stranger hears of"
        last = created["id"]
    moved = await owner.move(deal, "Engaging")
    async with owner.events(**{"Last-Event-ID": last}) as heard:
        replayed = await heard.get()
        while replayed["event"] != "deal.moved":
            assert theirs["id"] not in replayed["data"]
            replayed = await heard.get()
        assert f'"version":{moved["version"]}' in replayed["data"]
    async with owner.events(**{"Last-Event-ID": "not one of ours"}) as heard:
        assert (await heard.get())["event"] == "reset"


async def test_a_refresh_loses_nothing_that_is_being_typed(visit: Open, owner: Person) -> None:
    deal = await owner.new_deal("Typed on")
    here = await visit(owner)
    await here.open(f"/deals/{deal['id']}")
    await here.is_live()
    note = here.page.get_by_label("Write a note")
    line = here.page.get_by_label("Add an activity in one line")
    await line.fill("Call tomorrow")
    await note.fill("Half a thought")  # the line has lost the focus, the note has it
    for number in range(3):
        body = {"subject": f"Ask {number}", "kind": "call", "deal_id": deal["id"]}
        await owner.post("/activities", body, 201)
        await expect(here.page.locator(".activity-row")).to_have_count(number + 1)
    await expect(note).to_have_value("Half a thought")
    await expect(note).to_be_focused()
    await expect(line).to_have_value("Call tomorrow")
    await here.page.get_by_role("button", name="Add note").click()
    await expect(here.page.locator(".timeline")).to_contain_text("Half a thought")
    await expect(note).to_have_value("")
    await expect(line).to_have_value("Call tomorrow")
