"""The contacts of a deal over gRPC."""

from typing import Any

from crm.adapters import contacts, deal_queries
from crm.adapters.reading import row, rows
from crm.application.contacts import put_contact, remove_contact
from crm.domain.errors import DealNotFound
from crm.entrypoints.app import App
from crm.entrypoints.rpc.mapping import CLIENT_KINDS
from crm.entrypoints.rpc.writing import write
from freelanceflow.crm.v1 import contact_service_pb2 as pb
from freelanceflow.crm.v1 import contact_service_pb2_grpc as api
from kit.ids import parse_id
from kit.rpc.identity import Context, principal_of
from kit.unit_of_work import UnitOfWork


class ContactService(api.ContactServiceServicer):
    """The people one speaks with about a deal."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def ListDealContacts(
        self, request: pb.ListDealContactsRequest, context: Context
    ) -> pb.ListDealContactsResponse:
        """All of them: there are twenty at most."""
        pool, workspace_id = self._app.pool, principal_of(context).workspace_id
        deal_id = parse_id(request.deal_id, "deal_id")
        found = await rows(pool, workspace_id, contacts.CONTACTS, deal=deal_id)
        if not found and await row(pool, workspace_id, deal_queries.EXISTS, deal=deal_id) is None:
            raise DealNotFound("There is no such deal.")
        return pb.ListDealContactsResponse(contacts=[_message(contact) for contact in found])

    async def PutDealContact(
        self, request: pb.PutDealContactRequest, context: Context
    ) -> pb.DealContact:
        """One more, or another role."""
        deal_id = parse_id(request.deal_id, "deal_id")
        client_id = parse_id(request.client_id, "client_id")

        async def work(uow: UnitOfWork) -> pb.DealContact:
            await put_contact(
                uow,
                deal_id=deal_id,
                client_id=client_id,
                role=request.role,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            found = await uow.rows(contacts.CONTACTS, workspace=uow.workspace_id, deal=deal_id)
            return next(_message(contact) for contact in found if contact["id"] == client_id)

        return await write(self._app, context, request, pb.DealContact, work)

    async def RemoveDealContact(
        self, request: pb.RemoveDealContactRequest, context: Context
    ) -> pb.RemoveDealContactResponse:
        """One less."""
        deal_id = parse_id(request.deal_id, "deal_id")
        client_id = parse_id(request.client_id, "client_id")

        async def work(uow: UnitOfWork) -> pb.RemoveDealContactResponse:
            await remove_contact(
                uow,
                deal_id=deal_id,
                client_id=client_id,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return pb.RemoveDealContactResponse()

        return await write(self._app, context, request, pb.RemoveDealContactResponse, work)


def _message(row: Any) -> pb.DealContact:
    return pb.DealContact(
        client_id=str(row["id"]),
        name=row["name"],
        kind=CLIENT_KINDS[row["kind"]],
        role=row["role"],
        emails=row["emails"],
        phones=row["phones"],
    )
