"""Somebody is invited into the workspace, and comes in."""

from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.auth.v1.auth_service_pb2 import AcceptInvitationRequest, TokenPair
from freelanceflow.auth.v1.workspace_service_pb2 import CreateInvitationRequest
from gateway.entrypoints.pages.calls import clients_of, identity_of, signed_in
from gateway.entrypoints.pages.forms import Errors, Values, errors_of, values_of
from gateway.entrypoints.pages.letting_in import let_in
from gateway.entrypoints.pages.members import members_page
from gateway.entrypoints.pages.rendering import SECRET_ADDRESS, rendering_of
from gateway.entrypoints.pages.sent import HOME
from kit.errors import DomainError, ErrorKind

_SAID = (ErrorKind.UNAUTHENTICATED, ErrorKind.EXHAUSTED, ErrorKind.FORBIDDEN, ErrorKind.REFUSED)
_LAPSED = "This invitation is not valid any more. Ask whoever invited you for a new link."

router = APIRouter(include_in_schema=False)


@router.post("/settings/invitations")
async def invite(request: Request) -> Response:
    """Sends a mail with a link, which is shown here only where no mail needs to prove anything."""
    signed_in(request)
    values = await values_of(request)
    asked = CreateInvitationRequest(email=values["email"], role=values["role"])
    try:
        made = await clients_of(request).workspaces.CreateInvitation(asked, identity_of(request))
    except DomainError as refusal:
        errors = Errors(refusal.message) if refusal.kind in _SAID else errors_of(refusal, {})
        return await members_page(request, Errors(), invited=values, invitation_errors=errors)
    home = request.app.state.settings.public_url
    link = f"{home}/join?{urlencode({'token': made.token})}" if made.token else ""
    invited = Values(email="", sent_to=made.email, link=link)
    return await members_page(request, Errors(), invited=invited)


@router.get("/join")
async def join_page(request: Request) -> Response:
    """Where the link leads."""
    return _page(request, Values(token=request.query_params.get("token", "")[:200]), Errors())


@router.post("/join")
async def join(request: Request) -> Response:
    """Comes in: somebody new with a name and a password, somebody known with theirs."""
    values = await values_of(request)
    form = await request.form()
    asked = AcceptInvitationRequest(
        token=values["token"],
        name=values["name"],
        password=str(form.get("password", "")),  # as typed: blanks belong to it
        device=request.headers.get("user-agent", ""),
    )
    try:
        tokens: TokenPair = await clients_of(request).auth.AcceptInvitation(asked)
    except DomainError as refusal:
        if refusal.reason == "INVITATION_NOT_FOUND":
            return _page(request, values, Errors(_LAPSED))
        errors = Errors(refusal.message) if refusal.kind in _SAID else errors_of(refusal, {})
        if errors.fields["name"] and not values["name"]:
            errors.fields["name"] = "A new account needs a name."
        return _page(request, values, errors)
    return let_in(request, tokens, HOME)


def _page(request: Request, values: Values, errors: Errors) -> Response:
    return rendering_of(request).response(
        request,
        "entrance/join.html",
        status=errors.status,
        headers=SECRET_ADDRESS,
        values=values,
        errors=errors.fields,
        message=errors.message,
    )
