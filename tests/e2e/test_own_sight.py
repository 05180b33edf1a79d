"""A member who sees only own deals: every page, and what is out of sight stays as it is."""

from playwright.async_api import expect

from tests.e2e.support.api import Person, invite
from tests.e2e.support.browsing import Open

PAGES = (
    *("/", "/pipeline", "/pipeline?layout=table", "/clients", "/activities", "/notifications"),
    *("/analytics", "/analytics/clients", "/analytics/deals", "/analytics/pipeline"),
    *("/analytics/accuracy", "/search?q=site", "/duplicates", "/trash", "/more", "/workspaces"),
    *("/settings", "/settings/workspace", "/settings/members", "/settings/notifications"),
)


async def test_who_sees_own_deals_has_quiet_pages_and_loses_nothing(
    visit: Open, owner: Person
) -> None:
    """No window may complain, of the content policy neither: `visit` listens for it."""
    member = await invite(owner, "sales")
    client = await owner.post("/clients", {"name": "Not to be seen"}, 201)
    deal = await owner.new_deal("Shop", client_id=client["id"], owner_id=member.user_id)
    changed = await owner.request(
        "PATCH",
        f"/members/{member.user_id}",
        json={"visibility": "own"},
        headers={"If-Match": '"1"'},
    )
    assert changed.status_code == 200, changed.text
    await member.sign_in()

    here = await visit(member)
    for path in PAGES:
        await here.open(path)
        await expect(here.page.locator("h1")).to_be_visible()
    await here.open(f"/pipeline?deal={deal['id']}")
    await expect(here.card(deal)).to_contain_text("A client you do not see")
    await expect(here.page.locator("#panel")).to_contain_text("A client you do not see")

    await here.open(f"/deals/{deal['id']}/edit")
    # Not nobody and no colleague: with them it would be out of the member's own sight.
    owners = here.page.get_by_label("Owner").locator("option")
    await expect(owners).to_have_count(1)
    await expect(owners).to_have_attribute("value", member.user_id)
    await here.page.get_by_label("Source").fill("Fair")
    await here.page.get_by_role("button", name="Save deal").click()
    await expect(here.page.get_by_role("heading", name="Shop")).to_be_visible()
    kept = await owner.get(f"/deals/{deal['id']}")
    assert (kept["source"], kept["client_id"]) == ("Fair", client["id"])
