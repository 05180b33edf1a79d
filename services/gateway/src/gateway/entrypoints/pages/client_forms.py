"""The form of a client, new or changed."""

from collections.abc import Mapping, Sequence

from fastapi import APIRouter
from google.protobuf.field_mask_pb2 import FieldMask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.crm.v1.client_service_pb2 import (
    Client,
    ClientKind,
    CreateClientRequest,
    GetClientRequest,
    UpdateClientRequest,
)
from gateway.entrypoints.errors import candidates_of
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    needs,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.choices import about_client, meant
from gateway.entrypoints.pages.conflicts import in_words
from gateway.entrypoints.pages.custom_forms import (
    custom_inputs,
    custom_labels,
    into_struct,
    read_custom,
)
from gateway.entrypoints.pages.fields import list_fields
from gateway.entrypoints.pages.forms import Errors, Values, added_before, errors_of, values_of
from gateway.entrypoints.pages.owners import asked_by_name, changed, heirs_of, nobody_for
from gateway.entrypoints.pages.rendering import Viewer, rendering_of
from kit.errors import DomainError, ErrorKind
from kit.ids import new_id

MOST = 200
OF_CLIENTS = "clients"
LABELS = {
    "name": "Name",
    "kind": "Kind",
    "parent": "Company",
    "owner_id": "Owner",
    "emails": "E-mail",
    "phones": "Phone",
    "website": "Website",
    "tags": "Tags",
    "address": "Address",
    "notes": "In short",
}
_KINDS = {"company": ClientKind.CLIENT_KIND_COMPANY, "person": ClientKind.CLIENT_KIND_PERSON}
_TEXTS = ("name", "owner_id", "website", "address", "notes")
_LISTS = {"emails": "\n", "phones": "\n", "tags": ","}
_WRITABLE = (*_TEXTS, *_LISTS, "kind", "parent_id", "custom_fields")
_FIELD_OF = {"parent_id": "parent"}

router = APIRouter(include_in_schema=False)


@router.get("/clients/new", dependencies=[needs("clients.write")])
async def new_client(request: Request) -> Response:
    """The empty form; below a company it begins as a person. It belongs to whoever adds it."""
    viewer, given = await viewer_of(request), request.query_params
    about = await about_client(request, given.get("parent_id", ""), "parent")
    kind = "person" if about else "company"
    me = str(signed_in(request).user_id)
    # As before as well: crm may be a moment behind in knowing somebody who has just joined.
    mine = {"owner": viewer.name, "owner_id": me, "owner_before": me}
    values = Values(kind=kind, request_id=str(new_id()), **mine, **about)
    return await _form(request, viewer, "", values, Errors())


@router.post("/clients/new")
async def create_client(request: Request) -> Response:
    """Adds a client. The form's own id makes a second sending harmless."""
    values, viewer = await values_of(request), await viewer_of(request)
    try:
        created = await clients_of(request).clients.CreateClient(
            CreateClientRequest(
                client=await _client_from(request, viewer, values),
                allow_duplicate=bool(values["allow_duplicate"]),
            ),
            identity_of(request, values["request_id"]),
        )
    except DomainError as refusal:
        if first := added_before(refusal):
            return RedirectResponse(f"/clients/{first}", 303)
        if alike := candidates_of(refusal):
            return await _form(request, viewer, "", values, Errors(), alike=alike)
        return await _form(request, viewer, "", values, errors_of(refusal, _FIELD_OF))
    return RedirectResponse(f"/clients/{created.id}", 303)


@router.get("/clients/{client_id}/edit", dependencies=[needs("clients.write")])
async def edit_client(request: Request, client_id: str) -> Response:
    """The form with the client's values."""
    viewer, client, fields = await together(
        viewer_of(request), get_client(request, client_id), list_fields(request, OF_CLIENTS)
    )
    values = _values_from(client)
    values |= custom_inputs(fields, client, rendering_of(request).formats(viewer), viewer)
    return await _form(request, viewer, client_id, values, Errors())


@router.post("/clients/{client_id}/edit")
async def update_client(request: Request, client_id: str) -> Response:
    """Saves the form."""
    values, viewer = await values_of(request), await viewer_of(request)
    try:
        client = await _client_from(request, viewer, values)
        client.id = client_id
        await clients_of(request).clients.UpdateClient(
            UpdateClientRequest(
                client=client,
                update_mask=FieldMask(paths=changed(values, _WRITABLE)),
                etag=values["etag"],
            ),
            identity_of(request),
        )
    except DomainError as refusal:
        if refusal.kind is ErrorKind.STALE:
            return await _conflict(request, viewer, client_id, values)
        return await _form(request, viewer, client_id, values, errors_of(refusal, _FIELD_OF))
    return RedirectResponse(f"/clients/{client_id}", 303)


async def get_client(request: Request, client_id: str) -> Client:
    """One client."""
    client: Client = await clients_of(request).clients.GetClient(
        GetClientRequest(client_id=client_id), identity_of(request)
    )
    return client


async def _conflict(request: Request, viewer: Viewer, client_id: str, values: Values) -> Response:
    current, fields = await together(
        get_client(request, client_id), list_fields(request, OF_CLIENTS)
    )
    words = in_words(
        _values_from(current),
        values,
        LABELS,
        record=current,
        fields=fields,
        formats=rendering_of(request).formats(viewer),
        viewer=viewer,
    )
    values["etag"] = current.etag
    return await _form(
        request, viewer, client_id, values, Errors(), conflict=words or "as it is typed here"
    )


async def _form(
    request: Request,
    viewer: Viewer,
    client_id: str,
    values: Values,
    errors: Errors,
    *,
    conflict: str = "",
    alike: Sequence[Mapping[str, str]] = (),
) -> Response:
    owners, fields = await together(heirs_of(request), list_fields(request, OF_CLIENTS))
    return rendering_of(request).response(
        request,
        "clients/form.html",
        viewer,
        status=412 if conflict else 409 if alike else errors.status,
        title="Edit client" if client_id else "New client",
        client_id=client_id,
        values=values,
        errors=errors.fields,
        message=errors.message,
        labels={**LABELS, "owner": LABELS["owner_id"], **custom_labels(fields)},
        fields=fields,
        currency=viewer.currency_code,
        conflict=conflict,
        alike=alike,
        owners=owners,
        without_owner=nobody_for(request) or ("" if client_id else "Me"),
        choices=errors.choices,
    )


async def _client_from(request: Request, viewer: Viewer, values: Values) -> Client:
    found = await meant(request, values, {"parent": "companies"} | asked_by_name(values))
    kind = _KINDS.get(values["kind"], ClientKind.CLIENT_KIND_UNSPECIFIED)
    client = Client(kind=kind, parent_id=found["parent"])
    for name in _TEXTS:
        setattr(client, name, values[name])
    for name, separator in _LISTS.items():
        getattr(client, name).extend(filter(None, map(str.strip, values[name].split(separator))))
    fields = await list_fields(request, OF_CLIENTS)
    client.custom_fields.CopyFrom(into_struct(read_custom(fields, values, viewer)))
    return client


def _values_from(client: Client) -> Values:
    values = Values({name: getattr(client, name) for name in _TEXTS})
    for name, separator in _LISTS.items():
        values[name] = (separator + " " * (separator == ",")).join(getattr(client, name))
    values |= {
        "kind": "person" if client.kind == ClientKind.CLIENT_KIND_PERSON else "company",
        "parent": client.parent_name,
        "parent_id": client.parent_id,
        "owner": client.owner_name,
        "owner_before": client.owner_id,
        "etag": client.etag,
    }
    return values
