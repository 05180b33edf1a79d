"""Duplicates over gRPC: found, said to be two, made one, and undone."""

from typing import Any
from uuid import UUID

from crm.adapters import duplicates, merges
from crm.adapters.reading import rows
from crm.application.merges import dismiss_duplicate, merge_clients, undo_merge
from crm.entrypoints.app import App
from crm.entrypoints.rpc.listing import Plain
from crm.entrypoints.rpc.mapping import client_message, stamp
from crm.entrypoints.rpc.requests import needed_etag
from crm.entrypoints.rpc.writing import write
from freelanceflow.crm.v1 import duplicate_service_pb2 as pb
from freelanceflow.crm.v1 import duplicate_service_pb2_grpc as api
from kit.ids import parse_id
from kit.rpc.identity import Context, principal_of
from kit.unit_of_work import UnitOfWork


class DuplicateService(api.DuplicateServiceServicer):
    """Clients that may be one."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def ListDuplicates(
        self, request: pb.ListDuplicatesRequest, context: Context
    ) -> pb.ListDuplicatesResponse:
        """Pairs of clients, the surest first."""
        app, workspace_id = self._app, principal_of(context).workspace_id
        async with app.unit_of_work(workspace_id) as uow:
            pairs = await duplicates.pairs(uow)
        ids = {id for pair in pairs for id in (pair.one_id, pair.other_id)}
        found = await rows(app.pool, workspace_id, duplicates.SHOWN, ids=list(ids))
        shown = {row["id"]: client_message(row) for row in found}
        return pb.ListDuplicatesResponse(
            pairs=[
                pb.DuplicatePair(
                    one=shown[pair.one_id], other=shown[pair.other_id], matched_by=pair.by
                )
                for pair in pairs
                if pair.one_id in shown and pair.other_id in shown
            ]
        )

    async def DismissDuplicate(
        self, request: pb.DismissDuplicateRequest, context: Context
    ) -> pb.DismissDuplicateResponse:
        """These are two."""
        client_id = parse_id(request.client_id, "client_id")
        other_id = parse_id(request.other_id, "other_id")

        async def work(uow: UnitOfWork) -> pb.DismissDuplicateResponse:
            await dismiss_duplicate(
                uow,
                client_id=client_id,
                other_id=other_id,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return pb.DismissDuplicateResponse()

        return await write(self._app, context, request, pb.DismissDuplicateResponse, work)

    async def MergeClients(self, request: pb.MergeClientsRequest, context: Context) -> pb.Merge:
        """One of two."""
        client_id = parse_id(request.client_id, "client_id")
        other_id = parse_id(request.other_id, "other_id")
        etag, other_etag = needed_etag(request.etag), needed_etag(request.other_etag)

        async def work(uow: UnitOfWork) -> pb.Merge:
            merge_id = await merge_clients(
                uow,
                client_id=client_id,
                etag=etag,
                other_id=other_id,
                other_etag=other_etag,
                fields_from_other=list(request.fields_from_other),
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return await _as_read(uow, merge_id)

        return await write(self._app, context, request, pb.Merge, work)

    async def UndoMerge(self, request: pb.UndoMergeRequest, context: Context) -> pb.Merge:
        """Two again."""
        merge_id = parse_id(request.merge_id, "merge_id")

        async def work(uow: UnitOfWork) -> pb.Merge:
            await undo_merge(
                uow, merge_id=merge_id, by=principal_of(context).user_id, now=self._app.clock.now()
            )
            return await _as_read(uow, merge_id)

        return await write(self._app, context, request, pb.Merge, work)

    async def ListMerges(
        self, request: pb.ListMergesRequest, context: Context
    ) -> pb.ListMergesResponse:
        """A page of merges."""
        app = self._app
        page = await merges.MERGES.page(
            app.pool,
            app.page_tokens,
            principal_of(context).workspace_id,
            Plain(page_size=request.page_size, page_token=request.page_token),
        )
        return pb.ListMergesResponse(
            merges=[_message(found) for found in page.rows], next_page_token=page.next_page_token
        )


async def _as_read(uow: UnitOfWork, merge_id: UUID) -> pb.Merge:
    return _message(await uow.row(merges.GET, workspace=uow.workspace_id, merge=merge_id))


def _message(row: Any) -> pb.Merge:
    return pb.Merge(
        id=str(row["id"]),
        client_id=str(row["client_id"]),
        client_name=row["client_name"],
        other_id=str(row["other_id"]),
        other_name=row["other_name"],
        deals=row["deals"],
        activities=row["activities"],
        people=row["people"],
        create_time=stamp(row["created_at"]),
        undo_time=stamp(row["undone_at"]),
    )
