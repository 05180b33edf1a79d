"""What is seen by whoever has no open workspace: what became of it, and what they can do now."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.auth.v1.account_service_pb2 import GetMeRequest, ListMyInvitationsRequest
from freelanceflow.auth.v1.workspace_service_pb2 import ReopenWorkspaceRequest
from gateway.entrypoints.no_workspace import PAGE, has_open_workspace
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    signed_in,
    together,
    viewer_from,
)
from gateway.entrypoints.pages.leaving import all_memberships
from gateway.entrypoints.pages.rendering import rendering_of
from gateway.entrypoints.sessions import start_session

router = APIRouter(include_in_schema=False)


@router.get(PAGE)
async def no_workspace(request: Request) -> Response:
    """When a closed one is erased, the ways into others, and the way out."""
    principal = signed_in(request)
    if has_open_workspace(principal):
        return RedirectResponse("/", 303)
    account, identity = clients_of(request).account, identity_of(request)
    me, memberships, invited = await together(
        account.GetMe(GetMeRequest(), identity),
        all_memberships(request),
        account.ListMyInvitations(ListMyInvitationsRequest(), identity),
    )
    here = str(principal.workspace_id)
    others = [one for one in memberships if one.workspace_id != here]
    return rendering_of(request).response(
        request,
        "workspaces/none.html",
        viewer_from(me, principal, None),
        me=me,
        here=here,
        others=others,
        invitations=invited.invitations,
        stays=any(not one.HasField("erase_time") for one in others),
    )


@router.post("/workspaces/{workspace_id}/reopen")
async def reopen(request: Request) -> Response:
    """It is as it was."""
    signed_in(request)
    tokens = await clients_of(request).workspaces.ReopenWorkspace(
        ReopenWorkspaceRequest(workspace_id=request.path_params["workspace_id"]),
        identity_of(request),
    )
    response = RedirectResponse("/", 303)
    start_session(request, response, tokens)
    return response
