"""Taking an import back: what it brought goes to the trash, what it changed is put back."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from crm.adapters import bulk, bulk_changes, import_rows, imports, lines
from crm.adapters.import_rows import Done
from crm.adapters.imports import Import
from crm.application.imports import Report
from crm.application.uploads import OpenUnit
from crm.domain.before import client_back, deal_back
from crm.domain.client import Client
from crm.domain.deal import Deal
from crm.domain.entries import Named
from crm.domain.errors import ImportNotDone
from crm.domain.import_fields import Resource
from crm.domain.imports import ImportReverted, ImportStatus
from kit.jobs.table import enqueue
from kit.unit_of_work import UnitOfWork

REVERT_JOB = "import_revert"
BATCH = 500


async def revert_import(uow: UnitOfWork, *, import_id: UUID, by: UUID) -> UUID:
    """Have an import taken back by a job, whose id is the answer; a failed revert goes on.

    Raises ImportNotFound, ImportNotDone.
    """
    found = await imports.load_for_update(uow, import_id)
    stuck = found.status in (ImportStatus.COMMITTING, ImportStatus.REVERTING) and found.given_up
    if found.status is not ImportStatus.DONE and not stuck:
        raise ImportNotDone("Only what was imported can be taken back, and only once.")
    total = found.created_rows + found.updated_rows
    args = {"import_id": str(import_id), "by": str(by)}
    job_id = await enqueue(uow, REVERT_JOB, args, total=total)
    await imports.start(uow, import_id, job_id, ImportStatus.REVERTING)
    await uow.commit()
    return job_id


async def revert_rows(
    open_unit: OpenUnit, *, import_id: UUID, by: UUID, now: datetime, report: Report
) -> Import:
    """Take back row after row, the last one first; goes on where it was stopped.

    `open_unit` marks its events with the import's id. Raises ImportNotFound.
    """
    done = 0
    while True:
        async with open_unit() as uow:
            found = await imports.load_for_update(uow, import_id)
            if found.status is not ImportStatus.REVERTING:
                return found
            rows = await import_rows.to_revert(uow, import_id, size=BATCH)
            if not rows:
                return await _finish(uow, found, by=by, now=now)
            reverted = await _take_back(uow, rows, by=by, now=now)
            await import_rows.mark_reverted(uow, import_id, rows)
            await imports.advance_revert(
                uow, import_id, reverted=reverted, kept=len(rows) - reverted
            )
            await uow.commit()
        done += len(rows)
        await report(done, max(done, found.created_rows + found.updated_rows))


async def _finish(uow: UnitOfWork, found: Import, *, by: UUID, now: datetime) -> Import:
    await imports.finish(uow, found.id, status=ImportStatus.REVERTED, now=now)
    uow.tell_facts(
        ImportReverted(
            aggregate_id=found.id,
            version=found.version + 1,
            at=now,
            by=by,
            resource=found.resource,
            file_name=found.file_name,
            reverted_records=found.reverted_records,
            kept_records=found.kept_records,
        )
    )
    await uow.commit()
    return found


async def _take_back(uow: UnitOfWork, rows: Sequence[Done], *, by: UUID, now: datetime) -> int:
    """How many were taken back; what somebody has changed since is left alone."""
    count = 0
    for kind in (Resource.ACTIVITIES, Resource.DEALS, Resource.CLIENTS):
        ours = {row.record_id: row for row in rows if row.kind is kind}
        if ours:
            count += await _TAKERS[kind](uow, ours, by=by, now=now)
    return count


async def _activities(uow: UnitOfWork, ours: dict[UUID, Done], *, by: UUID, now: datetime) -> int:
    found = await bulk_changes.load_activities(uow, ours)
    changed = [one for one in found.values() if one.version == ours[one.id].version]
    for activity in changed:
        activity.delete(at=now, by=by)
        activity.version += 1
    if changed:
        await bulk_changes.save_activities(uow, changed)
    return len(changed)


async def _deals(uow: UnitOfWork, ours: dict[UUID, Done], *, by: UUID, now: datetime) -> int:
    if had := _named_before(ours, "client"):
        _let_go(ours, "client", await bulk_changes.lock(uow, "clients", had.values()))
    found = await bulk_changes.load_deals(uow, ours)
    count, changed = 0, []
    columns = {str(column.stage.id): column for column in await bulk.columns(uow)}
    for deal in found.values():
        row = ours[deal.id]
        if deal.version != row.version:
            continue
        count += 1
        if row.before is None:
            deal.delete(at=now, by=by)
            deal.version += 1
        elif not _put_deal_back(deal, row.before, columns, by=by, now=now):
            continue
        changed.append(deal)
    if changed:
        await bulk_changes.save_deals(uow, changed)
    return count


def _put_deal_back(
    deal: Deal, before: dict[str, Any], columns: dict[str, bulk.Column], *, by: UUID, now: datetime
) -> bool:
    state, version = deal.state, deal.version
    deal.edit(deal_back(before, deal.state), at=now, by=by)
    deal.version += deal.state is not state
    column = columns.get(before["stage"])
    if column is not None and column.stage.id != deal.state.stage.id:
        (place,) = bulk.positions([column], {column.stage.id: 1})[column.stage.id]
        reason = before["lost_reason"]
        deal.change_stage(
            column.stage,
            place,
            at=now,
            by=by,
            lost_reason=Named(UUID(reason[0]), reason[1]) if reason else None,
        )
        deal.version += 1
    return deal.version != version


async def _clients(uow: UnitOfWork, ours: dict[UUID, Done], *, by: UUID, now: datetime) -> int:
    stood_under = _named_before(ours, "parent")
    above = await lines.above(uow, stood_under.values()) if stood_under else None
    if above:
        _let_go(ours, "parent", filter(above.knows, stood_under.values()))
    found = await bulk_changes.load_clients(uow, ours)
    untouched = [one for one in found.values() if one.version == ours[one.id].version]
    needed = await _needed(uow, [one.id for one in untouched if ours[one.id].before is None])
    count = 0
    changed: list[Client] = []
    for client in untouched:
        before = ours[client.id].before
        if client.id in needed:
            continue
        parent_id = stood_under.get(client.id)
        if above and above.reaches(parent_id, client.id):
            continue  # that one stands under it by now
        count += 1
        state = client.state
        if before is None:
            client.delete(at=now, by=by)
        else:
            client.edit(client_back(before, state), at=now, by=by)
            if above:
                above.put(client.id, parent_id)
        if client.state is not state:
            client.version += 1
            changed.append(client)
    if changed:
        await bulk_changes.save_clients(uow, changed)
    return count


def _named_before(ours: dict[UUID, Done], field: str) -> dict[UUID, UUID]:
    """Whom records named in a field, by the records' ids."""
    befores = {id: row.before for id, row in ours.items() if row.before}
    return {id: UUID(before[field][0]) for id, before in befores.items() if before[field]}


def _let_go(ours: dict[UUID, Done], field: str, there: Iterable[UUID]) -> None:
    """Who was deleted for good since is named by nobody any more."""
    kept = set(there)
    for id, named in _named_before(ours, field).items():
        if (before := ours[id].before) and named not in kept:
            before[field] = None


async def _needed(uow: UnitOfWork, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these clients must stay: something hangs on them, or on one that must stay."""
    going = set(ids)
    while needed := await bulk_changes.with_others(uow, going):
        going -= needed
    return set(ids) - going


_TAKERS = {
    Resource.ACTIVITIES: _activities,
    Resource.DEALS: _deals,
    Resource.CLIENTS: _clients,
}
