"""What is seen by whoever has no open workspace: what became of it, and what they can do now."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.auth.v1.account_service_pb2 import GetMeRequest
from freelanceflow.auth.v1.workspace_service_pb2 import ReopenWorkspaceRequest
from gateway.entrypoints.no_workspace import PAGE, is_closed
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
    """When the closed one is erased, the way back, and the way out."""
    principal = signed_in(request)
    if not is_closed(principal):
        return RedirectResponse("/", 303)
    me, memberships = await together(
        clients_of(request).account.GetMe(GetMeRequest(), identity_of(request)),
        all_memberships(request),
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
