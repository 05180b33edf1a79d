"""Another role for a member: what they gain and lose is shown before it is saved."""

import re
from html import unescape
from typing import Any

from freelanceflow.auth.v1.workspace_service_pb2 import (
    ChangeMemberRoleRequest,
    ListMembersResponse,
    Member,
)
from gateway.entrypoints.permissions import WORDS
from services.gateway.tests.unit.pages.conftest import Answer, Site
from services.gateway.tests.unit.pages.people_answers import BOOKKEEPER, make_roles

PERSON = "00000000-0000-0000-0000-000000000002"
PATH = f"/settings/members/{PERSON}"
SAME = {"role": "finance", "visibility": "own", "team": ""}


def belongs(site: Site, **over: str) -> None:
    """Noor, who keeps the books and sees her own records."""
    usual: dict[str, Any] = {"user_id": PERSON, "name": "Noor", "role": "finance"}
    members = ListMembersResponse(members=[Member(**{**usual, "visibility": "own", **over})])
    site.neighbours.workspaces.answers["ListMembers"] = members


def seen_on(page: Answer) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', page.text)
    assert found is not None
    return unescape(found[1])


def changes(site: Site) -> list[ChangeMemberRoleRequest]:
    asked = site.neighbours.workspaces.asked
    return [one for one in asked if isinstance(one, ChangeMemberRoleRequest)]


async def confirmed(site: Site, path: str, form: dict[str, str]) -> Answer:
    """What is shown first, and then saved by its button."""
    page = await site.post(path, form)
    assert page.status == 200
    return await site.post(path, form | {"seen": seen_on(page)})


async def test_what_is_gained_and_lost_is_shown_before_it_is_saved(site: Site) -> None:
    belongs(site)
    form = SAME | {"role": "sales"}
    page = await site.post(PATH, form)
    assert (page.status, changes(site)) == (200, [])
    more, _, less = page.text.partition("May no longer")
    assert WORDS["deals.write"] in more.partition("May from now on")[2]
    assert WORDS["analytics.read"] in less
    assert WORDS["exports.write"] in less
    assert WORDS["clients.read"] not in more + less
    answer = await site.post(PATH, form | {"seen": seen_on(page)})
    assert (answer.status, answer.headers["location"]) == (303, "/settings/members?saved=1")
    assert changes(site) == [ChangeMemberRoleRequest(user_id=PERSON, role="sales")]


async def test_a_role_of_ones_own_is_compared_by_what_it_allows(site: Site) -> None:
    belongs(site)
    page = await site.post(PATH, SAME | {"role": BOOKKEEPER})
    assert "<script>alert(1)" not in page.text
    assert "May from now on" not in page.text
    assert WORDS["analytics.read"] in page.text.partition("May no longer")[2]
    belongs(site, custom_role_id=BOOKKEEPER, custom_role_name="Bookkeeper")
    back = await site.post(PATH, SAME)
    assert WORDS["analytics.read"] in back.text.partition("May from now on")[2]
    assert "May no longer" not in back.text


async def test_what_takes_seeing_all_records_comes_and_goes_with_it(site: Site) -> None:
    roles = make_roles()
    for role in roles.roles[1:3]:  # admin and sales
        role.permissions.append("imports.read")
    site.neighbours.roles.answers["ListRoles"] = roles
    belongs(site)
    sales = await site.post(PATH, SAME | {"role": "sales"})
    assert WORDS["imports.read"] not in sales.text
    admin = await site.post(PATH, SAME | {"role": "admin"})
    assert WORDS["imports.read"] in admin.text.partition("May from now on")[2]
    assert "<b>All records</b>, so far only their own" in admin.text
    belongs(site, role="sales", visibility="all")
    narrower = await site.post(PATH, SAME | {"role": "sales"})  # the same role, seeing less
    assert WORDS["imports.read"] in narrower.text.partition("May no longer")[2]
    assert changes(site) == []


async def test_what_changes_nothing_they_may_do_is_saved_at_once(site: Site) -> None:
    belongs(site)
    assert (await site.post(PATH, SAME)).headers["location"] == "/settings/members"
    await site.post(PATH, SAME | {"visibility": "team", "team": "North"})
    assert changes(site) == [
        ChangeMemberRoleRequest(user_id=PERSON, visibility="team", team="North")
    ]


async def test_what_was_seen_is_what_is_saved(site: Site) -> None:
    """Somebody changes the role meanwhile, or the member's: it is shown again."""
    belongs(site)
    form = SAME | {"role": BOOKKEEPER}
    seen = {"seen": seen_on(await site.post(PATH, form))}
    roles = make_roles()
    roles.roles[-1].etag = "4"
    site.neighbours.roles.answers["ListRoles"] = roles
    again = await site.post(PATH, form | seen)
    assert (again.status, changes(site)) == (200, [])
    belongs(site, role="sales")
    assert (await site.post(PATH, form | {"seen": seen_on(again)})).status == 200
    assert changes(site) == []


async def test_a_role_that_there_is_not_is_for_auth_to_refuse(site: Site) -> None:
    belongs(site)
    await site.post(PATH, SAME | {"role": "boss"})
    assert changes(site) == [ChangeMemberRoleRequest(user_id=PERSON, role="boss")]
