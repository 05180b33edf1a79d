"""The workspaces of the person who looks, the way from one into another, and into one more."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.auth.v1.account_service_pb2 import (
    AcceptMyInvitationRequest,
    ListMyInvitationsRequest,
    ListMyWorkspacesRequest,
    ListMyWorkspacesResponse,
    SwitchWorkspaceRequest,
)
from freelanceflow.auth.v1.auth_service_pb2 import TokenPair
from freelanceflow.auth.v1.workspace_service_pb2 import CreateWorkspaceRequest
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.forms import (
    USUAL_CURRENCIES,
    Errors,
    Values,
    currency_options,
    errors_of,
    values_of,
)
from gateway.entrypoints.pages.rendering import rendering_of
from gateway.entrypoints.sessions import start_session
from gateway.entrypoints.zones import is_zone
from kit.errors import DomainError

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
    account, identity = clients_of(request).account, identity_of(request)
    viewer, mine, invited = await together(
        viewer_of(request),
        account.ListMyWorkspaces(asked, identity),
        account.ListMyInvitations(ListMyInvitationsRequest(), identity),
    )
    return rendering_of(request).response(
        request,
        "workspaces/page.html",
        viewer,
        memberships=mine.memberships,
        invitations=invited.invitations,
        here=here,
        next_page_token=mine.next_page_token,
    )


@router.post("/workspaces/{workspace_id}/enter")
async def enter(request: Request) -> Response:
    """Tokens are bound to one workspace: the session goes on under new ones."""
    signed_in(request)
    return await _entered(request, request.path_params["workspace_id"])


@router.post("/workspaces/invitations/{invitation_id}/accept")
async def accept_invitation(request: Request) -> Response:
    """Without its mail: who has signed in has proven the address. Goes on in that workspace."""
    signed_in(request)
    accepted = await clients_of(request).account.AcceptMyInvitation(
        AcceptMyInvitationRequest(invitation_id=request.path_params["invitation_id"]),
        identity_of(request),
    )
    return await _entered(request, accepted.workspace_id)


@router.get("/workspaces/new")
async def new_workspace(request: Request) -> Response:
    """The empty form."""
    signed_in(request)
    return _form(request, Values(currency_code=USUAL_CURRENCIES[0]), Errors())


@router.post("/workspaces/new")
async def create_workspace(request: Request) -> Response:
    """Goes on in it; its days begin where the browser's do."""
    signed_in(request)
    values = await values_of(request)
    asked = CreateWorkspaceRequest(
        name=values["name"],
        currency_code=values["currency_code"],
        time_zone=values["time_zone"] if is_zone(values["time_zone"]) else "",
    )
    try:
        made = await clients_of(request).workspaces.CreateWorkspace(asked, identity_of(request))
    except DomainError as refusal:
        return _form(request, values, errors_of(refusal, {}))
    return await _entered(request, made.id)


def _form(request: Request, values: Values, errors: Errors) -> Response:
    return rendering_of(request).response(
        request,
        "workspaces/new.html",
        status=errors.status,
        values=values,
        errors=errors.fields,
        message=errors.message,
        currencies=currency_options(),
    )


async def _entered(request: Request, workspace_id: str) -> Response:
    tokens: TokenPair = await clients_of(request).account.SwitchWorkspace(
        SwitchWorkspaceRequest(workspace_id=workspace_id), identity_of(request)
    )
    response = RedirectResponse("/", 303)
    start_session(request, response, tokens)
    return response
