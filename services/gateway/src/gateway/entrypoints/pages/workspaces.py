"""The workspaces of the person who looks, and the way from one into another."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.auth.v1.account_service_pb2 import (
    ListMyWorkspacesRequest,
    ListMyWorkspacesResponse,
    SwitchWorkspaceRequest,
)
from freelanceflow.auth.v1.auth_service_pb2 import TokenPair
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.rendering import rendering_of
from gateway.entrypoints.sessions import start_session

PAGE = 50

router = APIRouter(include_in_schema=False)


@router.get("/workspaces")
async def workspaces(request: Request) -> Response:
    """With the person's role in each; the present one is marked."""
    here = str(signed_in(request).workspace_id)
    asked = ListMyWorkspacesRequest(
        page_size=PAGE, page_token=request.query_params.get("page_token", "")
    )
    mine: ListMyWorkspacesResponse
    viewer, mine = await together(
        viewer_of(request),
        clients_of(request).account.ListMyWorkspaces(asked, identity_of(request)),
    )
    return rendering_of(request).response(
        request,
        "workspaces/page.html",
        viewer,
        memberships=mine.memberships,
        here=here,
        next_page_token=mine.next_page_token,
    )


@router.post("/workspaces/{workspace_id}/enter")
async def enter(request: Request) -> Response:
    """Tokens are bound to one workspace: the session goes on under new ones."""
    signed_in(request)
    tokens: TokenPair = await clients_of(request).account.SwitchWorkspace(
        SwitchWorkspaceRequest(workspace_id=request.path_params["workspace_id"]),
        identity_of(request),
    )
    response = RedirectResponse("/", 303)
    start_session(request, response, tokens)
    return response
