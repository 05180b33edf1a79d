"""Exports: how they stand, and the rows that go into them."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import (
    DateTime,
    FromClause,
    Integer,
    Select,
    Uuid,
    bindparam,
    insert,
    select,
    update,
)

from crm.adapters.activity_queries import ACTIVITIES
from crm.adapters.client_queries import CLIENTS
from crm.adapters.deal_columns import deal_columns, with_names
from crm.adapters.deal_queries import DEALS
from crm.adapters.filters import Fields, Kind, sortable
from crm.adapters.listing import Listing
from crm.adapters.reading import WORKSPACE, Read
from crm.adapters.tables import exports
from crm.domain.errors import ExportNotFound
from crm.domain.exports import Format
from crm.domain.import_fields import Resource
from freelanceflow.type.v1 import filter_pb2
from kit.database import Statement, Transaction
from kit.jobs.table import jobs
from kit.pool import Pool

BATCH = 2_000  # rows: some megabytes, and fifty round trips for a hundred thousand


def _deals_shown(page: FromClause) -> Select[Any]:
    columns = deal_columns(page, instant=lambda column: column)  # of every kind as they are kept
    return select(*columns).select_from(with_names(page))


LISTS = {
    Resource.CLIENTS: CLIENTS,
    Resource.DEALS: DEALS.showing(_deals_shown),
    Resource.ACTIVITIES: ACTIVITIES,
}
EXPORT, OWNER = bindparam("export", type_=Uuid()), bindparam("maker", type_=Uuid())
_job = jobs.alias("job")
_this = exports.c.workspace_id == WORKSPACE, exports.c.id == EXPORT


def _shown(page: FromClause) -> Select[Any]:
    """For entrypoints.rpc.export_mapping.export_message."""
    return select(
        *(
            page.c[name]
            for name in (
                "id",
                "resource",
                "format",
                "request",
                "columns",
                "raw",
                "file_name",
                "rows",
                "total_rows",
                "size",
                "job_id",
                "file_id",
                "sight",
                "created_at",
                "finished_at",
                "expires_at",
            )
        ),
        _job.c.status.label("job_status"),
        _job.c.error.label("job_error"),
        _job.c.progress.label("job_progress"),
    ).select_from(
        page.outerjoin(
            _job, (_job.c.workspace_id == page.c.workspace_id) & (_job.c.id == page.c.job_id)
        )
    )


# Only the maker's own, everywhere: a file holds what its maker saw.
GET = Read(_shown(select(exports).where(*_this, exports.c.created_by == OWNER).subquery("export")))
EXPORTS = Listing(
    exports,
    Fields({"created_at": sortable(Kind.INSTANT, exports.c.created_at)}),
    usual=(("created_at", True),),
    shown=_shown,
    where=[exports.c.created_by == OWNER],
)
_given = (
    "id",
    "workspace_id",
    "resource",
    "format",
    "request",
    "columns",
    "raw",
    "file_name",
    "total_rows",
    "job_id",
    "sight",
    "created_by",
    "created_at",
)
ADD = Statement(
    insert(exports)
    .values({name: bindparam(name, type_=exports.c[name].type) for name in _given})
    .inline()
)
LOAD = Statement(
    select(
        exports.c.resource,
        exports.c.format,
        exports.c.request,
        exports.c.columns,
        exports.c.raw,
        exports.c.file_name,
        exports.c.total_rows,
        exports.c.file_id,
        exports.c.created_by,
    ).where(*_this)
)
FINISH = Statement(
    update(exports)
    .where(*_this)
    .values(
        file_id=bindparam("file", type_=Uuid()),
        rows=bindparam("count", type_=Integer()),
        size=bindparam("bytes", type_=exports.c.size.type),
        finished_at=bindparam("now", type_=DateTime(timezone=True)),
        expires_at=bindparam("expires", type_=DateTime(timezone=True)),
    )
)


@dataclass(frozen=True, kw_only=True)
class Request:
    """A list as it was asked for; what Listing takes."""

    conditions: Sequence[filter_pb2.Condition]
    sort: Sequence[filter_pb2.SortKey]
    page_size: int = 0
    page_token: str = ""

    def kept(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "conditions": [[c.field, int(c.operator), list(c.values)] for c in self.conditions],
            "sort": [[key.field, key.descending] for key in self.sort],
        }

    @classmethod
    def revived(cls, kept: dict[str, Any]) -> "Request":
        """From what `kept` gave."""
        return cls(
            conditions=[
                filter_pb2.Condition(field=field, operator=operator, values=values)
                for field, operator, values in kept["conditions"]
            ],
            sort=[filter_pb2.SortKey(field=field, descending=down) for field, down in kept["sort"]],
        )


class Export(NamedTuple):
    """An export as its row says."""

    resource: str  # a list's, or domain.exports.WORKSPACE
    format: Format
    request: dict[str, Any]
    columns: Sequence[str]
    raw: bool
    file_name: str
    total_rows: int
    file_id: UUID | None
    created_by: UUID


async def add(tx: Transaction, export_id: UUID, **given: Any) -> None:
    """Keep a new export; `given` are its columns."""
    await tx.run(ADD, id=export_id, workspace_id=tx.workspace_id, **given)


async def load(tx: Transaction, export_id: UUID) -> Export:
    """Raises ExportNotFound."""
    row = await tx.row(LOAD, workspace=tx.workspace_id, export=export_id)
    if row is None:
        raise ExportNotFound("There is no such export.")
    return Export(row["resource"], Format(row["format"]), *row[2:])


async def finish(
    tx: Transaction,
    export_id: UUID,
    *,
    file_id: UUID,
    rows: int,
    size: int,
    now: datetime,
    expires_at: datetime,
) -> None:
    """The file is there."""
    await tx.run(
        FINISH,
        workspace=tx.workspace_id,
        export=export_id,
        file=file_id,
        count=rows,
        bytes=size,
        now=now,
        expires=expires_at,
    )


def batches(pool: Pool, workspace_id: UUID, found: Export) -> AsyncIterator[list[asyncpg.Record]]:
    """All rows of the list, in its order."""
    request = Request.revived(found.request)
    return LISTS[Resource(found.resource)].batches(pool, workspace_id, request, size=BATCH)
