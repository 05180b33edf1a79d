"""Clients: companies and people alike."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.crm.v1 import client_service_pb2 as pb
from gateway.entrypoints.api import schemas
from gateway.entrypoints.api.answers import instant, money, page_response, plain, record_response
from gateway.entrypoints.api.changes import or_current
from gateway.entrypoints.api.operations import Operations
from gateway.entrypoints.api.requests import (
    IDEMPOTENCY_KEY,
    IF_MATCH,
    Listing,
    identity_of,
    if_match,
    path_parameter,
    present,
    read_body,
    read_query,
)

RPC = pb.DESCRIPTOR.services_by_name["ClientService"].methods_by_name
CLIENTS = Listing(
    schemas.Client,
    filters=(
        "name",
        "kind",
        "parent_id",
        "owner_id",
        "emails",
        "phones",
        "tags",
        "created_at",
        "updated_at",
    ),
    sorts=("name", "kind", "won_value", "last_contact_at", "created_at", "updated_at"),
    custom=True,
)
KINDS = {
    "company": pb.ClientKind.CLIENT_KIND_COMPANY,
    "person": pb.ClientKind.CLIENT_KIND_PERSON,
}
KIND_NAMES = {number: name for name, number in KINDS.items()}
CLIENT = path_parameter("client_id", "client")

operations = Operations("Clients")
add = operations.add


@add("GET", "/clients", rpc=RPC["ListClients"], summary="List clients",
     answer=schemas.ClientPage, parameters=CLIENTS.parameters())  # fmt: skip
async def list_clients(request: Request) -> Response:
    """By name unless `sort` says otherwise."""
    asked = CLIENTS.read(request)
    answer: pb.ListClientsResponse = await request.app.state.clients.clients.ListClients(
        pb.ListClientsRequest(
            page_size=asked.page.size,
            page_token=asked.page.token,
            conditions=asked.conditions,
            sort=asked.sort,
            with_total=asked.with_total,
        ),
        identity_of(request),
    )
    return page_response(
        map(client_json, answer.clients),
        answer.next_page_token,
        total=answer.total if asked.with_total else None,
        fields=asked.fields,
    )


@add("POST", "/clients", rpc=RPC["CreateClient"], summary="Create a client",
     body=schemas.NewClient, answer=schemas.Client, status=201, parameters=[IDEMPOTENCY_KEY],
     problems=[404, 409])  # fmt: skip
async def create_client(request: Request) -> Response:
    """A company, or a person alone or under a company.

    When somebody like that is there, the answer is 409 with `candidates`; `allow_duplicate` creates
    it all the same.
    """
    body = await read_body(request, schemas.NewClient)
    values = {"kind": body.kind, **body.model_dump(exclude_unset=True)}
    anyway = values.pop("allow_duplicate", False)
    client = await request.app.state.clients.clients.CreateClient(
        pb.CreateClientRequest(client=message_of(values), allow_duplicate=anyway),
        identity_of(request),
    )
    location = f"/api/v1/clients/{client.id}"
    return record_response(request, client_json(client), client.etag, status=201, location=location)


@add("GET", "/clients/{client_id}", rpc=RPC["GetClient"], summary="Get a client",
     answer=schemas.Client, parameters=[CLIENT], problems=[404])  # fmt: skip
async def get_client(request: Request) -> Response:
    """`ETag` is what changes ask for as `If-Match`."""
    read_query(request)
    client = await _get(request)
    return record_response(request, client_json(client), client.etag)


@add("PATCH", "/clients/{client_id}", rpc=RPC["UpdateClient"], summary="Change a client",
     body=schemas.ClientChange, answer=schemas.Client, parameters=[CLIENT, IF_MATCH],
     problems=[404, 412, 428])  # fmt: skip
async def update_client(request: Request) -> Response:
    """Only the fields that are sent change."""
    etag = if_match(request)
    body = await read_body(request, schemas.ClientChange)
    values = body.model_dump(exclude_unset=True)
    change = pb.UpdateClientRequest(
        client=message_of(values), update_mask=FieldMask(paths=sorted(values)), etag=etag
    )
    change.client.id = request.path_params["client_id"]
    client = await _or_current(request, "UpdateClient", change)
    return record_response(request, client_json(client), client.etag)


@add("DELETE", "/clients/{client_id}", rpc=RPC["DeleteClient"], summary="Delete a client",
     status=204, parameters=[CLIENT, IF_MATCH], problems=[404, 409, 412, 428])  # fmt: skip
async def delete_client(request: Request) -> Response:
    """It can be restored from the trash for 30 days; its deals stay. Refused while something that
    the caller does not see belongs to it."""
    etag = if_match(request)
    delete = pb.DeleteClientRequest(client_id=request.path_params["client_id"], etag=etag)
    await _or_current(request, "DeleteClient", delete)
    return Response(status_code=204)


async def _get(request: Request) -> pb.Client:
    client: pb.Client = await request.app.state.clients.clients.GetClient(
        pb.GetClientRequest(client_id=request.path_params["client_id"]), identity_of(request)
    )
    return client


async def _or_current(request: Request, method: str, message: Any) -> Any:
    change = getattr(request.app.state.clients.clients, method)(message, identity_of(request))
    return await or_current(change, lambda: _get(request), client_json)


def message_of(values: Mapping[str, Any]) -> pb.Client:
    """A client with these values."""
    given = present(values)
    if "kind" in given:
        given["kind"] = KINDS[given["kind"]]
    return pb.Client(**given)


def client_json(client: pb.Client) -> dict[str, Any]:
    """A client as the API shows it."""
    has = client.HasField
    return {
        "id": client.id,
        "kind": KIND_NAMES.get(client.kind, "company"),
        "name": client.name,
        "parent_id": client.parent_id or None,
        "parent_name": client.parent_name or None,
        "emails": list(client.emails),
        "phones": list(client.phones),
        "address": client.address,
        "website": client.website,
        "owner_id": client.owner_id or None,
        "owner_name": client.owner_name or None,
        "tags": list(client.tags),
        "custom_fields": plain(client.custom_fields) if has("custom_fields") else {},
        "notes": client.notes,
        "external_id": client.external_id or None,
        "open_deal_count": client.open_deal_count,
        "open_value": money(client.open_value) if has("open_value") else None,
        "won_value": money(client.won_value) if has("won_value") else None,
        "closed_deal_count": client.closed_deal_count,
        "win_rate": client.win_rate if has("win_rate") else None,
        "last_contact_at": instant(client.last_contact_time) if has("last_contact_time") else None,
        "people_count": client.people_count,
        "open_without_rate_count": client.open_without_rate_count,
        "won_without_rate_count": client.won_without_rate_count,
        "created_at": instant(client.create_time),
        "updated_at": instant(client.update_time),
        "version": int(client.etag),
    }
