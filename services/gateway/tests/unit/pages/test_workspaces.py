"""The list of my workspaces, entering another one, and the settings of the present one."""

from freelanceflow.auth.v1.account_service_pb2 import (
    AcceptMyInvitationResponse,
    ListMyInvitationsResponse,
    ListMyWorkspacesResponse,
    Membership,
    MyInvitation,
    SwitchWorkspaceRequest,
)
from freelanceflow.auth.v1.auth_service_pb2 import TokenPair
from freelanceflow.auth.v1.workspace_service_pb2 import UpdateWorkspaceRequest
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
from services.gateway.tests.unit.pages.conftest import Site, make_principal

HOSTILE = "<script>alert(1)</script>"
HERE, OTHER = str(make_principal().workspace_id), "00000000-0000-0000-0000-000000000009"
MINE = ListMyWorkspacesResponse(
    memberships=[
        Membership(workspace_id=HERE, workspace_name="Demo", role="owner"),
        Membership(workspace_id=OTHER, workspace_name=HOSTILE, role="viewer"),
    ],
    next_page_token="more",
)


async def test_mine_are_listed_and_the_present_one_is_marked(site: Site) -> None:
    site.neighbours.account.answers["ListMyWorkspaces"] = MINE
    page = await site.get("/workspaces")
    assert page.status == 200
    assert page.text.count("You are here") == 1
    assert f'action="/workspaces/{OTHER}/enter"' in page.text
    assert f'action="/workspaces/{HERE}/enter"' not in page.text
    assert HOSTILE not in page.text
    assert 'href="/workspaces?page_token=more"' in page.text
    assert 'href="/workspaces"' in (await site.get("/more")).text


async def test_an_invitation_is_accepted_where_it_is_shown(site: Site) -> None:
    account = site.neighbours.account
    account.answers["ListMyWorkspaces"] = MINE
    one = MyInvitation(id=OTHER, workspace_name=HOSTILE, inviter_name="Ada", role="Sales")
    account.answers["ListMyInvitations"] = ListMyInvitationsResponse(invitations=[one])
    page = await site.get("/workspaces")
    assert f'action="/workspaces/invitations/{OTHER}/accept"' in page.text
    assert HOSTILE not in page.text
    account.answers["AcceptMyInvitation"] = AcceptMyInvitationResponse(workspace_id=HERE)
    account.answers["SwitchWorkspace"] = TokenPair(access_token="new", refresh_expires_in=60)
    answer = await site.post(f"/workspaces/invitations/{OTHER}/accept", {})
    assert (answer.status, answer.headers["location"]) == (303, "/")
    assert account.asked[-1] == SwitchWorkspaceRequest(workspace_id=HERE)


async def test_one_more_workspace_keeps_what_was_typed(site: Site) -> None:
    site.neighbours.workspaces.answers["CreateWorkspace"] = RemoteError(
        ErrorKind.INVALID, "NAME_MISSING", "", fields={"name": "Give a name."}
    )
    form = {"name": " ", "currency_code": "CHF", "time_zone": "Europe/Zurich"}
    answer = await site.post("/workspaces/new", form)
    assert (answer.status, "Give a name." in answer.text) == (422, True)
    assert '<option value="CHF" selected>' in answer.text
    assert 'name="time_zone" value="Europe/Zurich"' in answer.text


async def test_entering_starts_a_session_there(site: Site) -> None:
    tokens = TokenPair(access_token="new", refresh_token="newer", refresh_expires_in=60)
    site.neighbours.account.answers["SwitchWorkspace"] = tokens
    answer = await site.post(f"/workspaces/{OTHER}/enter", {})
    assert (answer.status, answer.headers["location"]) == (303, "/")
    assert site.neighbours.account.asked[-1] == SwitchWorkspaceRequest(workspace_id=OTHER)
    assert "ff_" in answer.headers["set-cookie"]


async def test_a_workspace_of_others_is_not_there(site: Site) -> None:
    site.neighbours.account.answers["SwitchWorkspace"] = RemoteError(
        ErrorKind.NOT_FOUND, "WORKSPACE_NOT_FOUND", "There is no such workspace."
    )
    answer = await site.post(f"/workspaces/{OTHER}/enter", {})
    assert answer.status == 404
    assert "set-cookie" not in answer.headers


async def test_nobody_has_none(site: Site) -> None:
    site.sign_out()
    assert (await site.get("/workspaces")).status == 303
    assert (await site.post(f"/workspaces/{OTHER}/enter", {})).status == 401


async def test_the_present_one_is_changed(site: Site) -> None:
    page = await site.get("/settings/workspace")
    assert '<option value="Asia/Kolkata" selected>' in page.text
    assert '<option value="INR" selected>' in page.text
    assert 'name="etag" value="4"' in page.text
    form = {"name": "Lisbon", "time_zone": "Europe/Lisbon", "currency_code": "EUR", "etag": "4"}
    answer = await site.post("/settings/workspace", form)
    assert (answer.status, answer.headers["location"]) == (303, "/settings/workspace?saved=1")
    asked = site.neighbours.workspaces.asked[-1]
    assert isinstance(asked, UpdateWorkspaceRequest)
    assert (asked.workspace.id, asked.etag) == (HERE, "4")
    assert asked.workspace.time_zone == "Europe/Lisbon"
    assert asked.update_mask.paths == ["name", "currency_code", "time_zone"]
    assert "Saved." in (await site.get("/settings/workspace?saved=1")).text


async def test_what_cannot_be_saved_keeps_what_was_typed(site: Site) -> None:
    form = {"name": "", "time_zone": "Europe/Lisbon", "currency_code": "EUR", "etag": "3"}
    site.neighbours.workspaces.answers["UpdateWorkspace"] = RemoteError(
        ErrorKind.INVALID, "NAME_MISSING", "", fields={"name": "Give a name."}
    )
    answer = await site.post("/settings/workspace", form)
    assert (answer.status, "Give a name." in answer.text) == (422, True)
    assert '<option value="Europe/Lisbon" selected>' in answer.text
    site.neighbours.workspaces.answers["UpdateWorkspace"] = RemoteError(
        ErrorKind.STALE, "WORKSPACE_HAS_CHANGED", "It was changed meanwhile."
    )
    answer = await site.post("/settings/workspace", form | {"name": "Mine"})
    assert (answer.status, "Somebody has changed this" in answer.text) == (422, True)
    assert 'value="Mine"' in answer.text
    assert 'name="etag" value="4"' in answer.text


async def test_who_may_not_change_it_reads_it(site: Site) -> None:
    site.may("workspace.read")
    page = await site.get("/settings/workspace")
    assert "Asia/Kolkata" in page.text
    assert 'action="/settings/workspace"' not in page.text
