"""Clients: the list, one client with the deals, and the form."""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from google.protobuf.field_mask_pb2 import FieldMask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.crm.v1.client_service_pb2 import (
    Client,
    ClientKind,
    CreateClientRequest,
    GetClientRequest,
    ListClientsRequest,
    UpdateClientRequest,
)
from freelanceflow.crm.v1.deal_service_pb2 import ListDealsRequest
from freelanceflow.crm.v1.stage_service_pb2 import ListOwnersRequest
from freelanceflow.type.v1.filter_pb2 import Condition, Operator
from gateway.entrypoints.pages.calls import clients_of, identity_of, together, viewer_of
from gateway.entrypoints.pages.forms import Errors, Values, errors_of, options, values_of
from gateway.entrypoints.pages.rendering import Viewer, rendering_of
from kit.errors import DomainError, ErrorKind
from kit.ids import new_id

PAGE = 50
DEALS_SHOWN = 50
MOST = 200
LABELS = {
    "name": "Name",
    "kind": "Kind",
    "owner_id": "Owner",
    "emails": "E-mail",
    "phones": "Phone",
    "website": "Website",
    "address": "Address",
    "notes": "Notes",
}
_KINDS = {"company": ClientKind.CLIENT_KIND_COMPANY, "person": ClientKind.CLIENT_KIND_PERSON}
_TEXTS = ("name", "owner_id", "website", "address", "notes")
_WRITABLE = (*_TEXTS, "kind", "emails", "phones")

router = APIRouter(include_in_schema=False)


@router.get("/clients")
async def client_list(request: Request) -> Response:
    """All clients by name, or those whose name contains what is searched for."""
    text = request.query_params.get("q", "").strip()[:200]
    token = request.query_params.get("page_token", "")
    asked = ListClientsRequest(page_size=PAGE, page_token=token, with_total=True)
    if text:
        asked.conditions.add(field="name", operator=Operator.OPERATOR_CONTAINS, values=[text])
    viewer, page = await together(
        viewer_of(request), clients_of(request).clients.ListClients(asked, identity_of(request))
    )
    following = {"q": text, "page_token": page.next_page_token}
    return rendering_of(request).response(
        request,
        "clients/list.html",
        viewer,
        clients=page.clients,
        total=page.total if page.HasField("total") else None,
        text=text,
        next_href=f"/clients?{urlencode(following)}" if page.next_page_token else "",
    )


@router.get("/clients/new")
async def new_client(request: Request) -> Response:
    """The empty form."""
    viewer = await viewer_of(request)
    values = Values(kind="company", request_id=str(new_id()))
    return await _form(request, viewer, "", values, Errors())


@router.post("/clients/new")
async def create_client(request: Request) -> Response:
    """Adds a client. The form's own id makes a second sending harmless."""
    viewer, values = await viewer_of(request), await values_of(request)
    try:
        created = await clients_of(request).clients.CreateClient(
            CreateClientRequest(client=_client_from(values)),
            identity_of(request, values["request_id"]),
        )
    except DomainError as refusal:
        return await _form(request, viewer, "", values, errors_of(refusal, {}))
    return RedirectResponse(f"/clients/{created.id}", 303)


@router.get("/clients/{client_id}")
async def client_page(request: Request, client_id: str) -> Response:
    """One client with the newest deals."""
    condition = Condition(field="client_id", operator=Operator.OPERATOR_EQ, values=[client_id])
    viewer, client, deals = await together(
        viewer_of(request),
        _get(request, client_id),
        clients_of(request).deals.ListDeals(
            ListDealsRequest(page_size=DEALS_SHOWN, conditions=[condition]), identity_of(request)
        ),
    )
    return rendering_of(request).response(
        request,
        "clients/page.html",
        viewer,
        client=client,
        deals=deals.deals,
        more_deals=bool(deals.next_page_token),
    )


@router.get("/clients/{client_id}/edit")
async def edit_client(request: Request, client_id: str) -> Response:
    """The form with the client's values."""
    viewer, client = await together(viewer_of(request), _get(request, client_id))
    return await _form(request, viewer, client_id, _values_from(client), Errors())


@router.post("/clients/{client_id}/edit")
async def update_client(request: Request, client_id: str) -> Response:
    """Saves the form. Further addresses that the form does not show are kept."""
    viewer, values = await viewer_of(request), await values_of(request)
    try:
        current = await _get(request, client_id)
        client = _client_from(values)
        client.id = client_id
        client.emails.extend(current.emails[1:])
        client.phones.extend(current.phones[1:])
        await clients_of(request).clients.UpdateClient(
            UpdateClientRequest(
                client=client, update_mask=FieldMask(paths=_WRITABLE), etag=values["etag"]
            ),
            identity_of(request),
        )
    except DomainError as refusal:
        if refusal.kind is ErrorKind.STALE:
            values["etag"] = current.etag
            return await _form(request, viewer, client_id, values, Errors(), conflict=True)
        return await _form(request, viewer, client_id, values, errors_of(refusal, {}))
    return RedirectResponse(f"/clients/{client_id}", 303)


async def _get(request: Request, client_id: str) -> Client:
    client: Client = await clients_of(request).clients.GetClient(
        GetClientRequest(client_id=client_id), identity_of(request)
    )
    return client


async def _form(
    request: Request,
    viewer: Viewer,
    client_id: str,
    values: Values,
    errors: Errors,
    *,
    conflict: bool = False,
) -> Response:
    owners: Any = await clients_of(request).stages.ListOwners(
        ListOwnersRequest(page_size=MOST), identity_of(request)
    )
    return rendering_of(request).response(
        request,
        "clients/form.html",
        viewer,
        status=412 if conflict else errors.status,
        title="Edit client" if client_id else "New client",
        client_id=client_id,
        values=values,
        errors=errors.fields,
        message=errors.message,
        labels=LABELS,
        conflict=conflict,
        owner_options=options(owners.owners),
    )


def _client_from(values: Values) -> Client:
    client = Client()
    for name in _TEXTS:
        setattr(client, name, values[name])
    client.kind = _KINDS.get(values["kind"], ClientKind.CLIENT_KIND_UNSPECIFIED)
    client.emails.extend([values["email"]] if values["email"] else [])
    client.phones.extend([values["phone"]] if values["phone"] else [])
    return client


def _values_from(client: Client) -> Values:
    values = Values({name: getattr(client, name) for name in _TEXTS})
    values |= {
        "kind": "person" if client.kind == ClientKind.CLIENT_KIND_PERSON else "company",
        "email": client.emails[0] if client.emails else "",
        "phone": client.phones[0] if client.phones else "",
        "etag": client.etag,
    }
    return values
