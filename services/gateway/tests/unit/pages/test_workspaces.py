"""The list of my workspaces, and entering another one."""

from freelanceflow.auth.v1.account_service_pb2 import (
    ListMyWorkspacesResponse,
    Membership,
    SwitchWorkspaceRequest,
)
from freelanceflow.auth.v1.auth_service_pb2 import TokenPair
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
