"""Imports: how far they are, and what of their rows could not be taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Integer,
    Text,
    Uuid,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert

from crm.adapters.reading import WORKSPACE
from crm.adapters.tables import import_errors, imports
from crm.domain.errors import ImportNotFound
from crm.domain.import_fields import Resource
from crm.domain.imports import ImportStatus, Layout, Looked, Outcome, RowError, Settings
from kit.database import Statement, Transaction
from kit.jobs.table import jobs
from kit.unit_of_work import ChangedMeanwhile

IMPORT = bindparam("import", type_=Uuid())
_job = jobs.alias("job")
_is_its_job = (_job.c.workspace_id == imports.c.workspace_id) & (_job.c.id == imports.c.job_id)
_this = imports.c.workspace_id == WORKSPACE, imports.c.id == IMPORT

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
    "settings",
    "columns",
    "fields",
    "job_id",
    "created_by",
    "created_at",
)
ADD = Statement(
    insert(imports)
    .values({name: bindparam(name, type_=imports.c[name].type) for name in _given})
    .inline()
)
_known = (
    "version",
    "resource",
    "status",
    "file_id",
    "file_name",
    "total_rows",
    "done_rows",
    "created_rows",
    "updated_rows",
    "skipped_rows",
    "failed_rows",
    "reverted_records",
    "kept_records",
    "settings",
    "columns",
    "fields",
    "created_by",
)
LOAD = Statement(
    select(*(imports.c[name] for name in _known), _job.c.status.label("job_status"))
    .select_from(imports.outerjoin(_job, _is_its_job))
    .where(*_this)
    .with_for_update(of=imports)
)
BRIEF = Statement(select(imports.c.version, imports.c.resource, imports.c.file_name).where(*_this))
_raised = imports.c.version + literal_column("1")
SETTLE = Statement(
    update(imports)
    .where(*_this)
    .values(
        {
            name: bindparam(name, type_=imports.c[name].type)
            for name in ("status", "file_id", "total_rows", "settings", "columns", "fields")
        }
        | {"checked": bindparam("checked", type_=JSONB(none_as_null=True)), "version": _raised}
    )
)
START = Statement(
    update(imports)
    .where(*_this)
    .values(
        status=bindparam("status", type_=Text()),
        job_id=bindparam("job", type_=Uuid()),
        version=_raised,
    )
)
_counts = ("done_rows", "created_rows", "updated_rows", "skipped_rows", "failed_rows")
ADVANCE = Statement(
    update(imports)
    .where(*_this)
    .values(
        {
            name: imports.c[name] + bindparam(f"more_{name}", type_=Integer())
            for name in (*_counts, "reverted_records", "kept_records")
        }
    )
)
FINISH = Statement(
    update(imports)
    .where(*_this)
    .values(
        status=bindparam("status", type_=Text()),
        finished_at=bindparam("now", type_=imports.c.finished_at.type),
        version=_raised,
    )
)
_errors = (
    func.unnest(
        bindparam("rows", type_=ARRAY(Integer())),
        bindparam("columns", type_=ARRAY(Text())),
        bindparam("messages", type_=ARRAY(Text())),
        bindparam("cells", type_=ARRAY(Text())),
    )
    .table_valued("row", "column", "message", "value", name="errors")
    .render_derived()
)
ADD_ERRORS = Statement(
    insert(import_errors)
    .from_select(
        ["workspace_id", "import_id", "row", "column", "message", "value"],
        select(
            WORKSPACE,
            IMPORT,
            _errors.c.row,
            _errors.c.column,
            _errors.c.message,
            _errors.c.value,
        ),
    )
    .on_conflict_do_nothing()
)
CLEAR_ERRORS = Statement(
    delete(import_errors).where(
        import_errors.c.workspace_id == WORKSPACE, import_errors.c.import_id == IMPORT
    )
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
    updated_rows: int
    skipped_rows: int
    failed_rows: int
    reverted_records: int
    kept_records: int
    settings: Settings
    columns: Sequence[dict[str, Any]]
    fields: Sequence[str]
    created_by: UUID
    job_status: str | None

    @property
    def layout(self) -> Layout:
        """Which column goes into which field."""
        headers = [column["header"] for column in self.columns]
        return Layout(headers, self.fields, self.settings.delimiter)

    @property
    def looked(self) -> Looked:
        """How the file is read."""
        return Looked(
            total_rows=self.total_rows,
            settings=self.settings,
            columns=self.columns,
            fields=self.fields,
        )

    @property
    def given_up(self) -> bool:
        """Whether its job has failed for good."""
        return self.job_status == "failed"


class Brief(NamedTuple):
    """What an import is called."""

    version: int
    resource: Resource
    file_name: str


async def add(tx: Transaction, import_id: UUID, *, looked: Looked, **given: Any) -> None:
    """Keep a new import; `given` are the columns that have no value of their own."""
    await tx.run(
        ADD,
        id=import_id,
        workspace_id=tx.workspace_id,
        version=1,
        **_kept(looked),
        **given,
    )


async def load_for_update(tx: Transaction, import_id: UUID) -> Import:
    """Raises ImportNotFound."""
    row = await tx.row(LOAD, **{"workspace": tx.workspace_id, "import": import_id})
    if row is None:
        raise ImportNotFound("There is no such import.")
    values = dict(row)
    values["resource"], values["status"] = Resource(row["resource"]), ImportStatus(row["status"])
    kept = row["settings"]
    values["settings"] = Settings.revived(kept) if kept else Settings()
    return Import(id=import_id, **values)


async def brief(tx: Transaction, import_id: UUID) -> Brief:
    """Raises ImportNotFound."""
    row = await tx.row(BRIEF, **{"workspace": tx.workspace_id, "import": import_id})
    if row is None:
        raise ImportNotFound("There is no such import.")
    return Brief(row["version"], Resource(row["resource"]), row["file_name"])


async def settle(
    tx: Transaction,
    found: Import,
    *,
    status: ImportStatus,
    looked: Looked,
    file_id: UUID | None = None,
    checked: dict[str, int] | None = None,
) -> None:
    """Keep how the file is read from now on; without `checked` no dry run holds."""
    await tx.run(
        SETTLE,
        **{"workspace": tx.workspace_id, "import": found.id},
        status=status.value,
        file_id=file_id or found.file_id,
        checked=checked,
        **_kept(looked),
    )


async def start(tx: Transaction, import_id: UUID, job_id: UUID, status: ImportStatus) -> None:
    """A job is to do it."""
    await tx.run(
        START,
        **{"workspace": tx.workspace_id, "import": import_id, "job": job_id},
        status=status.value,
    )


async def load_to_advance(
    tx: Transaction, import_id: UUID, *, done_rows: int, status: ImportStatus
) -> Import:
    """The import, locked, if it stands where this worker left it. Raises ChangedMeanwhile."""
    found = await load_for_update(tx, import_id)
    if found.done_rows != done_rows or found.status is not status:
        raise ChangedMeanwhile("Somebody else has written these rows.")
    return found


async def advance(tx: Transaction, import_id: UUID, outcome: Outcome) -> None:
    """So many more rows were looked at; one row may have several errors."""
    await add_errors(tx, import_id, outcome.errors)
    failed = len({error.row for error in outcome.errors})
    await tx.run(
        ADVANCE,
        **{"workspace": tx.workspace_id, "import": import_id},
        more_done_rows=outcome.created + outcome.updated + outcome.skipped + failed,
        more_created_rows=outcome.created,
        more_updated_rows=outcome.updated,
        more_skipped_rows=outcome.skipped,
        more_failed_rows=failed,
        more_reverted_records=0,
        more_kept_records=0,
    )


async def advance_revert(tx: Transaction, import_id: UUID, *, reverted: int, kept: int) -> None:
    """So many more records were taken back, or left alone."""
    await tx.run(
        ADVANCE,
        **{"workspace": tx.workspace_id, "import": import_id},
        **{f"more_{name}": 0 for name in _counts},
        more_reverted_records=reverted,
        more_kept_records=kept,
    )


async def add_errors(tx: Transaction, import_id: UUID, errors: Sequence[RowError]) -> None:
    """Say of rows why they could not be taken."""
    if errors:
        rows, columns, messages, cells = zip(*errors, strict=True)
        which = {"workspace": tx.workspace_id, "import": import_id}
        said = {"rows": rows, "columns": columns, "messages": messages, "cells": cells}
        await tx.run(ADD_ERRORS, **which, **said)


async def clear_errors(tx: Transaction, import_id: UUID) -> None:
    """Forget what an earlier look said of rows."""
    await tx.run(CLEAR_ERRORS, **{"workspace": tx.workspace_id, "import": import_id})


async def finish(tx: Transaction, import_id: UUID, *, status: ImportStatus, now: datetime) -> None:
    """All rows were looked at, or all records taken back."""
    await tx.run(
        FINISH,
        **{"workspace": tx.workspace_id, "import": import_id, "now": now, "status": status.value},
    )


def _kept(looked: Looked) -> dict[str, Any]:
    return {
        "total_rows": looked.total_rows,
        "settings": looked.settings.kept(),
        "columns": looked.columns,
        "fields": looked.fields,
    }
