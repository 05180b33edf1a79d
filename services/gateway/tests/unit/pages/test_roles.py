"""Roles of one's own: the grid, the forms, and what is shown before anything is saved."""

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from freelanceflow.auth.v1.role_service_pb2 import (
    CreateRoleRequest,
    DeleteRoleRequest,
    Role,
    UpdateRoleRequest,
)
from freelanceflow.auth.v1.workspace_service_pb2 import (
    ChangeMemberRoleRequest,
    ListMembersResponse,
    Member,
)
from gateway.entrypoints.permissions import WORDS
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
from services.gateway.tests.unit.pages.conftest import Site
from services.gateway.tests.unit.pages.people_answers import BOOKKEEPER
from services.gateway.tests.unit.pages.test_giving_roles import confirmed

EDIT, REMOVE = (f"/settings/roles/{BOOKKEEPER}/{what}" for what in ("edit", "remove"))
FORM = {"name": "Books", "base": "finance", "etag": "3", "may-analytics.read": "1"}


async def test_roles_stand_beside_each_other(site: Site) -> None:
    page = await site.get("/settings/roles")
    assert page.status == 200
    assert all(text in page.text.replace("&#39;", "'") for text in WORDS.values())
    assert page.text.count('scope="col"') == 6
    assert "Finance with less · 2 members" in page.text
    assert '<option value="owner"' not in page.text
    assert "<script>alert(1)" not in page.text
    site.may("members.read")
    read_only = await site.get("/settings/roles")
    assert (read_only.status, "/edit" in read_only.text) == (200, False)
    assert 'action="/settings/roles/new"' not in read_only.text


async def test_a_new_one_begins_with_all_that_its_base_may(site: Site) -> None:
    page = await site.get("/settings/roles/new?base=finance")
    assert page.text.count('type="checkbox"') == 7
    assert page.text.count(" checked") == 7
    assert page.text.count(" disabled") == 5  # what every role may do
    assert (await site.get("/settings/roles/new?base=boss")).status == 404
    answer = await site.post("/settings/roles/new", FORM)
    assert (answer.status, answer.headers["location"]) == (303, "/settings/roles?done=saved")
    assert site.neighbours.roles.asked[-1] == CreateRoleRequest(
        name="Books", base="finance", permissions=["analytics.read"]
    )


@pytest.mark.parametrize("address", ["/settings/roles/new", "/settings/roles/new?base="])
async def test_without_a_base_one_is_asked_for(site: Site, address: str) -> None:
    page = await site.get(address)
    assert page.status == 200
    assert page.text.count("<option ") == 3  # admin, sales and finance: no owner, none of one's own
    assert 'method="get" action="/settings/roles/new"' in page.text
    site.may("members.read")
    assert (await site.get(address)).status == 403


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        (ErrorKind.DUPLICATE, {"name": "Another role is called so."}, "Another role is called so."),
        (ErrorKind.INVALID, {"permissions": "Add imports.read."}, "Add imports.read."),
        (ErrorKind.REFUSED, {}, "At most 50."),
        (ErrorKind.FORBIDDEN, {}, "At most 50."),
    ],
)
async def test_a_refusal_is_said_and_what_was_chosen_stays(
    site: Site, kind: ErrorKind, fields: dict[str, str], said: str
) -> None:
    site.neighbours.roles.answers["CreateRole"] = RemoteError(
        kind, "NO", "At most 50.", fields=fields
    )
    page = await site.post("/settings/roles/new", FORM)
    assert (page.status, said in page.text) == (422, True)
    assert 'value="Books"' in page.text
    assert page.text.count(" checked") == 6


async def test_a_change_is_shown_before_it_is_saved(site: Site) -> None:
    page = await site.post(EDIT, FORM)
    assert page.status == 200
    assert not any(isinstance(asked, UpdateRoleRequest) for asked in site.neighbours.roles.asked)
    more, _, less = page.text.partition("May no longer")
    assert WORDS["analytics.read"] in more
    assert WORDS["exports.write"] in less
    assert "2 members have this role" in less
    assert 'name="may-analytics.read" value="1"' in page.text
    again = await site.post(EDIT, FORM | {"do": "edit"})
    assert ('value="Books"' in again.text, again.text.count(" checked")) == (True, 6)
    answer = await site.post(EDIT, FORM | {"do": "save"})
    assert (answer.status, answer.headers["location"]) == (303, "/settings/roles?done=saved")
    assert site.neighbours.roles.asked[-1] == UpdateRoleRequest(
        role=Role(id=BOOKKEEPER, name="Books", permissions=["analytics.read"]),
        update_mask=FieldMask(paths=["name", "permissions"]),
        etag="3",
    )


