"""A week at work: what is to be done comes up, is done, taken back, and leaves a trace."""

from datetime import UTC, datetime, timedelta

from playwright.async_api import expect

from tests.e2e.support.api import Person
from tests.e2e.support.browsing import Open


async def test_a_week_of_deals_and_activities(visit: Open, owner: Person) -> None:
    mira = await owner.post("/clients", {"name": "Mira Holm", "kind": "person"}, 201)
    deal = await owner.new_deal("Website", client_id=mira["id"])
    late = datetime.now(UTC) - timedelta(days=3)
    body = {"subject": "Send the offer", "kind": "mail", "deal_id": deal["id"]}
    await owner.post("/activities", body | {"due_at": late.isoformat()}, 201)

    # Today: what is overdue stands first, a line becomes what is due, a deal has no next step.
    here = await visit(owner)
    page = here.page
    await here.open("/")
    await here.is_live()
    await expect(page.get_by_role("list", name="Overdue")).to_contain_text("Send the offer")
    line = page.get_by_label("Add an activity in one line")
    await line.fill("Call Mira today 23:45")
    await line.press("Enter")
    today = page.get_by_role("list", name="Today")
    await expect(today).to_contain_text("Call Mira")
    await expect(today).to_contain_text("Mira Holm")
    await here.shot("journey-week-today-1440")

    # Done, taken back, done: the list follows each time.
    await page.get_by_role("button", name="Done: Send the offer").click()
    await expect(page.get_by_role("list", name="Overdue")).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("list", name="Overdue")).to_contain_text("Send the offer")
    await page.get_by_role("button", name="Done: Send the offer").click()
    await expect(page.get_by_role("list", name="Overdue")).to_have_count(0)

    # On the deal: a note, what comes next, and all of it on the timeline.
    await here.open(f"/deals/{deal['id']}")
    await page.get_by_label("Write a note").fill("Wants it before the fair")
    await page.get_by_role("button", name="Add note").click()
    timeline = page.locator(".timeline")
    await expect(timeline).to_contain_text("Wants it before the fair")
    await expect(timeline).to_contain_text("Mail done: Send the offer")
    line = page.get_by_label("Add an activity in one line")
    await line.fill("Meet about contract in 2 days 10:00")
    await line.press("Enter")
    await expect(page.locator(".activity-row")).to_contain_text("Meet about contract")
    await page.reload()
    await expect(page.locator(".facts")).to_contain_text("Meet about contract")
    await here.shot("journey-week-deal-1440")

    # The board says it too; the deal is no longer among those without a next step.
    await here.open("/pipeline")
    await here.shot("journey-week-board-1440")
    await here.open("/")
    await expect(page.get_by_role("heading", name="Deals without a next step")).to_have_count(0)

    # A reminder comes into the window and is counted at the bell until it is read.
    now = datetime.now(UTC)
    await here.is_live()
    body = {"subject": "Invoice", "kind": "task", "deal_id": deal["id"]}
    times = {"due_at": now + timedelta(hours=1), "remind_at": now}
    await owner.post("/activities", body | {k: at.isoformat() for k, at in times.items()}, 201)
    bell = page.locator("#unread-side .nav-count")
    await expect(bell).to_contain_text("1")
    await here.shot("journey-week-reminder-1440")
    await page.get_by_role("link", name="Notifications").first.click()
    await expect(page.locator("#inbox")).to_contain_text("Invoice")
    await page.get_by_role("button", name="Mark all as read").click()
    await expect(bell).to_have_count(0)

    found = await owner.get(f"/clients/{mira['id']}/timeline")
    kinds = [entry["kind"] for entry in found["items"]]
    assert kinds == ["note", "activity_done", "deal_created", "client_created"]
