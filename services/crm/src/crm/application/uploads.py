"""A file comes in and is looked at; writing its rows is a job, see application/imports.py."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from crm.adapters import imports
from crm.domain.csv_file import CsvReader, Record
from crm.domain.entries import MAX_NAME, Entry
from crm.domain.errors import EntryRefused, FileTooLarge, ImportNotReady, Problem
from crm.domain.imports import Header, ImportStatus, Resource
from kit import files
from kit.ids import new_id
from kit.jobs.table import enqueue
from kit.unit_of_work import UnitOfWork

KEPT_FOR = timedelta(days=30)
JOB = "import"


async def upload(
    open_unit: Callable[[], UnitOfWork],
    content: AsyncIterable[bytes],
    *,
    resource: Resource,
    file_name: str,
    limit: int,
    by: UUID,
    now: datetime,
) -> UUID:
    """Keep a file of at most `limit` bytes whose header and encoding are right.

    Raises EntryRefused, FileTooLarge.
    """
    entry = Entry()
    file_name = entry.text("file_name", file_name, limit=MAX_NAME, needed=True)
    entry.done()
    look = _Look(resource, limit)
    file = await files.store(
        open_unit,
        look.through(content),
        name=file_name,
        content_type="text/csv",
        limit=limit,
        expires_at=now + KEPT_FOR,
    )
    import_id = new_id()
    async with open_unit() as uow:
        await imports.add(
            uow,
            import_id,
            resource=resource,
            file_id=file.id,
            file_name=file_name,
            size=file.size,
            total_rows=look.rows,
            by=by,
            now=now,
        )
        await uow.commit()
    return import_id


async def commit_import(uow: UnitOfWork, *, import_id: UUID) -> UUID:
    """Have the rows written by a job, whose id is the answer; a failed import goes on.

    Raises ImportNotFound, ImportNotReady.
    """
    found = await imports.load_for_update(uow, import_id)
    failed = found.status is ImportStatus.COMMITTING and found.job_status == "failed"
    if found.status is not ImportStatus.READY and not failed:
        raise ImportNotReady("This import is being written, or has been.")
    job_id = await enqueue(uow, JOB, {"import_id": str(import_id)}, total=found.total_rows)
    await imports.start(uow, import_id, job_id)
    await uow.commit()
    return job_id


class _Look:
    """Looks at bytes that pass by: refuses early what cannot be taken, and counts the rows."""

    def __init__(self, resource: Resource, limit: int) -> None:
        self._resource = resource
        self._limit = limit
        self._records = -1  # before the header
        self._reader = CsvReader()

    @property
    def rows(self) -> int:
        """Rows without the header."""
        return self._records

    async def through(self, content: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        """The same bytes."""
        size = 0
        async for piece in content:
            size += len(piece)
            if size > self._limit:
                raise FileTooLarge(f"At most {self._limit} bytes.", limit=str(self._limit))
            # In a thread: a megabyte of short lines would hold up everybody else for a second.
            await asyncio.to_thread(self._see, self._reader.feed(piece))
            yield piece
        self._see(self._reader.end())
        if self._records < 1:
            raise EntryRefused([Problem("file", "FILE_EMPTY", "There are no rows in this file.")])

    def _see(self, records: Iterable[Record]) -> None:
        for record in records:
            if self._records < 0:
                Header(self._resource, record)
            self._records += 1
