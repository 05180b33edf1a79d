"""Merges: what was moved, so that it can be moved back."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    DateTime,
    FromClause,
    Select,
    Uuid,
    bindparam,
    exists,
    insert,
    select,
    update,
)

from crm.adapters import out_of_sight
from crm.adapters.filters import Fields, Kind, sortable
from crm.adapters.listing import Listing
from crm.adapters.reading import WORKSPACE, Read, in_sight
from crm.adapters.tables import activities, clients, deals, merges
from crm.domain.errors import MergeNotFound, MergeOutOfSight
from kit.database import Statement, Transaction

MOVED = ("deals", "contacts", "activities", "people")
MERGE, CLIENT = bindparam("merge", type_=Uuid()), bindparam("client", type_=Uuid())
_this = merges.c.workspace_id == WORKSPACE, merges.c.id == MERGE
_SHOWN = (
    "id",
    "client_id",
    "client_name",
    "other_id",
    "other_name",
    "deals",
    "activities",
    "people",
    "created_at",
    "undone_at",
)


# Whoever sees the client that stayed hears of the one that went.
SEEN = exists().where(
    clients.c.workspace_id == WORKSPACE, clients.c.id == merges.c.client_id, in_sight(clients)
)


def _shown(page: FromClause) -> Select[Any]:
    """For entrypoints.rpc.duplicates."""
    return select(*(page.c[name] for name in _SHOWN))


GET = Read(_shown(select(merges).where(*_this).subquery("merge")))
MERGES = Listing(
    merges,
    Fields({"created_at": sortable(Kind.INSTANT, merges.c.created_at)}),
    usual=(("created_at", True),),
    shown=_shown,
    where=[SEEN],
)
_given = (
    "id",
    "workspace_id",
    "client_id",
    "client_name",
    "other_id",
    "other_name",
    "before",
    "after",
    "moved",
    "deals",
    "activities",
    "people",
    "created_by",
    "created_at",
)
ADD = Statement(
    insert(merges)
    .values({name: bindparam(name, type_=merges.c[name].type) for name in _given})
    .inline()
)
LOAD = Statement(
    select(
        merges.c.client_id,
        merges.c.other_id,
        merges.c.other_name,
        merges.c.before,
        merges.c.after,
        merges.c.moved,
        merges.c.undone_at,
    )
    .where(*_this)
    .with_for_update()
)
UNDONE = Statement(
    update(merges).where(*_this).values(undone_at=bindparam("now", type_=DateTime(timezone=True)))
)
OF_CLIENT = {
    name: Statement(
        select(table.c.id).where(
            table.c.workspace_id == WORKSPACE, column == CLIENT, table.c.deleted_at.is_(None)
        )
    )
    for name, table, column in (
        ("deals", deals, deals.c.client_id),
        ("activities", activities, activities.c.client_id),
        ("people", clients, clients.c.parent_id),
    )
}


class Kept(NamedTuple):
    """A merge as its row says, locked."""

    client_id: UUID
    other_id: UUID
    other_name: str
    before: dict[str, Any]
    after: dict[str, Any]
    moved: dict[str, Any]
    undone_at: datetime | None


async def of_client(tx: Transaction, what: str, client_id: UUID) -> list[UUID]:
    """Ids of the deals, activities or people of a client."""
    rows = await tx.rows(OF_CLIENT[what], workspace=tx.workspace_id, client=client_id)
    return [row["id"] for row in rows]


async def expect_all_seen(tx: Transaction, client_id: UUID) -> None:
    """Raises MergeOutOfSight if something of the client's is out of the caller's sight."""
    if await out_of_sight.hang_on_client(tx, client_id):
        raise MergeOutOfSight(
            "Records of your colleagues belong to the client that would go. "
            "Somebody who sees them can merge the two."
        )


async def expect_all_seen_back(tx: Transaction, merge: Kept) -> None:
    """Raises MergeNotFound, or MergeOutOfSight if not all of it would come back."""
    if not await out_of_sight.sees_client(tx, merge.client_id):
        raise MergeNotFound("There is no such merge.")
    moved = (UUID(id) for name in MOVED for id in merge.moved[name])
    if await out_of_sight.came_with_merge(
        tx, kept_id=merge.client_id, gone_id=merge.other_id, moved=moved
    ):
        raise MergeOutOfSight(
            "Some of what went over is your colleagues' now. Somebody who sees it can undo this."
        )


async def add(tx: Transaction, merge_id: UUID, **given: Any) -> None:
    """Keep a merge; `given` are its columns."""
    await tx.run(ADD, id=merge_id, workspace_id=tx.workspace_id, **given)


async def load_for_update(tx: Transaction, merge_id: UUID) -> Kept:
    """Raises MergeNotFound."""
    row = await tx.row(LOAD, workspace=tx.workspace_id, merge=merge_id)
    if row is None:
        raise MergeNotFound("There is no such merge.")
    return Kept(*row)


async def undone(tx: Transaction, merge_id: UUID, *, now: datetime) -> None:
    """They are two again."""
    await tx.run(UNDONE, workspace=tx.workspace_id, merge=merge_id, now=now)
