"""Deleting a workspace: it is closed at first, and the page without a workspace says until when."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.auth.v1.account_service_pb2 import GetMeRequest
from freelanceflow.auth.v1.two_step_service_pb2 import GetTwoStepRequest
from freelanceflow.auth.v1.workspace_service_pb2 import CloseWorkspaceRequest
from freelanceflow.crm.v1.activity_service_pb2 import ListActivitiesRequest
from freelanceflow.crm.v1.client_service_pb2 import ListClientsRequest
from freelanceflow.crm.v1.deal_service_pb2 import ListDealsRequest
from gateway.entrypoints.no_workspace import PAGE as NO_WORKSPACE
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    if_there,
    needs,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.forms import Errors, Values, errors_of
from gateway.entrypoints.pages.leaving import PROOFS
from gateway.entrypoints.pages.members import all_members
from gateway.entrypoints.pages.rendering import rendering_of
from gateway.entrypoints.sessions import start_session
from kit.errors import DomainError

PAGE = "/settings/delete-workspace"
DELETE = "workspace.delete"
NOUNS = (("client", "clients"), ("deal", "deals"), ("activity", "activities"))
# What is said above the form; anything else is a page of its own.
_SAID = ("PASSWORD_NOT_SET", "TOO_MANY_ATTEMPTS")

router = APIRouter(include_in_schema=False)


@router.get(PAGE, dependencies=[needs(DELETE)])
async def ask(request: Request) -> Response:
    """Says what will be lost, and how it is not."""
    return await _page(request, Values(), Errors())


@router.post(PAGE)
async def close_workspace(request: Request) -> Response:
    """Nobody works in it from now on."""
    form = await request.form()
    asked = CloseWorkspaceRequest(
        workspace_id=str(signed_in(request).workspace_id),
        name=str(form.get("name", "")),
        password=str(form.get("password", "")),  # as typed: blanks belong to it
        code=str(form.get("code", "")),
    )
    try:
        tokens = await clients_of(request).workspaces.CloseWorkspace(asked, identity_of(request))
    except DomainError as refusal:
        return await _page(request, Values(name=asked.name), _errors_of(refusal))
    response = RedirectResponse(NO_WORKSPACE, 303)
    start_session(request, response, tokens)
    return response


def _errors_of(refusal: DomainError) -> Errors:
    if refusal.reason in PROOFS:
        name, said = PROOFS[refusal.reason]
        return Errors("Nothing was deleted.", Values({name: said}))
    if refusal.reason in _SAID:
        return Errors(refusal.message)
    return errors_of(refusal, {})


async def _page(request: Request, values: Values, errors: Errors) -> Response:
    clients, identity = clients_of(request), identity_of(request)
    viewer, me, two_step, members, *lost = await together(
        viewer_of(request),
        clients.account.GetMe(GetMeRequest(), identity),
        clients.two_step.GetTwoStep(GetTwoStepRequest(), identity),
        all_members(request),
        if_there(clients.clients.ListClients(_counting(ListClientsRequest), identity)),
        if_there(clients.deals.ListDeals(_counting(ListDealsRequest), identity)),
        if_there(clients.activities.ListActivities(_counting(ListActivitiesRequest), identity)),
    )
    return rendering_of(request).response(
        request,
        "settings/workspace_delete.html",
        viewer,
        status=errors.status,
        me=me,
        two_step=two_step,
        others=len(members) - 1,
        lost=[(*noun, found.total) for noun, found in zip(NOUNS, lost, strict=True) if found],
        values=values,
        message=errors.message,
        errors=errors.fields,
    )


def _counting(request: Any) -> Any:
    return request(page_size=1, with_total=True)
