"""What waits for the morning, and whose digest of a day is made."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Date,
    DateTime,
    Integer,
    Text,
    Uuid,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from kit.closures import is_open
from kit.database import Statement, SystemTransaction, Transaction
from kit.ids import new_id
from kit.pool import Pool
from notify.adapters.tables import digest_items, digests
from notify.domain.digest import Item
from notify.domain.messages import Kind

KEEP = timedelta(days=30)

_t = digest_items.c
_WORKSPACE = bindparam("workspace", type_=Uuid())
_USER = bindparam("user", type_=Uuid())
_NOW = bindparam("now", type_=DateTime(timezone=True))
_DAY = bindparam("day", type_=Date())
_is_due = (_t.workspace_id == _WORKSPACE, _t.due_at <= _NOW)
_readers = select(_t.workspace_id, _t.user_id, _DAY).where(*_is_due).distinct().order_by(_t.user_id)

COLLECT = Statement(insert(digest_items).values({c.name: bindparam(c.name) for c in _t}))
WAITING = Statement(
    select(_t.workspace_id)
    .where(
        _t.due_at <= _NOW,
        is_open(_t.workspace_id),
    )
    .group_by(_t.workspace_id)
    .order_by(func.min(_t.due_at))
    .limit(bindparam("limit", type_=Integer()))
)
# Of two processes one inserts, and the other waits for its commit and inserts nothing.
CLAIM = Statement(
    insert(digests)
    .from_select(["workspace_id", "user_id", "day"], _readers)
    .on_conflict_do_nothing()
    .returning(digests.c.user_id)
)
TAKE = Statement(
    delete(digest_items)
    .where(*_is_due, _t.user_id == func.any(bindparam("users", type_=ARRAY(Uuid()))))
    .returning(_t.id, _t.user_id, _t.kind, _t.title, _t.body, _t.page)
)
_UNTIL = bindparam("until", type_=DateTime(timezone=True))
POSTPONE = Statement(update(digest_items).where(*_is_due).values(due_at=_UNTIL))
MOVE = Statement(
    update(digest_items)
    .where(_t.workspace_id == _WORKSPACE, _t.due_at > _NOW)
    .values(due_at=_UNTIL)
)
DROP = Statement(delete(digest_items).where(_t.workspace_id == _WORKSPACE, _t.user_id == _USER))
DROP_KINDS = Statement(
    delete(digest_items).where(
        _t.workspace_id == _WORKSPACE,
        _t.user_id == _USER,
        _t.kind == func.any(bindparam("kinds", type_=ARRAY(Text()))),
    )
)
FORGET = Statement(delete(digests).where(digests.c.day < _DAY))


async def collect(
    tx: Transaction, collected: Sequence[tuple[UUID, Item]], due_at: datetime
) -> None:
    """Keep for the readers' next digests."""
    await tx.run_many(
        COLLECT,
        [
            {
                "workspace_id": tx.workspace_id,
                "user_id": user_id,
                "id": new_id(),
                "due_at": due_at,
                **item._asdict(),
            }
            for user_id, item in collected
        ],
    )


async def workspaces_waiting(system: Pool, now: datetime, limit: int) -> list[UUID]:
    """Where something is due, the longest first."""
    async with SystemTransaction(system) as tx:
        return [row["workspace_id"] for row in await tx.rows(WAITING, now=now, limit=limit)]


async def claim(tx: Transaction, *, day: date, now: datetime) -> list[UUID]:
    """Readers for whom something is due and who have had no digest of this day: it is ours."""
    rows = await tx.rows(CLAIM, workspace=tx.workspace_id, day=day, now=now)
    return [row["user_id"] for row in rows]


async def take(tx: Transaction, users: Sequence[UUID], now: datetime) -> dict[UUID, list[Item]]:
    """What is due for these readers, in the order of its coming; it waits no more."""
    rows = await tx.rows(TAKE, workspace=tx.workspace_id, users=users, now=now)
    taken: dict[UUID, list[Item]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["id"]):
        item = Item(row["kind"], row["title"], row["body"], row["page"])
        taken[row["user_id"]].append(item)
    return taken


async def postpone(tx: Transaction, *, now: datetime, until: datetime) -> None:
    """What is still due has come too late for a digest that is made."""
    await tx.run(POSTPONE, workspace=tx.workspace_id, now=now, until=until)


async def move(tx: Transaction, *, now: datetime, until: datetime) -> None:
    """The morning is at another time; what is overdue stays so."""
    await tx.run(MOVE, workspace=tx.workspace_id, now=now, until=until)


async def drop(tx: Transaction, user_id: UUID) -> None:
    """Nobody is there to read it."""
    await tx.run(DROP, workspace=tx.workspace_id, user=user_id)


async def drop_kinds(tx: Transaction, user_id: UUID, kinds: Collection[Kind]) -> None:
    """Somebody wants no mail of these."""
    await tx.run(
        DROP_KINDS, workspace=tx.workspace_id, user=user_id, kinds=[str(kind) for kind in kinds]
    )


async def forget(system: Pool, now: datetime) -> None:
    """That digests were made, long ago."""
    day = (now - KEEP).date()
    await system.execute(FORGET.sql, *FORGET.arguments({"day": day}))
