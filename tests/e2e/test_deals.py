"""A deal of one's own: made, opened, changed, and changed by somebody else meanwhile."""

from datetime import UTC, datetime, timedelta

from playwright.async_api import expect

from tests.e2e.support.api import Person, etag
from tests.e2e.support.browsing import Open
from tests.e2e.support.histories import Past, lived
from tests.e2e.support.platform import until


async def test_a_new_deal_comes_to_stand_on_the_board(visit: Open, owner: Person) -> None:
    await owner.post("/clients", {"name": "Ada & Sons"}, 201)
    here = await visit(owner)
    await here.open("/pipeline")
    await here.page.get_by_role("link", name="New deal").click()
    dialog = here.page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("Website <relaunch>")
    await dialog.get_by_label("Client").fill("Nobody we know")
    await dialog.get_by_label("Value").fill("1,250.50")
    await dialog.get_by_label("Stage").select_option("Engaging")
    here.expect_status(422)
    await dialog.get_by_role("button", name="Add deal").click()
    await expect(dialog.get_by_text("No client has this name").first).to_be_visible()
    await expect(dialog.get_by_label("Name")).to_have_value("Website <relaunch>")
    await here.shot("new-deal-1440-light")
    await dialog.get_by_label("Client").fill("Ada & Sons")
    await dialog.get_by_role("button", name="Add deal").click()
    card = here.column("Engaging").locator(".card")
    await expect(card).to_contain_text("Website <relaunch>")
    await expect(card).to_contain_text("€1,250.50")
    (deal,) = (await owner.get("/deals"))["items"]
    assert (deal["name"], deal["client_name"]) == ("Website <relaunch>", "Ada & Sons")
    assert deal["amount"] == {"amount_minor": 125050, "currency": "EUR"}


async def test_a_form_that_is_sent_twice_adds_once(visit: Open, owner: Person) -> None:
    here = await visit(owner, java_script_enabled=False)
    await here.page.goto(f"{here.url}/deals/new")
    await here.page.get_by_label("Name").fill("Only once")
    request_id = await here.page.locator("[name=request_id]").input_value()
    form: dict[str, str | float | bool] = {
        "name": "Only once",
        "request_id": request_id,
        "currency": "EUR",
    }
    for _ in range(2):
        sent = await here.page.context.request.post(f"{here.url}/deals/new", form=form)
        assert sent.status == 200
        assert "/deals/" in sent.url
    first = sent.url
    changed = {**form, "name": "Only once, and better"}
    sent = await here.page.context.request.post(f"{here.url}/deals/new", form=changed)
    assert (sent.status, sent.url) == (200, first), "whose answer was lost may have been changed"
    assert len((await owner.get("/deals"))["items"]) == 1


async def test_a_conflict_shows_theirs_and_keeps_mine(visit: Open, owner: Person) -> None:
    deal = await owner.new_deal("Ours", next_step="Call")
    here = await visit(owner)
    await here.open(f"/deals/{deal['id']}/edit")
    theirs = await owner.request(
        "PATCH",
        f"/deals/{deal['id']}",
        json={"name": "Theirs"},
        headers={"If-Match": etag(deal)},
    )
    assert theirs.status_code == 200
    await here.page.get_by_label("Name").fill("Mine")
    here.expect_status(412)
    await here.page.get_by_role("button", name="Save deal").click()
    await expect(here.page.get_by_text("Name “Theirs”")).to_be_visible()
    await expect(here.page.get_by_label("Name")).to_have_value("Mine")
    await here.shot("conflict-1440-light")
    assert (await owner.get(f"/deals/{deal['id']}"))["name"] == "Theirs", "nothing was overwritten"
    await here.page.get_by_role("button", name="Save deal").click()
    await expect(here.page.get_by_role("heading", name="Mine")).to_be_visible()
    assert (await owner.get(f"/deals/{deal['id']}"))["name"] == "Mine"


async def test_a_deals_page_tells_its_history(visit: Open, owner: Person) -> None:
    amount = {"amount_minor": 990000, "currency": "EUR"}
    deal = await owner.new_deal("Told", amount=amount)
    await owner.move(deal, "Proposal")
    here = await visit(owner)
    await here.open(f"/deals/{deal['id']}")
    await expect(here.page.get_by_role("heading", name="Told")).to_be_visible()
    await expect(here.page.get_by_text("€9,900").first).to_be_visible()
    timeline = here.page.locator(".timeline")
    await expect(timeline).to_contain_text("Moved from Prospecting to Proposal")
    await expect(timeline).to_contain_text("Created in Prospecting")
    await expect(here.page.locator("[aria-current=step]")).to_have_text("Proposal")
    await here.shot("deal-1440-light")


