"""Imports: how far they are, and what of their rows could not be taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    FromClause,
    Integer,
    Select,
    Text,
    Uuid,
    bindparam,
    func,
    literal_column,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from crm.adapters.filters import Fields, Kind, sortable
from crm.adapters.listing import Listing
from crm.adapters.reading import WORKSPACE, Read
from crm.adapters.tables import import_errors, imports
from crm.domain.errors import ImportNotFound
from crm.domain.imports import ImportStatus, Resource, RowError
from kit.database import Statement, Transaction
from kit.jobs.table import jobs
from kit.unit_of_work import ChangedMeanwhile

IMPORT = bindparam("import", type_=Uuid())
_job = jobs.alias("job")
_is_its_job = (_job.c.workspace_id == imports.c.workspace_id) & (_job.c.id == imports.c.job_id)
_this = imports.c.workspace_id == WORKSPACE, imports.c.id == IMPORT

# ---------------------------------------------------------------- reads


def _shown(page: FromClause) -> Select[Any]:
    """For entrypoints.rpc.mapping.import_message; that it failed is its job's to say."""
    return select(
        page.c.id,
        page.c.resource,
        page.c.status,
        page.c.file_name,
        page.c.size,
        page.c.total_rows,
        page.c.done_rows,
        page.c.created_rows,
        page.c.skipped_rows,
        page.c.failed_rows,
        page.c.job_id,
        page.c.created_at,
        page.c.finished_at,
        _job.c.status.label("job_status"),
        _job.c.error.label("job_error"),
    ).select_from(
        page.outerjoin(
            _job, (_job.c.workspace_id == page.c.workspace_id) & (_job.c.id == page.c.job_id)
        )
    )


GET = Read(_shown(select(imports).where(*_this).subquery("import")))
IMPORTS = Listing(
    imports,
    Fields({"created_at": sortable(Kind.INSTANT, imports.c.created_at)}),
    usual=(("created_at", True),),
    shown=_shown,
    where=[],
)
ERRORS = Read(
    select(import_errors.c.row, import_errors.c.column, import_errors.c.message)
    .where(
        import_errors.c.workspace_id == WORKSPACE,
        import_errors.c.import_id == IMPORT,
        tuple_(import_errors.c.row, import_errors.c.column)
        > tuple_(bindparam("row", type_=Integer()), bindparam("column", type_=Text())),
    )
    .order_by(import_errors.c.row, import_errors.c.column)
    .limit(bindparam("size", type_=Integer()))
)

# ---------------------------------------------------------------- writes

_given = (
    "id",
    "workspace_id",
    "version",
    "resource",
    "status",
    "file_id",
    "file_name",
    "size",
    "total_rows",
    "created_by",
    "created_at",
)
ADD = Statement(insert(imports).values({name: bindparam(name) for name in _given}).inline())
_known = ("version", "resource", "status", "file_id", "file_name", "total_rows", "done_rows")
LOAD = Statement(
    select(
        *(imports.c[name] for name in _known),
        imports.c.created_rows,
        imports.c.skipped_rows,
        imports.c.failed_rows,
        imports.c.created_by,
        _job.c.status.label("job_status"),
    )
    .select_from(imports.outerjoin(_job, _is_its_job))
    .where(*_this)
    .with_for_update(of=imports)
)
_raised = imports.c.version + literal_column("1")
START = Statement(
    update(imports)
    .where(*_this)
    .values(
        status=literal_column("'committing'"),
        job_id=bindparam("job", type_=Uuid()),
        version=_raised,
    )
)
ADVANCE = Statement(
    update(imports)
    .where(*_this)
    .values(
        {
            name: imports.c[name] + bindparam(f"more_{name}", type_=Integer())
            for name in ("done_rows", "created_rows", "skipped_rows", "failed_rows")
        }
    )
)
FINISH = Statement(
    update(imports)
    .where(*_this)
    .values(
        status=literal_column("'done'"),
        finished_at=bindparam("now", type_=imports.c.finished_at.type),
        version=_raised,
    )
)
_errors = (
    func.unnest(
        bindparam("rows", type_=ARRAY(Integer())),
        bindparam("columns", type_=ARRAY(Text())),
        bindparam("messages", type_=ARRAY(Text())),
    )
    .table_valued("row", "column", "message", name="errors")
    .render_derived()
)
ADD_ERRORS = Statement(
    insert(import_errors)
    .from_select(
        ["workspace_id", "import_id", "row", "column", "message"],
        select(WORKSPACE, IMPORT, _errors.c.row, _errors.c.column, _errors.c.message),
    )
    .on_conflict_do_nothing()
)


@dataclass(frozen=True, kw_only=True)
class Import:
    """An import as its row says, locked."""

    id: UUID
    version: int
    resource: Resource
    status: ImportStatus
    file_id: UUID
    file_name: str
    total_rows: int
    done_rows: int
    created_rows: int
    skipped_rows: int
    failed_rows: int
    created_by: UUID
    job_status: str | None


async def add(
    tx: Transaction,
    import_id: UUID,
    *,
    resource: Resource,
    file_id: UUID,
    file_name: str,
    size: int,
    total_rows: int,
    by: UUID,
    now: datetime,
) -> None:
    """Keep a new import, ready to be committed."""
    await tx.run(
        ADD,
        id=import_id,
        workspace_id=tx.workspace_id,
        version=1,
        resource=resource.value,
        status=ImportStatus.READY.value,
        file_id=file_id,
        file_name=file_name,
        size=size,
        total_rows=total_rows,
        created_by=by,
        created_at=now,
    )


async def load_for_update(tx: Transaction, import_id: UUID) -> Import:
    """Raises ImportNotFound."""
    row = await tx.row(LOAD, **{"workspace": tx.workspace_id, "import": import_id})
    if row is None:
        raise ImportNotFound("There is no such import.")
    values = dict(row)
    values["resource"], values["status"] = Resource(row["resource"]), ImportStatus(row["status"])
    return Import(id=import_id, **values)


async def start(tx: Transaction, import_id: UUID, job_id: UUID) -> None:
    """The job is to write the rows."""
    await tx.run(START, **{"workspace": tx.workspace_id, "import": import_id, "job": job_id})


async def load_to_advance(tx: Transaction, import_id: UUID, *, done_rows: int) -> Import:
    """The import, locked, if it stands where this worker left it. Raises ChangedMeanwhile."""
    found = await load_for_update(tx, import_id)
    if found.done_rows != done_rows or found.status is not ImportStatus.COMMITTING:
        raise ChangedMeanwhile("Somebody else has written these rows.")
    return found


async def advance(
    tx: Transaction, import_id: UUID, *, created: int, skipped: int, errors: Sequence[RowError]
) -> None:
    """So many more rows were looked at; one row may have several errors."""
    which = {"workspace": tx.workspace_id, "import": import_id}
    if errors:
        rows, columns, messages = zip(*errors, strict=True)
        await tx.run(ADD_ERRORS, **which, rows=rows, columns=columns, messages=messages)
    failed = len({error.row for error in errors})
    await tx.run(
        ADVANCE,
        **which,
        more_done_rows=created + skipped + failed,
        more_created_rows=created,
        more_skipped_rows=skipped,
        more_failed_rows=failed,
    )


async def finish(tx: Transaction, import_id: UUID, *, now: datetime) -> None:
    """All rows were looked at."""
    await tx.run(FINISH, **{"workspace": tx.workspace_id, "import": import_id, "now": now})
