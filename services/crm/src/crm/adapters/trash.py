"""The trash: listed and taken from by those who saw its records, emptied by the system."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Integer,
    Table,
    Text,
    Uuid,
    bindparam,
    literal_column,
    or_,
    select,
    text,
    tuple_,
    union_all,
    update,
)

from crm.adapters.activity_queries import SEEN as ACTIVITY_SEEN
from crm.adapters.reading import WORKSPACE, Read, in_sight, is_row
from crm.adapters.tables import activities, clients, deals, owners
from crm.domain.errors import RecordNotInTrash
from crm.domain.trash import RecordKind, Trashed
from kit.database import Statement, Transaction
from kit.pool import Pool

RECORD = bindparam("record", type_=Uuid())
_PARTS: list[tuple[RecordKind, Table, Any, Any]] = [
    (RecordKind.DEAL, deals, deals.c.name, in_sight(deals)),
    (RecordKind.CLIENT, clients, clients.c.name, in_sight(clients)),
    (RecordKind.ACTIVITY, activities, activities.c.subject, ACTIVITY_SEEN),
]

# ---------------------------------------------------------------- what lies in it

_all = union_all(
    *(
        select(
            table.c.id,
            literal_column(f"'{kind}'", Text).label("kind"),
            name.label("name"),
            table.c.version,
            table.c.owner_id,
            table.c.deleted_at,
        ).where(
            table.c.workspace_id == WORKSPACE,
            table.c.deleted_at.is_not(None),
            seen,
            or_(bindparam("kind", type_=Text()) == "", bindparam("kind", type_=Text()) == kind),
            or_(
                bindparam("before", type_=deals.c.deleted_at.type).is_(None),
                tuple_(table.c.deleted_at, table.c.id)
                < tuple_(
                    bindparam("before", type_=deals.c.deleted_at.type),
                    bindparam("before_id", type_=Uuid()),
                ),
            ),
        )
        for kind, table, name, seen in _PARTS
    )
).subquery("trashed")
_page = (
    select(_all)
    .order_by(_all.c.deleted_at.desc(), _all.c.id.desc())
    .limit(bindparam("size", type_=Integer()))
    .subquery("page")
)
_owner = owners.alias("owner")
LIST = Read(
    select(_page, _owner.c.name.label("owner_name"))
    .select_from(_page.outerjoin(_owner, is_row(_owner, _page.c.owner_id)))
    .order_by(_page.c.deleted_at.desc(), _page.c.id.desc())
)
FIND = Read(
    union_all(
        *(
            select(
                literal_column(f"'{kind}'", Text).label("kind"), table.c.id, table.c.version
            ).where(
                table.c.workspace_id == WORKSPACE,
                table.c.id == RECORD,
                table.c.deleted_at.is_not(None),
                seen,
            )
            for kind, table, _, seen in _PARTS
        )
    )
    .subquery("found")
    .select()
)

# ---------------------------------------------------------------- taking something out

_taken = [
    update(table)
    .where(
        table.c.workspace_id == WORKSPACE,
        table.c.id == RECORD,
        table.c.deleted_at.is_not(None),
        seen,
    )
    # What follows in a series may have come anew meanwhile: what is back stands for itself.
    .values(deleted_at=None, **({"follows": None} if table is activities else {}))
    .returning(literal_column(f"'{kind}'", Text).label("kind"))
    .cte(f"taken_{kind}")
    for kind, table, _, seen in _PARTS
]
TAKE_OUT = Statement(union_all(*(select(taken.c.kind) for taken in _taken)))


async def take_out(tx: Transaction, record_id: UUID) -> RecordKind:
    """Lock a record and have it among the others again; what it is. Raises RecordNotInTrash."""
    kind = await tx.value(TAKE_OUT, workspace=tx.workspace_id, record=record_id)
    if kind is None:
        raise RecordNotInTrash("Nothing with this id is in the trash.")
    return RecordKind(kind)


# ---------------------------------------------------------------- emptying it, as the system role

DUE = """
SELECT workspace_id, kind, id, version FROM (
    SELECT workspace_id, 'deal' AS kind, id, version, deleted_at FROM deals
    UNION ALL SELECT workspace_id, 'client', id, version, deleted_at FROM clients
    UNION ALL SELECT workspace_id, 'activity', id, version, deleted_at FROM activities
) trashed WHERE deleted_at < $1 LIMIT $2"""


def _of(sql: str) -> Statement:
    return Statement(
        text(sql).bindparams(
            bindparam("workspace", type_=Uuid()), bindparam("record", type_=Uuid())
        )
    )


_LAST = "workspace_id = :workspace AND {} = :record"
# An activity that concerned nothing else goes along; what concerns others as well stays theirs.
ORPHANS = {
    RecordKind.DEAL: _of(
        "SELECT id, version FROM activities "
        "WHERE workspace_id = :workspace AND deal_id = :record AND client_id IS NULL"
    ),
    RecordKind.CLIENT: _of(
        "SELECT id, version FROM activities "
        "WHERE workspace_id = :workspace AND client_id = :record AND deal_id IS NULL"
    ),
}
ERASE: dict[RecordKind, list[Statement]] = {
    RecordKind.DEAL: [
        _of(f"UPDATE activities SET deal_id = NULL WHERE {_LAST.format('deal_id')}"),
        _of(f"DELETE FROM deal_contacts WHERE {_LAST.format('deal_id')}"),
        _of(f"DELETE FROM deal_history WHERE {_LAST.format('deal_id')}"),
        _of(f"DELETE FROM deals WHERE {_LAST.format('id')} AND deleted_at IS NOT NULL"),
    ],
    RecordKind.CLIENT: [
        _of(f"UPDATE activities SET client_id = NULL WHERE {_LAST.format('client_id')}"),
        _of(f"DELETE FROM deal_contacts WHERE {_LAST.format('client_id')}"),
        _of(f"UPDATE deals SET client_id = NULL WHERE {_LAST.format('client_id')}"),
        _of(f"UPDATE clients SET parent_id = NULL WHERE {_LAST.format('parent_id')}"),
        _of(f"DELETE FROM record_history WHERE {_LAST.format('record_id')}"),
        _of(f"DELETE FROM clients WHERE {_LAST.format('id')} AND deleted_at IS NOT NULL"),
    ],
    RecordKind.ACTIVITY: [
        _of(f"DELETE FROM record_history WHERE {_LAST.format('record_id')}"),
        _of(f"DELETE FROM activities WHERE {_LAST.format('id')}"),
    ],
}
LOCK = {
    kind: _of(
        f"SELECT version FROM {table.name} WHERE {_LAST.format('id')} "
        "AND deleted_at IS NOT NULL FOR UPDATE"
    )
    for kind, table, _, _ in _PARTS
}
# Their events told their names; those the bus has had are forgotten with them.
FORGET = """
DELETE FROM outbox WHERE aggregate_id = ANY($1::uuid[]) AND sent_at IS NOT NULL
    AND type NOT LIKE '%.purged'"""


async def due(system: Pool, before: datetime, limit: int) -> list[tuple[UUID, Trashed]]:
    """What has been in the trash since before then, with its workspace."""
    rows = await system.fetch(DUE, before, limit)
    return [
        (row["workspace_id"], Trashed(RecordKind(row["kind"]), row["id"], row["version"]))
        for row in rows
    ]


async def erase(tx: Transaction, record: Trashed) -> list[Trashed]:
    """Delete a record in the trash and what belongs to it alone; what went, the record first.

    One that is not in the trash any more stays, and so does what belongs to it.
    """
    this = {"workspace": tx.workspace_id, "record": record.id}
    version = await tx.value(LOCK[record.kind], **this)
    if version is None:
        return []
    gone = [Trashed(record.kind, record.id, version)]
    if orphans := ORPHANS.get(record.kind):
        for row in await tx.rows(orphans, **this):
            orphan = Trashed(RecordKind.ACTIVITY, row["id"], row["version"])
            await _erase(tx, orphan)
            gone.append(orphan)
    await _erase(tx, gone[0])
    return gone


async def _erase(tx: Transaction, record: Trashed) -> None:
    for statement in ERASE[record.kind]:
        await tx.run(statement, workspace=tx.workspace_id, record=record.id)


async def forget(system: Pool, ids: list[UUID]) -> None:
    """Drop what was told of records that are gone."""
    await system.execute(FORGET, ids)