async def test_a_card_opens_beside_the_board_and_back_closes_it(visit: Open, owner: Person) -> None:
    deal = await owner.new_deal("Beside")
    here = await visit(owner)
    await here.open("/pipeline")
    await here.card(deal).locator(".card-link").click()
    panel = here.page.locator("#panel")
    await expect(panel.get_by_role("heading", name="Beside")).to_be_visible()
    await here.shot("panel-1440-light")
    await panel.get_by_role("link", name="Close").click()
    await expect(panel.get_by_role("heading", name="Beside")).to_be_hidden()
    await expect(here.page).to_have_url(f"{here.url}/pipeline")


async def test_a_deal_of_somebody_else_is_not_there(
    visit: Open, owner: Person, stranger: Person
) -> None:
    deal = await stranger.new_deal("Secret of Sten")
    here = await visit(owner)
    here.expect_status(404)
    for path in ("", "/edit", "/move"):
        await here.page.goto(f"{here.url}/deals/{deal['id']}{path}")
        await expect(here.page.get_by_text("There is nothing here")).to_be_visible()
        assert "Secret of Sten" not in await here.page.content()


async def test_hostile_words_stay_words(visit: Open, owner: Person) -> None:
    hostile = "<img src=x onerror=alert(1)>{{7*7}}\"'><script>alert(2)</script>"
    await owner.hear_own_changes()
    client = await owner.post("/clients", {"name": hostile, "notes": hostile}, 201)
    deal = await owner.new_deal(hostile, client_id=client["id"], next_step=hostile, tags=["<b>x"])
    await owner.move(deal, "Engaging")
    here = await visit(owner)
    dialogs: list[str] = []
    here.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    for path in (
        "/pipeline",
        f"/deals/{deal['id']}",
        f"/deals/{deal['id']}/edit",
        f"/deals/{deal['id']}/move",
        "/clients",
        f"/clients/{client['id']}",
        "/notifications",
    ):
        await here.open(path)
        assert await here.page.locator("img[src=x]").count() == 0, path
        assert hostile in await here.page.locator("body").evaluate(
            "body => [...body.querySelectorAll('input, textarea')].map(e => e.value).join(' ')"
            " + body.textContent"
        ), path
    assert dialogs == []


async def test_what_was_won_before_today_is_won_on_its_day(visit: Open, owner: Person) -> None:
    assert await lived(owner, [Past(created=60, name="Signage"), Past(created=50, name="Menu")])
    signage, menu = [
        (await owner.get("/deals", name=name))["items"][0] for name in ("Signage", "Menu")
    ]
    now = datetime.now(UTC)
    day, other = [(now - timedelta(days=ago)).date().isoformat() for ago in (40, 20)]
    here = await visit(owner)
    await here.open("/pipeline")
    await here.card(signage).locator(".card-menu").click()
    dialog = here.page.get_by_role("dialog")
    await dialog.get_by_role("link", name="Won or lost before today").click()
    await expect(dialog.get_by_label("How it ended")).to_be_visible()
    await dialog.get_by_label("Day").fill((now + timedelta(days=3)).date().isoformat())
    here.expect_status(422)
    await dialog.get_by_role("button", name="Close deal").click()
    await expect(dialog.get_by_text("This lies in the future.").first).to_be_visible()
    await here.shot("close-deal-1440-light")
    await dialog.get_by_label("Day").fill(day)
    await dialog.get_by_role("button", name="Close deal").click()
    await expect(here.column("Won").get_by_text("Signage")).to_be_visible()
    lost = {
        "closed_on": other,
        "lost_reason_id": (await owner.get("/lost-reasons"))["items"][0]["id"],
    }
    await owner.move(menu, "Lost", **lost)

    for deal, when in ((signage, day), (menu, other)):
        found = await owner.get(f"/deals/{deal['id']}")
        assert found["closed_at"] == f"{when}T00:00:00Z"
        (line, *_) = (await owner.get(f"/deals/{deal['id']}/history"))["items"]
        assert (line["kind"], line["happened_at"][:10]) == ("moved", when)

        async def is_known(path: str = f"/analytics/deals/{deal['id']}", when: str = when) -> bool:
            spells = (await owner.get(path))["spells"]
            return bool(spells[-1]["entered_at"][:10] == when)

        await until(is_known)
    await here.open(f"/deals/{signage['id']}")
    await here.shot("closed-deal-1440-light")
