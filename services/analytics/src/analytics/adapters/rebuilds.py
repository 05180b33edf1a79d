"""Which workspaces are being built anew, and what was told of them meanwhile.

Whoever builds one holds a lock of its session as long as it lives: a row without its lock was left
behind by a process that died.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from sqlalchemy import (
    BigInteger,
    DateTime,
    LargeBinary,
    Text,
    Uuid,
    bindparam,
    delete,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, insert

from analytics.adapters.tables import held_events, rebuilds
from kit.bus.events import Event, decode
from kit.database import Statement, Transaction
from kit.pool import Pool

_WORKSPACE = bindparam("workspace", type_=Uuid())
_ours = rebuilds.c.workspace_id == _WORKSPACE
BEGIN = Statement(
    insert(rebuilds)
    .values(workspace_id=_WORKSPACE, begun_at=bindparam("now", type_=DateTime(timezone=True)))
    .on_conflict_do_nothing()
)
# Whoever holds events keeps the row until its commit; whoever ends the rebuilding waits for that.
UNDER_WAY = Statement(select(rebuilds.c.begun_at).where(_ours).with_for_update(read=True))
LOCK = Statement(select(rebuilds.c.begun_at).where(_ours).with_for_update())
HOLD = Statement(
    insert(held_events)
    .values(
        workspace_id=_WORKSPACE,
        event_id=bindparam("event", type_=Uuid()),
        headers=bindparam("headers", type_=JSONB()),
        body=bindparam("body", type_=LargeBinary()),
    )
    .on_conflict_do_nothing()
)
_h = held_events.c
HELD = Statement(
    select(_h.number, _h.headers, _h.body)
    .where(_h.workspace_id == _WORKSPACE, _h.number > bindparam("after", type_=BigInteger()))
    .order_by(_h.number)
    .limit(500)
)
END = [
    Statement(delete(held_events).where(_h.workspace_id == _WORKSPACE)),
    Statement(delete(rebuilds).where(_ours)),
]
_key = func.hashtextextended(bindparam("key", type_=Text()), 0)
NOBODY_ELSE = Statement(select(func.pg_try_advisory_xact_lock(_key)))
TRY = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
LET_GO = "SELECT pg_advisory_unlock(hashtextextended($1, 0))"
ERASED = "SELECT workspace_id FROM erasures"
LEFT = "SELECT workspace_id FROM rebuilds ORDER BY begun_at LIMIT 100"


def _name(workspace_id: UUID) -> str:
    return f"rebuild:{workspace_id}"


async def take(connection: asyncpg.Connection, workspace_id: UUID) -> bool:
    """Be the one who builds it, for as long as the connection lives; False if there is another."""
    return bool(await connection.fetchval(TRY, _name(workspace_id)))


async def let_go(connection: asyncpg.Connection, workspace_id: UUID) -> None:
    """Be it no longer."""
    await connection.fetchval(LET_GO, _name(workspace_id))


async def is_left_alone(tx: Transaction) -> bool:
    """Nobody is building the workspace, nor will before the end of the transaction."""
    return bool(await tx.value(NOBODY_ELSE, key=_name(tx.workspace_id)))


async def begin(tx: Transaction, now: datetime) -> None:
    """From the commit on, what is told of the workspace is held."""
    await tx.run(BEGIN, workspace=tx.workspace_id, now=now)


async def is_under_way(tx: Transaction) -> bool:
    """Whether events are to be held. If so, the rebuilding does not end before the commit."""
    return await tx.value(UNDER_WAY, workspace=tx.workspace_id) is not None


async def close_in(tx: Transaction) -> bool:
    """Wait for whoever holds events; others wait for the commit. False if there is nothing."""
    return await tx.value(LOCK, workspace=tx.workspace_id) is not None


async def hold(tx: Transaction, events: Sequence[Event]) -> None:
    """Keep events until the rebuilding ends."""
    rows = [
        {
            "workspace": tx.workspace_id,
            "event": event.id,
            "headers": dict(event.headers),
            "body": event.body,
        }
        for event in events
    ]
    await tx.run_many(HOLD, rows)


async def held(tx: Transaction, after: int) -> tuple[list[Event], int]:
    """Events that were held behind a number, some at a time, and the last one's number."""
    rows = await tx.rows(HELD, workspace=tx.workspace_id, after=after)
    events = [decode("", row["headers"], row["body"]) for row in rows]
    return events, rows[-1]["number"] if rows else after


async def end(tx: Transaction) -> None:
    """Nothing is held any more."""
    for statement in END:
        await tx.run(statement, workspace=tx.workspace_id)


async def unfinished(system: Pool) -> list[UUID]:
    """Workspaces that are, or were, being built anew."""
    return [row["workspace_id"] for row in await system.fetch(LEFT)]


async def erased(system: Pool) -> set[UUID]:
    """Workspaces of which nothing may come back."""
    return {row["workspace_id"] for row in await system.fetch(ERASED)}
