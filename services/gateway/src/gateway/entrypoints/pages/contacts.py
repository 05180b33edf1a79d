"""The contacts of a deal, on its page."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.crm.v1.contact_service_pb2 import (
    ListDealContactsRequest,
    PutDealContactRequest,
    RemoveDealContactRequest,
)
from freelanceflow.crm.v1.deal_service_pb2 import GetDealRequest
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    needs,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.choices import meant
from gateway.entrypoints.pages.forms import Errors, Values, errors_of, values_of
from gateway.entrypoints.pages.rendering import is_htmx, rendering_of
from kit.errors import DomainError, InvalidInput

router = APIRouter(include_in_schema=False)


@router.get("/deals/{deal_id}/contacts", dependencies=[needs("deals.write")])
async def contacts_form(request: Request, deal_id: str) -> Response:
    """Who is spoken with, and one more."""
    return await _form(request, deal_id, Values(), Errors())


@router.post("/deals/{deal_id}/contacts")
async def put_contact(request: Request, deal_id: str) -> Response:
    """Adds somebody who is a client already, or gives another role."""
    signed_in(request)
    values = await values_of(request)
    try:
        await clients_of(request).contacts.PutDealContact(
            PutDealContactRequest(
                deal_id=deal_id,
                client_id=await _client_id(request, values),
                role=values["role"],
            ),
            identity_of(request),
        )
    except DomainError as refusal:
        return await _form(request, deal_id, values, errors_of(refusal, {"client_id": "client"}))
    return _changed(request, deal_id)


@router.post("/deals/{deal_id}/contacts/{client_id}/remove")
async def remove_contact(request: Request, deal_id: str, client_id: str) -> Response:
    """Takes somebody from the deal; the client stays."""
    signed_in(request)
    await clients_of(request).contacts.RemoveDealContact(
        RemoveDealContactRequest(deal_id=deal_id, client_id=client_id), identity_of(request)
    )
    return _changed(request, deal_id)


def _changed(request: Request, deal_id: str) -> Response:
    if not is_htmx(request):
        return RedirectResponse(f"/deals/{deal_id}", 303)
    headers = {"HX-Trigger": f'{{"ff:saved": {{"kind": "deal", "id": "{deal_id}"}}}}'}
    return Response(status_code=204, headers=headers)


async def _client_id(request: Request, values: Values) -> str:
    if not values["client"] and not values["client_pick"]:
        raise InvalidInput("", fields={"client": "Say who it is."})
    return (await meant(request, values, {"client": "clients"}))["client"]


async def _form(request: Request, deal_id: str, values: Values, errors: Errors) -> Response:
    clients, identity = clients_of(request), identity_of(request)
    viewer, deal, contacts = await together(
        viewer_of(request),
        clients.deals.GetDeal(GetDealRequest(deal_id=deal_id), identity),
        clients.contacts.ListDealContacts(ListDealContactsRequest(deal_id=deal_id), identity),
    )
    template = "deals/contacts_page.html"
    if is_htmx(request):
        sent = request.method == "POST"
        template = "deals/_contacts_form.html" if sent else "deals/contacts_dialog.html"
    return rendering_of(request).response(
        request,
        template,
        viewer,
        status=errors.status,
        deal=deal,
        contacts=contacts.contacts,
        values=values,
        errors=errors.fields,
        message=errors.message,
        choices=errors.choices,
    )
