"""What a list shows goes into a file: asked for, written by a job, had by whoever asked."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from typing import IO
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from crm.adapters import bulk, custom_fields, exports
from crm.adapters.exports import Request
from crm.adapters.writers import Writer, plain, writer_for
from crm.application.uploads import OpenUnit
from crm.domain import custom_field
from crm.domain.custom_field import FieldState
from crm.domain.errors import ExportTooLarge
from crm.domain.exports import (
    CONTENT_TYPES,
    MAX_PDF_ROWS,
    ExportFinished,
    ExportRequested,
    Format,
    Table,
    chosen,
    columns_of,
)
from crm.domain.import_fields import Resource
from kit import files
from kit.ids import new_id
from kit.jobs.table import enqueue
from kit.pool import Pool
from kit.unit_of_work import UnitOfWork

JOB = "export"
KEPT_FOR = timedelta(days=7)
MAX_BYTES = 500_000_000

Report = Callable[[int, int], Awaitable[None]]


async def create_export(
    uow: UnitOfWork,
    *,
    resource: Resource,
    format: Format,
    request: Request,
    columns: Sequence[str],
    raw: bool,
    total: int,
    by: UUID,
    now: datetime,
) -> tuple[UUID, UUID]:
    """Have a file written by a job: the ids of export and job. Raises EntryRefused, ExportTooLarge.

    `total` is how many rows the list has.
    """
    known = columns_of(resource, await offered(uow, resource))
    allowed = {name: known[name] for name in known if exports.LISTS[resource].allows(name)}
    names = chosen(allowed, columns, format)
    if format is Format.PDF and total > MAX_PDF_ROWS:
        said = f"A PDF holds at most {MAX_PDF_ROWS:,} rows, and these are {total:,}. Choose Excel."
        raise ExportTooLarge(said, limit=str(MAX_PDF_ROWS))
    export_id = new_id()
    job_id = await enqueue(uow, JOB, {"export_id": str(export_id), "by": str(by)}, total=total)
    await exports.add(
        uow,
        export_id,
        resource=resource.value,
        format=format.value,
        request=request.kept(),
        columns=names,
        raw=raw,
        file_name=f"{resource.value}-{now:%Y-%m-%d}.{format.value}",
        total_rows=total,
        job_id=job_id,
        sight=uow.sight.setting,
        created_by=by,
        created_at=now,
    )
    uow.tell_facts(
        ExportRequested(
            aggregate_id=export_id,
            version=1,
            at=now,
            by=by,
            resource=resource,
            format=format,
            total_rows=total,
        )
    )
    await uow.commit()
    return export_id, job_id


async def write_export(
    open_unit: OpenUnit,
    pool: Pool,
    *,
    workspace_id: UUID,
    export_id: UUID,
    now: datetime,
    report: Report,
) -> int:
    """Write the file; how many rows went into it. May run again: the last file counts.

    Raises ExportNotFound.
    """
    async with open_unit() as uow:
        found = await exports.load(uow, export_id)
        currency, zone_name = await bulk.settings(uow)
        resource = Resource(found.resource)
        known = columns_of(resource, await offered(uow, resource))
    if found.file_id is not None:
        return found.total_rows
    table = Table(
        title=resource.value.capitalize(),
        # A field that was removed since has nothing to show any more.
        columns=[known[name] for name in found.columns if name in known],
        currency=currency,
        raw=found.raw,
    )
    batches = exports.batches(pool, workspace_id, found)
    counted = Counted(report, found.total_rows)
    with tempfile.TemporaryFile() as copy:
        file = await files.store(
            open_unit,
            _written(found.format, table, batches, copy, zone=zone_of(zone_name), counted=counted),
            name=found.file_name,
            content_type=CONTENT_TYPES[found.format],
            limit=MAX_BYTES,
            expires_at=now + KEPT_FOR,
        )
    await finish_export(open_unit, export_id, found, file, rows=counted.rows, now=now)
    return counted.rows


async def finish_export(
    open_unit: OpenUnit,
    export_id: UUID,
    found: exports.Export,
    file: files.File,
    *,
    rows: int,
    now: datetime,
) -> None:
    """The file is there."""
    async with open_unit() as uow:
        await exports.finish(
            uow,
            export_id,
            file_id=file.id,
            rows=rows,
            size=file.size,
            now=now,
            expires_at=file.expires_at,
        )
        uow.tell_facts(
            ExportFinished(
                aggregate_id=export_id,
                version=2,
                at=now,
                by=found.created_by,
                resource=found.resource,
                format=found.format,
                file_name=found.file_name,
                rows=rows,
                expires_at=file.expires_at,
            )
        )
        await uow.commit()


async def offered(uow: UnitOfWork, resource: Resource) -> list[FieldState]:
    """The workspace's own fields of what a list holds."""
    if resource is Resource.ACTIVITIES:
        return []
    return await custom_fields.offered(uow, custom_field.Resource(resource.value))


class Counted:
    """How many rows were written, said now and then."""

    def __init__(self, report: Report, total: int) -> None:
        self._report = report
        self._total = total
        self.rows = 0

    async def more(self, rows: int) -> None:
        """So many more."""
        self.rows += rows
        await self._report(self.rows, max(self._total, self.rows))


async def _written(
    format: Format,
    table: Table,
    batches: AsyncIterator[list[object]],
    copy: IO[bytes],
    *,
    zone: tzinfo,
    counted: Counted,
) -> AsyncIterator[bytes]:
    writer = writer_for(format, table, copy)
    async for batch in batches:
        # In a thread: writing cells is computing, and the heartbeat must not wait for it.
        pieces = await asyncio.to_thread(_add, writer, table, batch, zone)
        for piece in pieces:
            yield piece
        await counted.more(len(batch))
    for piece in await asyncio.to_thread(lambda: list(writer.end())):
        yield piece


def _add(writer: Writer, table: Table, batch: list[object], zone: tzinfo) -> list[bytes]:
    for row in batch:
        writer.add([plain(column, row, zone, table.currency) for column in table.columns])
    return list(writer.pieces())


def zone_of(name: str) -> tzinfo:
    """By its name; UTC for one that is not known."""
    with suppress(ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(name)
    return UTC
