"""All that is kept of a workspace goes into one file, for whoever may take it out."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from importlib.resources import files as resources
from typing import IO, Any, NamedTuple
from uuid import UUID

import orjson

from crm.adapters import exports, takeout
from crm.adapters.csv_writer import PIECE, CsvWriter
from crm.adapters.takeout import (
    LIST_PARTS,
    TABLE_PARTS,
    About,
    ListPart,
    Part,
    TablePart,
    json_line,
    plain_cell,
)
from crm.adapters.writers import plain
from crm.application.exports import (
    KEPT_FOR,
    MAX_BYTES,
    Counted,
    Report,
    finish_export,
    offered,
    zone_of,
)
from crm.application.uploads import OpenUnit
from crm.domain.custom_field import FieldState
from crm.domain.exports import CONTENT_TYPES, WORKSPACE, ExportRequested, Format, columns_of
from kit import files
from kit.archive import Archive, Entry
from kit.ids import new_id
from kit.jobs.table import enqueue
from kit.pool import Pool
from kit.unit_of_work import UnitOfWork

JOB = "takeout"
FOLDER = "records"


async def create_takeout(
    uow: UnitOfWork, *, total: int, by: UUID, now: datetime
) -> tuple[UUID, UUID]:
    """Have the file written by a job: the ids of export and job.

    `total` is how many rows there are.
    """
    export_id = new_id()
    job_id = await enqueue(uow, JOB, {"export_id": str(export_id), "by": str(by)}, total=total)
    await exports.add(
        uow,
        export_id,
        resource=WORKSPACE,
        format=Format.ZIP.value,
        request=takeout.WHOLE.kept(),
        columns=[],
        raw=False,
        file_name=f"{WORKSPACE}-{now:%Y-%m-%d}.zip",
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
            resource=WORKSPACE,
            format=Format.ZIP,
            total_rows=total,
        )
    )
    await uow.commit()
    return export_id, job_id


async def write_takeout(
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
        about = await takeout.about(uow)
        shapes = await _shapes(uow, about)
    if found.file_id is not None:
        return found.total_rows
    counted = Counted(report, found.total_rows)
    file = await files.store(
        open_unit,
        _Writer(now, counted).pieces(pool, shapes, about, found.created_by, now),
        name=found.file_name,
        content_type=CONTENT_TYPES[found.format],
        limit=MAX_BYTES,
        expires_at=now + KEPT_FOR,
    )
    await finish_export(open_unit, export_id, found, file, rows=counted.rows, now=now)
    return counted.rows


class _Shape(NamedTuple):
    """A kind, and how its rows stand in a CSV."""

    part: Part
    headers: Sequence[str]
    cells: Callable[[Any], list[Any]]


async def _shapes(uow: UnitOfWork, about: About) -> list[_Shape]:
    lists = [_list_shape(part, await offered(uow, part.resource), about) for part in LIST_PARTS]
    return lists + [_table_shape(part) for part in TABLE_PARTS]


def _list_shape(part: ListPart, customs: Sequence[FieldState], about: About) -> _Shape:
    """As an export of the list has it, so that an import recognises it."""
    columns = list(columns_of(part.resource, customs).values())
    zone = zone_of(about.time_zone)

    def cells(row: Any) -> list[Any]:
        return [plain(column, row, zone, about.currency) for column in columns]

    return _Shape(part, [column.header for column in columns], cells)


def _table_shape(part: TablePart) -> _Shape:
    names = part.columns
    return _Shape(part, names, lambda row: [plain_cell(row[name]) for name in names])


class _Writer:
    """The files of the archive, one after the other; what is written goes at once."""

    def __init__(self, now: datetime, counted: Counted) -> None:
        self._archive = Archive(now)
        self._counted = counted
        self._entries: list[tuple[Entry, int]] = []

    async def pieces(
        self, pool: Pool, shapes: Sequence[_Shape], about: About, maker: UUID, now: datetime
    ) -> AsyncIterator[bytes]:
        """The whole archive."""
        self._archive.add("README.txt", _readme(about, now))
        for shape in shapes:
            async for piece in self._kind(pool, shape, about.workspace_id, maker):
                yield piece
        self._archive.add(f"{FOLDER}/manifest.json", self._manifest(about, now))
        self._archive.close()
        for piece in self._archive.pieces():
            yield piece

    async def _kind(
        self, pool: Pool, shape: _Shape, workspace_id: UUID, maker: UUID
    ) -> AsyncIterator[bytes]:
        """Rows are read once: the CSV waits on the disk until the lines of JSON are there."""
        rows, path = 0, f"{FOLDER}/{shape.part.name}"
        table = CsvWriter(shape.headers)
        with tempfile.TemporaryFile() as waiting:
            self._archive.begin(f"{path}.jsonl")
            async for batch in shape.part.batches(pool, workspace_id, maker):
                # In a thread: this is computing, and the heartbeat must not wait for it.
                for piece in await asyncio.to_thread(self._add, shape, batch, table, waiting):
                    yield piece
                rows += len(batch)
                await self._counted.more(len(batch))
            self._entries.append((self._archive.end(), rows))
            waiting.writelines(table.end())
            waiting.seek(0)
            self._archive.begin(f"{path}.csv")
            while content := waiting.read(PIECE):
                for piece in await asyncio.to_thread(self._copied, content):
                    yield piece
            self._entries.append((self._archive.end(), rows))

    def _add(
        self, shape: _Shape, batch: Sequence[Any], table: CsvWriter, waiting: IO[bytes]
    ) -> list[bytes]:
        for row in batch:
            self._archive.write(json_line(row))
            table.add(shape.cells(row))
        waiting.writelines(table.pieces())
        return list(self._archive.pieces())

    def _copied(self, content: bytes) -> list[bytes]:
        self._archive.write(content)
        return list(self._archive.pieces())

    def _manifest(self, about: About, now: datetime) -> bytes:
        """What is in the folder, to be checked."""
        said = {
            "version": 1,
            "made_at": now,
            "workspace": {
                "id": str(about.workspace_id),
                "name": about.name,
                "currency": about.currency,
                "time_zone": about.time_zone,
            },
            "files": [
                {"name": entry.name, "rows": rows, "bytes": entry.size, "sha256": entry.sha256}
                for entry, rows in self._entries
            ],
        }
        return orjson.dumps(said, option=orjson.OPT_UTC_Z | orjson.OPT_INDENT_2)


def _readme(about: About, now: datetime) -> bytes:
    text = resources("crm").joinpath("documents", "takeout.txt").read_text(encoding="utf-8")
    said = {"name": about.name, "zone": about.time_zone, "made": f"{now:%Y-%m-%d %H:%M}"}
    return text.format(**said).encode()
