"""Writing the rows of a file: batch by batch, each with its progress in one transaction.

Killed at any point it goes on with the first row that is not counted yet: nothing is written twice.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from uuid import UUID

from crm.adapters import bulk, import_rows, imports
from crm.adapters.imports import Import
from crm.application.import_batches import batches, take
from crm.application.import_work import Seen
from crm.application.uploads import OpenUnit, custom_names, expect_untouched
from crm.domain.csv_file import Record
from crm.domain.errors import EntryRefused, ExternalIdTaken, ImportNotReady, Problem
from crm.domain.imports import (
    ImportFinished,
    ImportStatus,
    Outcome,
    checked_fields,
    expect_complete,
)
from kit.jobs.table import enqueue
from kit.unit_of_work import UnitOfWork

JOB, CHECK_JOB = "import", "import_check"
TRIES = 3
MANY = 1_000  # rows after which the planner is told at once; of fewer autovacuum tells it in time

Report = Callable[[int, int], Awaitable[None]]


async def check_import(uow: UnitOfWork, *, import_id: UUID, by: UUID) -> UUID:
    """Have a dry run made by a job, whose id is the answer.

    Raises ImportNotFound, ImportNotReady, EntryRefused.
    """
    found = await imports.load_for_update(uow, import_id)
    expect_untouched(found)
    await _expect_fields(uow, found)
    args = {"import_id": str(import_id), "by": str(by)}
    job_id = await enqueue(uow, CHECK_JOB, args, total=found.total_rows)
    await imports.start(uow, import_id, job_id, ImportStatus.ANALYZING)
    await uow.commit()
    return job_id


async def commit_import(uow: UnitOfWork, *, import_id: UUID, by: UUID) -> UUID:
    """Have the rows written by a job, whose id is the answer; a failed import goes on.

    Raises ImportNotFound, ImportNotReady, EntryRefused.
    """
    found = await imports.load_for_update(uow, import_id)
    if found.status is ImportStatus.COMMITTING:
        if not found.given_up:
            raise ImportNotReady("This import is being written.")
    else:
        expect_untouched(found)
        await _expect_fields(uow, found)
        await imports.clear_errors(uow, import_id)
        await import_rows.clear(uow, import_id)
    args = {"import_id": str(import_id), "by": str(by)}
    job_id = await enqueue(uow, JOB, args, total=found.total_rows)
    await imports.start(uow, import_id, job_id, ImportStatus.COMMITTING)
    await uow.commit()
    return job_id


async def _expect_fields(uow: UnitOfWork, found: Import) -> None:
    """Raises EntryRefused: a custom field may have been removed since the columns were chosen."""
    expect_complete(found.resource, found.fields)
    if found.layout.custom_keys:
        checked_fields(found.resource, found.fields, await custom_names(uow, found.resource))


async def check_rows(
    open_unit: OpenUnit, *, import_id: UUID, now: datetime, report: Report
) -> dict[str, int]:
    """Look at all rows and write none; the answer is what would come of them.

    Raises ImportNotFound, FileNotFound.
    """
    async with open_unit() as uow:
        found = await imports.load_for_update(uow, import_id)
        await imports.clear_errors(uow, import_id)
        await import_rows.clear(uow, import_id)
        await uow.commit()
    seen, done = Seen(), 0
    counts = dict.fromkeys(("created", "updated", "skipped", "failed", "new_clients"), 0)
    async for batch in batches(open_unit, found):
        async with open_unit() as uow:  # ends without a commit: not even a label stays
            outcome = await take(uow, found, batch, seen, now=now, dry=True)
        await _remember(open_unit, import_id, outcome)
        for name, more in _counted(outcome).items():
            counts[name] += more
        done += len(batch)
        await report(done, found.total_rows)
    async with open_unit() as uow:
        still = await imports.load_for_update(uow, import_id)
        if still.status is ImportStatus.ANALYZING:
            await imports.settle(
                uow, still, status=ImportStatus.READY, looked=still.looked, checked=counts
            )
            await uow.commit()
    return counts


async def write_rows(
    open_unit: OpenUnit, *, import_id: UUID, now: datetime, report: Report
) -> Import:
    """Write all rows that are not written yet, then tell that the import is finished.

    `open_unit` marks its events with the import's id. Raises ImportNotFound, FileNotFound.
    """
    async with open_unit() as uow:
        found = await imports.load_for_update(uow, import_id)
    if found.status is not ImportStatus.COMMITTING:
        return found
    done = found.done_rows
    async for batch in batches(open_unit, found, behind=done):
        await _write(open_unit, found, batch, done=done, now=now)
        done += len(batch)
        await report(done, found.total_rows)
    if found.total_rows >= MANY:
        uow = open_unit()
        uow.begin_with(bulk.PATIENCE)
        async with uow:
            await bulk.refresh_statistics(uow)
            await uow.commit()
    return await _finish(open_unit, import_id, now=now)


async def _remember(open_unit: OpenUnit, import_id: UUID, outcome: Outcome) -> None:
    kept = [match for match in outcome.matches if match.action != "created"]
    if kept or outcome.errors:
        async with open_unit() as uow:
            await imports.add_errors(uow, import_id, outcome.errors)
            await import_rows.add(uow, import_id, kept)
            await uow.commit()


def _counted(outcome: Outcome) -> dict[str, int]:
    return {
        "created": outcome.created,
        "updated": outcome.updated,
        "skipped": outcome.skipped,
        "failed": len({error.row for error in outcome.errors}),
        "new_clients": outcome.new_clients,
    }


async def _write(
    open_unit: OpenUnit,
    found: Import,
    batch: Sequence[Record],
    *,
    done: int,
    now: datetime,
    tries: int = TRIES,
) -> None:
    """Another import may bring the same external id in the same moment; then it is there.

    An id that stays taken belongs to a record out of the importer's sight: it costs its own row,
    which is looked for half by half.
    """
    for _ in range(tries):
        with suppress(ExternalIdTaken):
            await _write_at_once(open_unit, found, batch, done=done, now=now)
            return
    if len(batch) == 1:
        await _refuse_id(open_unit, found, batch[0], done=done)
        return
    half = len(batch) // 2
    await _write(open_unit, found, batch[:half], done=done, now=now, tries=1)
    await _write(open_unit, found, batch[half:], done=done + half, now=now, tries=1)


async def _write_at_once(
    open_unit: OpenUnit, found: Import, batch: Sequence[Record], *, done: int, now: datetime
) -> None:
    """Raises ExternalIdTaken."""
    async with _unit_to_advance(open_unit, found, done=done) as uow:
        outcome = await take(uow, found, batch, Seen(), now=now, dry=False)
        await import_rows.add(uow, found.id, outcome.matches)
        await imports.advance(uow, found.id, outcome)
        await uow.commit()


async def _refuse_id(open_unit: OpenUnit, found: Import, record: Record, *, done: int) -> None:
    taken = EntryRefused([Problem("external_id", "EXTERNAL_ID_TAKEN", "Another record has this.")])
    errors = found.layout.errors(record.row, taken, found.layout.row(record))
    async with _unit_to_advance(open_unit, found, done=done) as uow:
        await imports.advance(uow, found.id, Outcome(0, 0, 0, errors, ()))
        await uow.commit()


@asynccontextmanager
async def _unit_to_advance(
    open_unit: OpenUnit, found: Import, *, done: int
) -> AsyncIterator[UnitOfWork]:
    async with open_unit() as uow:
        await imports.load_to_advance(uow, found.id, done_rows=done, status=ImportStatus.COMMITTING)
        yield uow


async def _finish(open_unit: OpenUnit, import_id: UUID, *, now: datetime) -> Import:
    async with open_unit() as uow:
        found = await imports.load_for_update(uow, import_id)
        if found.status is ImportStatus.COMMITTING:
            await imports.finish(uow, import_id, status=ImportStatus.DONE, now=now)
            uow.tell_facts(
                ImportFinished(
                    aggregate_id=import_id,
                    version=found.version + 1,
                    at=now,
                    by=found.created_by,
                    resource=found.resource,
                    file_name=found.file_name,
                    created_rows=found.created_rows,
                    updated_rows=found.updated_rows,
                    skipped_rows=found.skipped_rows,
                    failed_rows=found.failed_rows,
                )
            )
            await uow.commit()
    return found
