"""The audit log: what people do to their own settings is in it, and nothing private."""

from typing import Any

from playwright.async_api import expect

from tests.e2e.support.api import Person, invite
from tests.e2e.support.browsing import Open
from tests.e2e.support.platform import until

VIEW = {"resource": "deals", "filter": {"source": "Confidential"}, "sort": ["name"]}


async def entries(owner: Person, type_: str, count: int) -> list[dict[str, Any]]:
    """Of a kind, as soon as there are so many; the oldest first."""
    found: list[dict[str, Any]] = []

    async def are_kept() -> bool:
        found[:] = (await owner.get("/audit", type=type_))["items"]
        return len(found) >= count

    await until(are_kept)
    return found[::-1]


async def test_views_are_in_the_audit_log_and_private_ones_stay_private(
    visit: Open, owner: Person
) -> None:
    colleague = await invite(owner, "sales")
    await colleague.post("/views", VIEW | {"name": "Confidential"}, 201)
    shared = await colleague.post("/views", VIEW | {"name": "Für alle", "shared": True}, 201)
    await owner.post(f"/views/{shared['id']}/choose", {}, 204)
    found = await entries(owner, "crm.view.", 3)
    assert [(entry["type"], entry["actor_name"], entry["detail"]) for entry in found] == [
        ("crm.view.v1.changed", "Sales", "(deals, private): new"),
        ("crm.view.v1.changed", "Sales", "Für alle (deals, shared): new"),
        ("crm.view.v1.chosen", "Olga", "Für alle (deals, shared)"),
    ]
    assert "Confidential" not in str(found)
    here = await visit(owner)
    await here.open("/audit?what=crm.view.")
    rows = here.page.locator("tbody tr")
    await expect(rows.nth(0)).to_contain_text("Chose the view they see first")
    await expect(rows.nth(1)).to_contain_text("Changed a saved view Für alle (deals, shared): new")
    await expect(rows.nth(2)).to_contain_text("Changed a saved view (deals, private): new")


async def test_open_windows_hear_nothing_of_what_is_somebodys_own(owner: Person) -> None:
    async with owner.events() as heard:
        view = await owner.post("/views", VIEW | {"name": "Mine"}, 201)
        await owner.post(f"/views/{view['id']}/choose", {}, 204)
        await owner.post("/calendar", {}, 201)
        await entries(owner, "crm.calendar.", 1)  # all of it has been told
        await owner.new_deal("Of which they hear")
        events: list[str] = []
        while "deal.created" not in events:
            events.append((await heard.get())["event"])
    assert {event.split(".")[0] for event in events}.isdisjoint({"view", "calendar"})


async def test_a_calendar_address_is_in_the_audit_log_without_itself(
    visit: Open, owner: Person
) -> None:
    addresses = [(await owner.post("/calendar", {}, 201))["url"] for _ in range(2)]
    await owner.request("DELETE", "/calendar")
    found = await entries(owner, "crm.calendar.", 3)
    assert [entry["detail"] for entry in found] == ["made", "renewed", "ended"]
    for address in addresses:
        assert address.rpartition("/")[2].removesuffix(".ics") not in str(found)
    here = await visit(owner)
    await here.open("/audit?what=crm.calendar.")
    await expect(here.page.locator("tbody tr").first).to_contain_text(
        "Changed their calendar address ended"
    )
