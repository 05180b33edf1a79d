"""A file comes in and is looked at; what then happens with its rows are jobs."""

import asyncio
import tempfile
from collections.abc import AsyncIterable, AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import IO, NamedTuple
from uuid import UUID

from crm.adapters import custom_fields, imports, workbook
from crm.adapters.imports import Import
from crm.domain import custom_field
from crm.domain.custom_field import FILTER_PREFIX
from crm.domain.entries import MAX_NAME, Entry
from crm.domain.errors import FileTooLarge, ImportNotReady
from crm.domain.file_look import CsvLook, is_workbook
from crm.domain.import_fields import Resource
from crm.domain.imports import ImportStatus, Looked, Settings
from kit import files
from kit.ids import new_id
from kit.jobs.table import enqueue
from kit.unit_of_work import UnitOfWork

KEPT_FOR = timedelta(days=30)
OPEN_JOB = "import_open"
MAX_CSV = 500_000_000  # bytes that a workbook may become
START = 16  # bytes by which kinds of files are told apart
_CSV, _XLSX = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

OpenUnit = Callable[[], UnitOfWork]


class Uploaded(NamedTuple):
    """An import, and the job that takes it apart if it is a workbook."""

    import_id: UUID
    job_id: UUID | None


async def upload(
    open_unit: OpenUnit,
    content: AsyncIterable[bytes],
    *,
    resource: Resource,
    file_name: str,
    limit: int,
    by: UUID,
    now: datetime,
) -> Uploaded:
    """Keep a file of at most `limit` bytes that can be read.

    Raises EntryRefused, FileTooLarge.
    """
    entry = Entry()
    file_name = entry.text("file_name", file_name, limit=MAX_NAME, needed=True)
    entry.done()
    async with open_unit() as uow:
        customs = await custom_names(uow, resource)
    pieces = aiter(_limited(content, limit))
    start = b""
    async for piece in pieces:
        start += piece
        if len(start) >= START:
            break
    if is_workbook(start):
        with tempfile.TemporaryFile() as copy:
            stream = _expecting_workbook(start, pieces, copy)
            file = await _store(open_unit, stream, file_name, _XLSX, limit, now)
        looked = Looked(total_rows=0, settings=Settings(), columns=[], fields=[])
    else:
        look = CsvLook(resource, customs=customs)
        stream = _looking(start, pieces, look)
        file = await _store(open_unit, stream, file_name, _CSV, limit, now)
        looked = looked_at(look)
    import_id, job_id = new_id(), None
    async with open_unit() as uow:
        if not looked.columns:
            args = {"import_id": str(import_id), "by": str(by)}
            job_id = await enqueue(uow, OPEN_JOB, args)
        await imports.add(
            uow,
            import_id,
            looked=looked,
            resource=resource.value,
            status=(ImportStatus.ANALYZING if job_id else ImportStatus.UPLOADED).value,
            file_id=file.id,
            file_name=file_name,
            size=file.size,
            job_id=job_id,
            created_by=by,
            created_at=now,
        )
        await uow.commit()
    return Uploaded(import_id, job_id)


async def open_workbook(open_unit: OpenUnit, *, import_id: UUID, now: datetime) -> None:
    """Make a CSV of a workbook, and look at that.

    Raises ImportNotFound, FileNotFound, EntryRefused.
    """
    async with open_unit() as uow:
        found = await imports.load_for_update(uow, import_id)
        customs = await custom_names(uow, found.resource)
    if found.columns:
        return
    with tempfile.TemporaryFile() as copy:
        async for piece in files.read(open_unit, found.file_id):
            await asyncio.to_thread(copy.write, piece)
        look = CsvLook(found.resource, customs=customs)
        stream = _looking(b"", _converted(copy), look)
        file = await _store(open_unit, stream, found.file_name, _CSV, MAX_CSV, now)
    async with open_unit() as uow:
        still = await imports.load_for_update(uow, import_id)
        if not still.columns:
            await _replace_file(uow, still, looked_at(look), file.id)
            await uow.commit()


async def custom_names(uow: UnitOfWork, resource: Resource) -> dict[str, str]:
    """The workspace's own fields: how imports and exports call them, and their names."""
    if resource is Resource.ACTIVITIES:
        return {}
    fields = await custom_fields.offered(uow, custom_field.Resource(resource.value))
    return {f"{FILTER_PREFIX}{field.key}": field.name for field in fields}


async def _replace_file(uow: UnitOfWork, found: Import, looked: Looked, file_id: UUID) -> None:
    await imports.settle(uow, found, status=ImportStatus.UPLOADED, looked=looked, file_id=file_id)
    await files.remove(uow, found.file_id)


def looked_at(look: CsvLook) -> Looked:
    """What a look that has ended has shown."""
    return Looked(
        total_rows=look.rows,
        settings=look.settings(),
        columns=[
            {
                "header": column.header,
                "samples": column.samples,
                "guess": column.field,
                "confidence": column.confidence,
                "doubts": sorted(column.doubts),
            }
            for column in look.columns
        ],
        fields=[column.field for column in look.columns],
    )


def expect_untouched(found: Import) -> None:
    """Raises ImportNotReady once rows are being written, and while a job looks at them."""
    looking = found.status is ImportStatus.ANALYZING and not found.given_up
    if looking or not found.columns:
        raise ImportNotReady("This file is still being looked at.")
    if found.status not in (ImportStatus.UPLOADED, ImportStatus.READY, ImportStatus.ANALYZING):
        raise ImportNotReady("This import is being written, or has been.")


async def _store(
    open_unit: OpenUnit,
    content: AsyncIterable[bytes],
    name: str,
    content_type: str,
    limit: int,
    now: datetime,
) -> files.File:
    return await files.store(
        open_unit,
        content,
        name=name,
        content_type=content_type,
        limit=limit,
        expires_at=now + KEPT_FOR,
    )


async def _limited(content: AsyncIterable[bytes], limit: int) -> AsyncIterator[bytes]:
    size = 0
    async for piece in content:
        size += len(piece)
        if size > limit:
            raise FileTooLarge(f"At most {limit} bytes.", limit=str(limit))
        yield piece


async def _looking(
    start: bytes, pieces: AsyncIterable[bytes], look: CsvLook
) -> AsyncIterator[bytes]:
    """The same bytes; refuses as early as it can what cannot be taken."""
    # In a thread: a megabyte of short lines would hold up everybody else for a second.
    await asyncio.to_thread(look.feed, start)
    if start:
        yield start
    async for piece in pieces:
        await asyncio.to_thread(look.feed, piece)
        yield piece
    await asyncio.to_thread(look.end)


async def _expecting_workbook(
    start: bytes, pieces: AsyncIterable[bytes], copy: IO[bytes]
) -> AsyncIterator[bytes]:
    """The same bytes; an archive shows only at its end what it holds."""
    copy.write(start)
    yield start
    async for piece in pieces:
        await asyncio.to_thread(copy.write, piece)
        yield piece
    await asyncio.to_thread(workbook.expect_workbook, copy)


async def _converted(copy: IO[bytes]) -> AsyncIterator[bytes]:
    pieces = workbook.csv_of(copy)
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece
