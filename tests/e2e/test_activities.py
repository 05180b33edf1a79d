"""Activities: a line that becomes one, done and taken back, and a series that goes on."""

from datetime import UTC, datetime, timedelta

import httpx
from playwright.async_api import expect

from tests.e2e.support.api import Person, etag
from tests.e2e.support.browsing import Open
from tests.e2e.support.mails import mails_to
from tests.e2e.support.platform import Platform, until


async def test_a_line_becomes_an_activity_that_is_done_and_undone(
    visit: Open, owner: Person
) -> None:
    await owner.post("/clients", {"name": "Mira Holm", "kind": "person"}, 201)
    here = await visit(owner)
    await here.open("/activities")
    line = here.page.get_by_label("Add an activity in one line")
    await line.fill("Call Mira tomorrow 14:00")
    await line.press("Enter")
    row = here.page.locator(".activity-row")
    await expect(row).to_contain_text("Call Mira")
    await expect(row).to_contain_text("Tomorrow, 2:00")
    await expect(row).to_contain_text("Mira Holm")
    await expect(line).to_have_value("")
    await here.page.get_by_role("button", name="Done: Call Mira").click()
    await expect(here.page.get_by_text("Nothing to do")).to_be_visible()
    await here.page.get_by_role("button", name="Undo").click()
    await expect(row).to_contain_text("Call Mira")
    (activity,) = (await owner.get("/activities"))["items"]
    assert (activity["kind"], activity["done_at"]) == ("call", None)


async def test_a_line_that_names_nobody_asks_in_a_form(visit: Open, owner: Person) -> None:
    await owner.post("/clients", {"name": "Stationery & Co"}, 201)
    here = await visit(owner)
    await here.open("/activities")
    line = here.page.get_by_label("Add an activity in one line")
    await line.fill("Order paper every month")
    await line.press("Enter")
    dialog = here.page.get_by_role("dialog")
    await expect(dialog.get_by_label("What")).to_have_value("Order paper")
    await expect(dialog.get_by_label("Repeats")).to_have_value("monthly")
    await dialog.get_by_label("Client").fill("Stationery & Co")
    await dialog.get_by_role("button", name="Add activity").click()
    await expect(here.page.locator(".activity-row")).to_contain_text("every month")
    await expect(dialog).to_be_hidden()


async def test_without_scripts_it_is_the_same(visit: Open, owner: Person) -> None:
    client = await owner.post("/clients", {"name": "Mira"}, 201)
    here = await visit(owner, java_script_enabled=False)
    await here.page.goto(f"{here.url}/activities")
    await here.page.get_by_label("Add an activity in one line").fill("Meet Mira today")
    await here.page.get_by_role("button", name="Add", exact=True).click()
    await here.page.get_by_role("button", name="Done: Meet Mira").click()
    await expect(here.page.get_by_text("Nothing to do")).to_be_visible()
    (activity,) = (await owner.get("/activities", done_at__isnull="false"))["items"]
    assert activity["client_id"] == client["id"]


async def test_a_series_goes_on_through_the_api(owner: Person) -> None:
    deal = await owner.new_deal("Retainer")
    body = {"subject": "Invoice", "deal_id": deal["id"], "repetition": "monthly"}
    await owner.post("/activities", body, 422)
    body["due_at"] = "2031-01-31T09:00:00Z"
    first = await owner.post("/activities", body, 201)
    await owner.post(f"/activities/{first['id']}/done")
    items = await owner.get("/activities", done_at__isnull="true", total="true")
    assert items["total"] == 1
    assert items["items"][0]["due_at"] == "2031-02-28T09:00:00Z"
    change = {"due_at": "2031-03-03T09:00:00Z", "repetition": None, "all_day": True}
    changed = await owner.request(
        "PATCH",
        f"/activities/{items['items'][0]['id']}",
        json=change,
        headers={"If-Match": etag(items["items"][0])},
    )
    assert changed.status_code == 200, changed.text
    assert (changed.json()["due_at"], changed.json()["repetition"]) == (
        "2031-03-03T00:00:00Z",
        None,
    )


async def test_a_calendar_is_read_with_its_address_alone(owner: Person) -> None:
    deal = await owner.new_deal("Retainer", expected_close_date="2031-01-31")
    body = {"subject": "Invoice", "deal_id": deal["id"], "due_at": "2031-01-30T09:00:00Z"}
    await owner.post("/activities", body, 201)
    url = (await owner.post("/calendar", status=201))["url"]
    path = url[url.index("/api/") :]
    read = await owner.http.get(path)
    assert (read.status_code, read.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    assert "SUMMARY:Invoice" in read.text
    assert "SUMMARY:Expected to close: Retainer" in read.text
    same = await owner.http.get(path, headers={"If-None-Match": read.headers["etag"]})
    assert same.status_code == 304
    assert (await owner.request("DELETE", "/calendar")).status_code == 204
    assert (await owner.http.get(path)).status_code == 404


async def test_a_reminder_comes_into_the_window_and_by_mail(
    visit: Open, owner: Person, platform: Platform, http: httpx.AsyncClient
) -> None:
    deal, now = await owner.new_deal("Retainer"), datetime.now(UTC)
    times = {"due_at": now + timedelta(hours=1), "remind_at": now}
    body = {"subject": "Ask", "kind": "call", "deal_id": deal["id"]}
    here = await visit(owner)
    await here.open("/notifications")
    await here.is_live()
    made = await owner.post(
        "/activities", body | {name: at.isoformat() for name, at in times.items()}, 201
    )
    await here.page.get_by_role("link", name="Call: Ask").click()
    await expect(here.page.get_by_role("heading", name="Ask", level=1)).to_be_visible()
    await expect(here.page).to_have_url(f"{here.url}/activities/{made['id']}")

    async def has_mail() -> bool:
        found = await mails_to(http, platform, owner.email)
        return any(mail["subject"] == "Call: Ask" for mail in found)

    await until(has_mail)
    told = (await owner.get("/notifications"))["items"]
    assert [item["title"] for item in told if item["kind"] == "activity_due"] == ["Call: Ask"]
