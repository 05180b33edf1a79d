"""Deleting one's account: what goes with it, what stays, and the proof that it is oneself."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.auth.v1.account_service_pb2 import (
    DeleteMeRequest,
    GetMeRequest,
    ListMyWorkspacesRequest,
    Membership,
)
from freelanceflow.auth.v1.two_step_service_pb2 import GetTwoStepRequest
from gateway.entrypoints.no_workspace import has_open_workspace
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    signed_in,
    together,
    viewer_from,
    viewer_of,
)
from gateway.entrypoints.pages.forms import Errors, Values
from gateway.entrypoints.pages.rendering import rendering_of
from gateway.entrypoints.sessions import end_session
from kit.errors import DomainError

PAGE = "/settings/delete-account"
MOST = 200
PROOFS = {
    "CREDENTIALS_WRONG": ("password", "This is not your password."),
    "CODE_NEEDED": ("code", "Give the code of your application, too."),
    "CODE_WRONG": ("code", "This code is wrong, too old, or was used before."),
}
# What is said above the form; anything else is a page of its own.
_SAID = ("ONLY_OWNER", "PASSWORD_NOT_SET", "TOO_MANY_ATTEMPTS")

router = APIRouter(include_in_schema=False)


@router.get(PAGE)
async def ask(request: Request) -> Response:
    """Says what it means before everything is gone."""
    return await _page(request, Errors())


@router.post(PAGE)
async def delete_account(request: Request) -> Response:
    """Of the person who signs in; there is no way back."""
    signed_in(request)
    form = await request.form()
    asked = DeleteMeRequest(
        password=str(form.get("password", "")),  # as typed: blanks belong to it
        code=str(form.get("code", "")),
    )
    try:
        await clients_of(request).account.DeleteMe(asked, identity_of(request))
    except DomainError as refusal:
        return await _page(request, _errors_of(refusal))
    response = RedirectResponse("/sign-in?deleted=1", 303)
    await end_session(request, response)
    return response


def _errors_of(refusal: DomainError) -> Errors:
    if refusal.reason in PROOFS:
        name, said = PROOFS[refusal.reason]
        return Errors("Nothing was deleted.", Values({name: said}))
    if refusal.reason in _SAID:
        return Errors(refusal.message)
    raise refusal


async def _page(request: Request, errors: Errors) -> Response:
    clients, identity, principal = clients_of(request), identity_of(request), signed_in(request)
    me, two_step, memberships = await together(
        clients.account.GetMe(GetMeRequest(), identity),
        clients.two_step.GetTwoStep(GetTwoStepRequest(), identity),
        all_memberships(request),
    )
    template, viewer = "workspaces/account_delete.html", viewer_from(me, principal, None)
    if has_open_workspace(principal):
        template, viewer = "settings/account_delete.html", await viewer_of(request)
    return rendering_of(request).response(
        request,
        template,
        viewer,
        status=errors.status,
        me=me,
        two_step=two_step,
        alone=[one for one in memberships if one.sole_member],
        unowned=[one for one in memberships if one.only_owner],
        staying=[one for one in memberships if not one.sole_member and not one.only_owner],
        message=errors.message,
        errors=errors.fields,
    )


async def all_memberships(request: Request) -> list[Membership]:
    """All of the person's workspaces, by name."""
    found: list[Membership] = []
    asked = ListMyWorkspacesRequest(page_size=MOST)
    while True:
        page = await clients_of(request).account.ListMyWorkspaces(asked, identity_of(request))
        found += page.memberships
        if not page.next_page_token:
            return found
        asked.page_token = page.next_page_token
