"""Clients over gRPC: message in, use case or query, message out."""

from typing import Any
from uuid import UUID

from google.protobuf.field_mask_pb2 import FieldMask

from crm.adapters import client_queries
from crm.adapters.reading import row
from crm.application.clients import create_client, delete_client, update_client
from crm.domain.client import ClientKind
from crm.domain.errors import ClientNotFound, EntryRefused, Problem
from crm.entrypoints.app import App
from crm.entrypoints.rpc.mapping import KINDS_OF_CLIENTS, client_message
from crm.entrypoints.rpc.requests import (
    Edit,
    edit_of,
    meant,
    needed_etag,
    read_list,
    read_struct,
)
from crm.entrypoints.rpc.writing import write
from freelanceflow.crm.v1 import client_service_pb2 as pb
from freelanceflow.crm.v1 import client_service_pb2_grpc as api
from kit.ids import parse_id
from kit.rpc.identity import Context, principal_of
from kit.unit_of_work import UnitOfWork


def _read_kind(message: Any, field: str) -> ClientKind:
    kind = KINDS_OF_CLIENTS.get(getattr(message, field))
    if kind is None:
        raise EntryRefused([Problem(field, "KIND_UNKNOWN", "Choose a company or a person.")])
    return kind


READERS = {
    "kind": _read_kind,
    "emails": read_list,
    "phones": read_list,
    "tags": read_list,
    "custom_fields": read_struct,
}
REFERENCES = {"parent_id": "parent", "owner_id": "owner"}
WRITABLE = frozenset({"name", "address", "website", "notes", "external_id", *READERS, *REFERENCES})


class ClientService(api.ClientServiceServicer):
    """Companies and people."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def GetClient(self, request: pb.GetClientRequest, context: Context) -> pb.Client:
        """One client."""
        client_id = parse_id(request.client_id, "client_id")
        found = await row(
            self._app.pool, principal_of(context).workspace_id, client_queries.GET, client=client_id
        )
        if found is None:
            raise ClientNotFound("There is no such client.")
        return client_message(found)

    async def ListClients(
        self, request: pb.ListClientsRequest, context: Context
    ) -> pb.ListClientsResponse:
        """A page of clients."""
        app, workspace_id = self._app, principal_of(context).workspace_id
        clients = client_queries.CLIENTS
        page = await clients.page(app.pool, app.page_tokens, workspace_id, request)
        response = pb.ListClientsResponse(
            clients=[client_message(found) for found in page.rows],
            next_page_token=page.next_page_token,
        )
        if request.with_total:
            response.total = await clients.total(app.pool, workspace_id, request.conditions)
        return response

    async def CreateClient(self, request: pb.CreateClientRequest, context: Context) -> pb.Client:
        """A new client."""
        edit = _edit(request.client, None)
        edit.values.setdefault("kind", _read_kind(request.client, "kind"))

        async def work(uow: UnitOfWork) -> pb.Client:
            client = await create_client(
                uow,
                edit=edit.values,
                **edit.ids,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
                unless_alike=not request.allow_duplicate,
            )
            return await _as_read(uow, client.id)

        return await write(self._app, context, request, pb.Client, work)

    async def UpdateClient(self, request: pb.UpdateClientRequest, context: Context) -> pb.Client:
        """Other values of a client."""
        mask = request.update_mask if request.HasField("update_mask") else None
        edit = _edit(request.client, mask)
        client_id, etag = parse_id(request.client.id, "id"), needed_etag(request.etag)

        async def work(uow: UnitOfWork) -> pb.Client:
            client = await update_client(
                uow,
                client_id=client_id,
                edit=edit.values,
                **edit.ids,
                etag=etag,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return await _as_read(uow, client.id)

        return await write(self._app, context, request, pb.Client, work)

    async def DeleteClient(
        self, request: pb.DeleteClientRequest, context: Context
    ) -> pb.DeleteClientResponse:
        """Into the trash."""
        client_id, etag = parse_id(request.client_id, "client_id"), needed_etag(request.etag)

        async def work(uow: UnitOfWork) -> pb.DeleteClientResponse:
            await delete_client(
                uow,
                client_id=client_id,
                etag=etag,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return pb.DeleteClientResponse()

        return await write(self._app, context, request, pb.DeleteClientResponse, work)


async def _as_read(uow: UnitOfWork, client_id: UUID) -> pb.Client:
    """With what its deals are worth, which the entity does not know."""
    found = await uow.row(client_queries.GET, workspace=uow.workspace_id, client=client_id)
    assert found is not None  # it was just written
    return client_message(found)


def _edit(message: pb.Client, mask: FieldMask | None) -> Edit:
    return edit_of(message, meant(message, mask, WRITABLE), ids=REFERENCES, readers=READERS)
