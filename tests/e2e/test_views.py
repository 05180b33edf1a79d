"""Saved views of clients and activities: what is seen, kept under a name, and seen first."""

from playwright.async_api import expect

from tests.e2e.support.api import Person
from tests.e2e.support.browsing import Open


async def test_a_view_of_clients_keeps_filter_order_and_columns(visit: Open, owner: Person) -> None:
    for name, kind in (("Acme", "company"), ("Mira Holm", "person"), ("Noor Vance", "person")):
        await owner.post("/clients", {"name": name, "kind": kind, "emails": []}, 201)
    here = await visit(owner)
    await here.open("/clients")
    await here.page.get_by_role("button", name="More filters").click()
    await here.page.get_by_label("Kind").select_option("People")
    await here.page.get_by_role("button", name="Apply").click()
    await expect(here.page.get_by_text("Kind is person")).to_be_visible()
    await here.page.get_by_role("columnheader").get_by_role("link", name="Name").click()
    await here.page.get_by_role("columnheader").get_by_role("link", name="Name").click()
    await here.page.get_by_role("button", name="Saved views").click()
    await here.page.get_by_role("link", name="Save this view").click()
    await here.page.get_by_label("Name").fill("People")
    await here.page.get_by_label("E-mail", exact=True).check()
    await here.page.get_by_label("Show it to me first when I open clients").check()
    await here.page.get_by_role("button", name="Save view").click()
    await here.open("/clients")
    rows = here.page.locator("tbody tr")
    await expect(rows).to_have_count(2)
    await expect(rows.first).to_contain_text("Noor Vance")


async def test_a_view_of_activities_is_shared_and_deleted(visit: Open, owner: Person) -> None:
    deal = await owner.new_deal("Retainer")
    for kind in ("call", "task"):
        body = {"subject": f"A {kind}", "kind": kind, "deal_id": deal["id"]}
        await owner.post("/activities", body, 201)
    here = await visit(owner)
    await here.open("/activities?show=undated&kind=call&owner=all")
    await here.page.get_by_role("button", name="Saved views").click()
    await here.page.get_by_role("link", name="Save this view").click()
    await here.page.get_by_label("Name").fill("Calls to plan")
    await here.page.get_by_role("button", name="Save view").click()
    await expect(here.page.locator(".activity-row")).to_have_count(1)
    await expect(here.page.get_by_role("button", name="Saved views")).to_contain_text("Calls")
    (view,) = (await owner.get("/views", resource="activities"))["items"]
    assert view["filter"] == {"done_at__isnull": "true", "due_at__isnull": "true", "kind": "call"}
    await here.open("/settings/views")
    await here.page.get_by_role("button", name="Delete Calls to plan").click()
    await expect(here.page.get_by_text("View deleted.")).to_be_visible()
    await here.open(f"/activities?view={view['id']}")
    await expect(here.page).to_have_url(f"{here.url}/activities?view=")
