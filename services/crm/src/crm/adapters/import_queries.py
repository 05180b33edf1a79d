"""How imports are read: straight from rows to whoever shows them."""

from typing import Any

from sqlalchemy import (
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
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from crm.adapters.filters import Fields, Kind, sortable
from crm.adapters.listing import Listing
from crm.adapters.reading import WORKSPACE, Read
from crm.adapters.tables import import_errors, imports
from kit.jobs.table import jobs

IMPORT = bindparam("import", type_=Uuid())
_job = jobs.alias("job")
_this = imports.c.workspace_id == WORKSPACE, imports.c.id == IMPORT


def _shown(page: FromClause) -> Select[Any]:
    """For entrypoints.rpc.import_mapping.import_message; that it failed is its job's to say."""
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
        page.c.updated_rows,
        page.c.reverted_records,
        page.c.kept_records,
        page.c.checked,
        page.c.settings,
        page.c.columns,
        page.c.fields,
        page.c.job_id,
        page.c.created_at,
        page.c.finished_at,
        _job.c.status.label("job_status"),
        _job.c.error.label("job_error"),
        _job.c.progress.label("job_progress"),
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
    select(
        import_errors.c.row,
        import_errors.c.column,
        import_errors.c.message,
        import_errors.c.value,
    )
    .where(
        import_errors.c.workspace_id == WORKSPACE,
        import_errors.c.import_id == IMPORT,
        tuple_(import_errors.c.row, import_errors.c.column)
        > tuple_(bindparam("row", type_=Integer()), bindparam("column", type_=Text())),
    )
    .order_by(import_errors.c.row, import_errors.c.column)
    .limit(bindparam("size", type_=Integer()))
)

# Of the rows that had an error, for the file with them.
FAILED_ROWS = Read(
    select(
        import_errors.c.row,
        func.string_agg(
            func.concat(import_errors.c.column, literal_column("': '"), import_errors.c.message),
            aggregate_order_by(literal_column("' '"), import_errors.c.column),
        ).label("why"),
    )
    .where(
        import_errors.c.workspace_id == WORKSPACE,
        import_errors.c.import_id == IMPORT,
        import_errors.c.row > bindparam("row", type_=Integer()),
    )
    .group_by(import_errors.c.row)
    .order_by(import_errors.c.row)
    .limit(bindparam("size", type_=Integer()))
)