async def test_nothing_to_save_is_not_asked_about(site: Site) -> None:
    same = {"name": "<script>alert(1)</script>", "base": "finance", "may-exports.write": "1"}
    answer = await site.post(EDIT, same)
    assert (answer.status, answer.headers["location"]) == (303, "/settings/roles")
    renamed = await site.post(EDIT, same | {"name": "Books"})
    assert "is called <b><bdi>Books" in renamed.text
    assert "sign in again" not in renamed.text


async def test_somebody_elses_change_is_not_lost(site: Site) -> None:
    stale = RemoteError(ErrorKind.STALE, "ROLE_HAS_CHANGED", "changed")
    site.neighbours.roles.answers |= {"UpdateRole": stale, "DeleteRole": stale}
    page = await site.post(EDIT, FORM | {"etag": "2", "do": "save"})
    assert (page.status, "Somebody has changed this role" in page.text) == (422, True)
    assert 'name="etag" value="3"' in page.text
    page = await site.post(REMOVE, {"etag": "2", "move_to": "viewer"})
    assert (page.status, "Somebody has changed this role" in page.text) == (422, True)


async def test_one_is_removed_by_saying_what_comes_after(site: Site) -> None:
    asks = await site.get(REMOVE)
    assert "2 members have this role" in asks.text
    assert '<option value="sales"' in asks.text
    assert f'<option value="{BOOKKEEPER}"' not in asks.text
    answer = await site.post(REMOVE, {"etag": "3", "move_to": "sales"})
    assert answer.headers["location"] == "/settings/roles?done=removed"
    asked = DeleteRoleRequest(role_id=BOOKKEEPER, move_to="sales", etag="3")
    assert site.neighbours.roles.asked[-1] == asked
    site.neighbours.roles.answers["DeleteRole"] = RemoteError(
        ErrorKind.REFUSED, "ROLE_IN_USE", "Somebody has this role."
    )
    refused = await site.post(REMOVE, {"etag": "3"})
    assert (refused.status, "Somebody has this role." in refused.text) == (422, True)
    assert (await site.get("/settings/roles/finance/edit")).status == 404


async def test_members_are_given_one(site: Site) -> None:
    person = "00000000-0000-0000-0000-000000000002"
    member = Member(
        user_id=person, name="Noor", role="finance", visibility="own",
        custom_role_id=BOOKKEEPER, custom_role_name="Bookkeeper",
    )  # fmt: skip
    site.neighbours.workspaces.answers["ListMembers"] = ListMembersResponse(members=[member])
    page = await site.get("/settings/members")
    assert f'<option value="{BOOKKEEPER}" selected>' in page.text
    form = {"role": BOOKKEEPER, "visibility": "all", "team": ""}
    await site.post(f"/settings/members/{person}", form)
    asked = ChangeMemberRoleRequest(user_id=person, visibility="all")
    assert site.neighbours.workspaces.asked[-1] == asked  # the role stays
    await confirmed(site, f"/settings/members/{person}", form | {"role": "finance"})
    asked.role = "finance"
    assert site.neighbours.workspaces.asked[-1] == asked
    site.may("members.read")
    assert "Bookkeeper" in (await site.get("/settings/members")).text


async def test_a_board_without_analytics_is_whole(site: Site) -> None:
    site.may("deals.read", "clients.read", "activities.read", "members.read")
    site.neighbours.analytics.answers["GetPipeline"] = RemoteError(
        ErrorKind.FORBIDDEN, "PERMISSION_MISSING", "no"
    )
    board = await site.get("/pipeline")
    assert (board.status, "cannot be had" in board.text) == (200, False)
