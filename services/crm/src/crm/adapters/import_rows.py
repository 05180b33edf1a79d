"""What the rows of an import brought, changed, or were recognised as."""

from collections.abc import Iterable, Sequence
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
    text,
    tuple_,
)

from crm.adapters.many import ROWS, as_json
from crm.adapters.reading import WORKSPACE, Read
from crm.adapters.tables import import_rows
from crm.domain.import_fields import Resource
from crm.domain.imports import Match
from kit.database import Statement, Transaction

IMPORT = bindparam("import", type_=Uuid())
_these = import_rows.c.workspace_id == WORKSPACE, import_rows.c.import_id == IMPORT

# Of those whose record was there already; see ListImportRows.
MATCHED = Read(
    select(
        import_rows.c.row,
        import_rows.c.kind,
        import_rows.c.action,
        import_rows.c.matched_by,
        import_rows.c.record_id,
        import_rows.c.name,
    )
    .where(
        *_these,
        import_rows.c.matched_by != literal_column("''"),
        tuple_(import_rows.c.row, import_rows.c.kind)
        > tuple_(bindparam("row", type_=Integer()), bindparam("kind", type_=Text())),
    )
    .order_by(import_rows.c.row, import_rows.c.kind)
    .limit(bindparam("size", type_=Integer()))
)
ADD = Statement(
    text(
        "INSERT INTO import_rows (workspace_id, import_id, row, kind, action, record_id, version,"
        " matched_by, name, before) "
        "SELECT :workspace, :import, row, kind, action, record_id, version, matched_by, name,"
        " before"
        " FROM json_populate_recordset(NULL\\:\\:import_rows, :rows) "
        "ON CONFLICT DO NOTHING"
    ).bindparams(bindparam("workspace", type_=Uuid()), IMPORT, ROWS)
)
CLEAR = Statement(delete(import_rows).where(*_these))
OWN = Statement(
    select(import_rows.c.record_id).where(
        *_these,
        import_rows.c.action == bindparam("created", type_=Text()),
        import_rows.c.record_id == func.any(bindparam("records", type_=ARRAY(Uuid()))),
    )
)
# Backwards, so that people go before the companies they stand under, and deals before clients.
TO_REVERT = Statement(
    select(
        import_rows.c.row,
        import_rows.c.kind,
        import_rows.c.action,
        import_rows.c.record_id,
        import_rows.c.version,
        import_rows.c.before,
    )
    .where(
        *_these,
        import_rows.c.action.in_([literal_column("'created'"), literal_column("'updated'")]),
    )
    .order_by(import_rows.c.row.desc(), import_rows.c.kind.desc())
    .limit(bindparam("size", type_=Integer()))
)
MARK = Statement(
    text(
        "UPDATE import_rows SET action = 'reverted' FROM unnest(:numbers, :kinds) AS g (row, kind) "
        "WHERE workspace_id = :workspace AND import_id = :import "
        "AND import_rows.row = g.row AND import_rows.kind = g.kind"
    ).bindparams(
        bindparam("workspace", type_=Uuid()),
        IMPORT,
        bindparam("numbers", type_=ARRAY(Integer())),
        bindparam("kinds", type_=ARRAY(Text())),
    )
)


class Done(NamedTuple):
    """A row that a revert takes back."""

    row: int
    kind: Resource
    action: str
    record_id: UUID
    version: int
    before: dict[str, Any] | None


async def add(tx: Transaction, import_id: UUID, matches: Sequence[Match]) -> None:
    """Remember what rows were about."""
    if not matches:
        return
    rows = [{**match._asdict(), "name": match.name[:200]} for match in matches]
    await tx.run(ADD, **{"workspace": tx.workspace_id, "import": import_id, "rows": as_json(rows)})


async def clear(tx: Transaction, import_id: UUID) -> None:
    """Forget what a dry run said."""
    await tx.run(CLEAR, **{"workspace": tx.workspace_id, "import": import_id})


async def created_by(tx: Transaction, import_id: UUID, records: Iterable[UUID]) -> set[UUID]:
    """Which of these records the import itself has brought."""
    which = {"workspace": tx.workspace_id, "import": import_id, "created": "created"}
    found = await tx.rows(OWN, **which, records=list(records))
    return {row["record_id"] for row in found}


async def to_revert(tx: Transaction, import_id: UUID, *, size: int) -> list[Done]:
    """The last rows that are not taken back yet."""
    which = {"workspace": tx.workspace_id, "import": import_id}
    return [
        Done(row["row"], Resource(row["kind"]), *row[2:])
        for row in await tx.rows(TO_REVERT, **which, size=size)
    ]


async def mark_reverted(tx: Transaction, import_id: UUID, rows: Sequence[Done]) -> None:
    """These were taken back, or left alone."""
    await tx.run(
        MARK,
        **{"workspace": tx.workspace_id, "import": import_id},
        numbers=[row.row for row in rows],
        kinds=[row.kind.value for row in rows],
    )
