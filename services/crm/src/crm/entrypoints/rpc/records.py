"""What clients, deals and activities have in common, over gRPC: trash and history."""

from typing import Any
from uuid import UUID

import asyncpg

from crm.adapters import activity_queries, client_queries, record_history, trash
from crm.adapters.reading import Read, row, rows
from crm.application.clients import expect_all_seen
from crm.application.reopening import reopen_deal
from crm.application.trash import purge_records, restore_record
from crm.domain.deal import LAST_VERSION
from crm.domain.errors import ActivityNotFound, ClientNotFound, RecordNotInTrash
from crm.domain.trash import KEPT_FOR, RecordKind, Trashed
from crm.entrypoints.app import App
from crm.entrypoints.rpc.mapping import deal_entity_message, stamp
from crm.entrypoints.rpc.requests import needed_etag
from crm.entrypoints.rpc.writing import write
from freelanceflow.crm.v1 import deal_service_pb2 as deal_pb
from freelanceflow.crm.v1 import record_service_pb2 as pb
from freelanceflow.crm.v1 import record_service_pb2_grpc as api
from kit.errors import DomainError
from kit.ids import parse_id
from kit.paging import page_size
from kit.rpc.identity import Context, principal_of
from kit.unit_of_work import UnitOfWork

KINDS: dict[str, pb.RecordKind.ValueType] = {
    RecordKind.DEAL: pb.RECORD_KIND_DEAL,
    RecordKind.CLIENT: pb.RECORD_KIND_CLIENT,
    RecordKind.ACTIVITY: pb.RECORD_KIND_ACTIVITY,
}
NAMES = {value: str(name) for name, value in KINDS.items()}


class RecordService(api.RecordServiceServicer):
    """Trash and history."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def ListTrash(
        self, request: pb.ListTrashRequest, context: Context
    ) -> pb.ListTrashResponse:
        """A page of the trash."""
        app, workspace_id = self._app, principal_of(context).workspace_id
        size, kind = page_size(request.page_size), NAMES.get(request.kind, "")
        about = f"trash {workspace_id} {kind}"
        before = before_id = None
        if request.page_token:
            before, before_id = app.page_tokens.read(request.page_token, about)
        found = await rows(
            app.pool,
            workspace_id,
            trash.LIST,
            kind=kind,
            before=before,
            before_id=before_id,
            size=size + 1,
        )
        more = len(found) > size
        end = (found[size - 1]["deleted_at"], found[size - 1]["id"]) if more else ()
        return pb.ListTrashResponse(
            records=[_trashed(record) for record in found[:size]],
            next_page_token=app.page_tokens.issue(end, about) if more else "",
        )

    async def RestoreRecord(
        self, request: pb.RestoreRecordRequest, context: Context
    ) -> pb.RestoreRecordResponse:
        """Out of the trash."""
        record_id = parse_id(request.record_id, "record_id")

        async def work(uow: UnitOfWork) -> pb.RestoreRecordResponse:
            restored = await restore_record(
                uow,
                record_id=record_id,
                by=principal_of(context).user_id,
                now=self._app.clock.now(),
            )
            return pb.RestoreRecordResponse(
                record_id=str(record_id),
                kind=KINDS[restored.kind],
                etag=str(restored.version),
            )

        return await write(self._app, context, request, pb.RestoreRecordResponse, work)

    async def PurgeRecord(
        self, request: pb.PurgeRecordRequest, context: Context
    ) -> pb.PurgeRecordResponse:
        """Gone for good. Whether the caller sees it and all of it is asked as the app role."""
        app, principal = self._app, principal_of(context)
        record_id = parse_id(request.record_id, "record_id")
        found = await row(app.pool, principal.workspace_id, trash.FIND, record=record_id)
        if found is None:
            raise RecordNotInTrash("Nothing with this id is in the trash.")
        record = Trashed(RecordKind(found["kind"]), record_id, found["version"])
        if record.kind is RecordKind.CLIENT:
            async with app.unit_of_work(principal.workspace_id) as uow:
                await expect_all_seen(uow, record_id)
        async with app.unit_of_system(principal.workspace_id) as uow:
            gone = await purge_records(
                uow, records=[record], by=principal.user_id, now=app.clock.now()
            )
        await trash.forget(app.system, gone)
        return pb.PurgeRecordResponse()

    async def ReopenDeal(self, request: pb.ReopenDealRequest, context: Context) -> deal_pb.Deal:
        """Back to where it was closed from."""
        deal_id, etag = parse_id(request.deal_id, "deal_id"), needed_etag(request.etag)
        now = self._app.clock.now()

        async def work(uow: UnitOfWork) -> deal_pb.Deal:
            deal = await reopen_deal(
                uow, deal_id=deal_id, etag=etag, by=principal_of(context).user_id, now=now
            )
            return deal_entity_message(deal, now)

        return await write(self._app, context, request, deal_pb.Deal, work)

    async def ListClientHistory(
        self, request: pb.ListClientHistoryRequest, context: Context
    ) -> pb.ListRecordHistoryResponse:
        """What happened to a client."""
        return await self._history(
            context,
            request,
            parse_id(request.client_id, "client_id"),
            there=client_queries.GET,
            name="client",
            missing=ClientNotFound("There is no such client."),
        )

    async def ListActivityHistory(
        self, request: pb.ListActivityHistoryRequest, context: Context
    ) -> pb.ListRecordHistoryResponse:
        """What happened to an activity."""
        return await self._history(
            context,
            request,
            parse_id(request.activity_id, "activity_id"),
            there=activity_queries.GET,
            name="activity",
            missing=ActivityNotFound("There is no such activity."),
        )

    async def _history(
        self,
        context: Context,
        request: Any,
        record_id: UUID,
        *,
        there: Read,
        name: str,
        missing: DomainError,
    ) -> pb.ListRecordHistoryResponse:
        app, workspace_id = self._app, principal_of(context).workspace_id
        size, about = page_size(request.page_size), f"history {workspace_id} {record_id}"
        below = LAST_VERSION
        if request.page_token:
            (below,) = app.page_tokens.read(request.page_token, about)
        if await row(app.pool, workspace_id, there, **{name: record_id}) is None:
            raise missing
        found = await rows(
            app.pool,
            workspace_id,
            record_history.HISTORY,
            record=record_id,
            below=below,
            size=size + 1,
        )
        more = len(found) > size
        return pb.ListRecordHistoryResponse(
            entries=[_entry(entry) for entry in found[:size]],
            next_page_token=app.page_tokens.issue((found[size - 1]["version"],), about)
            if more
            else "",
        )


def _trashed(record: asyncpg.Record) -> pb.TrashedRecord:
    return pb.TrashedRecord(
        id=str(record["id"]),
        kind=KINDS[record["kind"]],
        name=record["name"],
        owner_id=str(record["owner_id"] or ""),
        owner_name=record["owner_name"],
        delete_time=stamp(record["deleted_at"]),
        purge_time=stamp(record["deleted_at"] + KEPT_FOR),
    )


def _entry(entry: asyncpg.Record) -> pb.RecordHistoryEntry:
    return pb.RecordHistoryEntry(
        id=str(entry["id"]),
        kind=entry["kind"],
        actor_id=str(entry["actor_id"] or ""),
        actor_name=entry["actor_name"],
        happen_time=stamp(entry["happened_at"]),
        record_time=stamp(entry["recorded_at"]),
        changes=[
            deal_pb.FieldChange(field=field, before=before, after=after)
            for field, before, after in entry["changes"]
        ],
        version=entry["version"],
    )
