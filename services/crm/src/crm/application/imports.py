"""Writing the rows of a file: batch by batch, each with its progress in one transaction.

Killed at any point it goes on with the first row that is not counted yet: nothing is written twice.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from crm.adapters import bulk, imports
from crm.adapters.imports import Import
from crm.application.import_clients import write_clients
from crm.application.import_deals import write_deals
from crm.domain.csv_file import CsvReader, Record
from crm.domain.errors import EntryRefused, ExternalIdTaken
from crm.domain.import_rows import CellReader
from crm.domain.imports import (
    Header,
    ImportFinished,
    ImportStatus,
    Outcome,
    Resource,
    Row,
    RowError,
    row_errors,
)
from kit import files
from kit.unit_of_work import UnitOfWork

BATCH = 500
TRIES = 3

OpenUnit = Callable[[], UnitOfWork]
Report = Callable[[int, int], Awaitable[None]]


async def write_rows(
    open_unit: OpenUnit, *, import_id: UUID, now: datetime, report: Report
) -> Import:
    """Write all rows that are not written yet, then tell that the import is finished.

    `open_unit` marks its events with the import's id. Raises ImportNotFound, FileNotFound.
    """
    async with open_unit() as uow:
        found = await imports.load_for_update(uow, import_id)
    if found.status is ImportStatus.DONE:
        return found
    done = found.done_rows
    async for header, batch in _batches(open_unit, found):
        await _again_if_met(open_unit, found, header, batch, done=done, now=now)
        done += len(batch)
        await report(done, found.total_rows)
    async with open_unit() as uow:
        await bulk.refresh_statistics(uow)
        await uow.commit()
    return await _finish(open_unit, import_id, now=now)


async def _finish(open_unit: OpenUnit, import_id: UUID, *, now: datetime) -> Import:
    async with open_unit() as uow:
        found = await imports.load_for_update(uow, import_id)
        if found.status is ImportStatus.COMMITTING:
            await imports.finish(uow, import_id, now=now)
            uow.tell_facts(
                ImportFinished(
                    aggregate_id=import_id,
                    version=found.version + 1,
                    at=now,
                    by=found.created_by,
                    resource=found.resource,
                    file_name=found.file_name,
                    created_rows=found.created_rows,
                    skipped_rows=found.skipped_rows,
                    failed_rows=found.failed_rows,
                )
            )
            await uow.commit()
    return found


async def _batches(
    open_unit: OpenUnit, found: Import
) -> AsyncIterator[tuple[Header, list[Record]]]:
    """The records from the first one that is not counted yet."""
    header: Header | None = None
    behind = found.done_rows
    batch: list[Record] = []
    async for record in _records(open_unit, found.file_id):
        if header is None:
            header = Header(found.resource, record)
        elif behind:
            behind -= 1
        else:
            batch.append(record)
        if header is not None and len(batch) == BATCH:
            yield header, batch
            batch = []
    if header is not None and batch:
        yield header, batch


async def _records(open_unit: OpenUnit, file_id: UUID) -> AsyncIterator[Record]:
    reader = CsvReader()
    async for piece in files.read(open_unit, file_id):
        for record in reader.feed(piece):
            yield record
    for record in reader.end():
        yield record


async def _again_if_met(
    open_unit: OpenUnit,
    found: Import,
    header: Header,
    batch: Sequence[Record],
    *,
    done: int,
    now: datetime,
) -> None:
    """Another import may bring the same external id in the same moment; then it is there."""
    for attempt in range(1, TRIES + 1):
        try:
            async with open_unit() as uow:
                await imports.load_to_advance(uow, found.id, done_rows=done)
                outcome = await _write(uow, found.resource, header, batch, now=now)
                await imports.advance(
                    uow,
                    found.id,
                    created=outcome.created,
                    skipped=outcome.skipped,
                    errors=outcome.errors,
                )
                await uow.commit()
            return
        except ExternalIdTaken:
            if attempt == TRIES:
                raise


async def _write(
    uow: UnitOfWork, resource: Resource, header: Header, batch: Sequence[Record], *, now: datetime
) -> Outcome:
    currency, zone = await bulk.settings(uow)
    reader = CellReader(currency=currency, zone=_zone(zone), now=now)
    rows: list[Row] = []
    errors: list[RowError] = []
    for record in batch:
        try:
            rows.append(header.row(record))
        except EntryRefused as refusal:
            errors += row_errors(record.row, refusal)
    write = write_deals if resource is Resource.DEALS else write_clients
    outcome = await write(uow, reader, rows)
    return outcome._replace(errors=[*errors, *outcome.errors])


def _zone(name: str) -> ZoneInfo:
    """A zone this machine does not know is no reason to refuse a file."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
