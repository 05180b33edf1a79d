"""What is left of a workspace that was erased is deleted, and nothing late brings it back.

Its row in `erasures` stays for ever: consumers claim no event of such a workspace. Which tables
hold rows of workspaces is asked of the database, so that a new one is not forgotten. Everything is
gone through at once, and again when no token, job or event of before can be under way any more.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from graphlib import TopologicalSorter
from uuid import UUID

import asyncpg
from sqlalchemy import Column, DateTime, Index, Table, Uuid, bindparam, func
from sqlalchemy.dialects.postgresql import insert

from kit.bus.events import Event
from kit.database import Statement, SystemTransaction
from kit.outbox import metadata
from kit.pool import ROUND_FAILURES, Pool
from kit.telemetry import Log
from kit.unit_of_work import UnitOfWork

AGAIN_AFTER = timedelta(hours=1)  # an access token lives ten minutes, the lease of a job less
LOOK_EVERY = 20.0  # seconds
BATCH = 1000  # rows in one statement

log = Log(__name__)

erasures = Table(
    "erasures",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("asked_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("finished_at", DateTime(timezone=True)),
)
Index("ix_erasures_open", erasures.c.asked_at, postgresql_where=erasures.c.finished_at.is_(None))

ASK = Statement(
    insert(erasures).values(workspace_id=bindparam("workspace")).on_conflict_do_nothing()
)

OPEN = "SELECT workspace_id FROM erasures WHERE finished_at IS NULL ORDER BY asked_at"
# Held for one batch: replicas take turns, and whoever finds nothing left may say so.
HOLD = "SELECT FROM erasures WHERE workspace_id = $1 FOR UPDATE"
FINISH = """
UPDATE erasures SET finished_at = now() WHERE workspace_id = $1
    AND asked_at < now() - $2::interval
    AND NOT EXISTS (SELECT FROM outbox WHERE workspace_id = $1)"""
KEPT = "SELECT to_regclass('erasures') IS NOT NULL"
KNOWN = "SELECT workspace_id FROM erasures"
KNOW = "INSERT INTO erasures (workspace_id) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING"
TABLES = """
SELECT attrelid::regclass::text AS name FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
WHERE attname = 'workspace_id' AND relkind = 'r' AND relnamespace = 'public'::regnamespace
    AND relname <> 'erasures'"""
_NAMES = """
(SELECT array_agg(attname::text ORDER BY place) FROM unnest(%s) WITH ORDINALITY AS k (number, place)
    JOIN pg_attribute ON attrelid = %s AND attnum = k.number)"""
REFERENCES = f"""
SELECT conrelid::regclass::text AS pointing, confrelid::regclass::text AS pointed_at,
    {_NAMES % ("conkey", "conrelid")} AS columns, {_NAMES % ("confkey", "confrelid")} AS keys
FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace"""
_DELETE = """
DELETE FROM "{table}" WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM "{table}" AS one WHERE {which} LIMIT {batch}))"""
OF_WORKSPACE = "one.workspace_id = $1"
OF_ITS_EVENT = "one.headers ->> 'ce-workspaceid' = $1::uuid::text"
TOLD = "one.sent_at IS NOT NULL"  # the others are still to hear the rest


async def ask(tx: SystemTransaction, workspace_id: UUID) -> None:
    """The workspace is to be erased, and nothing is heard of it any more."""
    await tx.run(ASK, workspace=workspace_id)


async def erased(uow: UnitOfWork, event: Event) -> None:
    """A consumer's handler: the event says that its workspace was erased."""
    await ask(uow, event.workspace_id)
    await uow.commit()


async def spread(dsns: Sequence[str]) -> None:
    """What one of these databases is to erase, all of them are: their bus was lost, and whoever
    told of it may have erased that it did.
    """
    async with AsyncExitStack() as stack:
        opened = []
        for dsn in dsns:
            opened.append(connection := await asyncpg.connect(dsn))
            stack.push_async_callback(connection.close)
        # A backup can be older than the table.
        keeping = [connection for connection in opened if await connection.fetchval(KEPT)]
        known = {row[0] for connection in keeping for row in await connection.fetch(KNOWN)}
        for connection in keeping:
            await connection.execute(KNOW, list(known))


async def keep_erasing(system: Pool) -> None:
    """Erase what is asked for, for as long as the process lives."""
    while True:
        try:
            for row in await system.fetch(OPEN):
                await erase(system, row["workspace_id"])
        except ROUND_FAILURES as error:
            log.warning("not_erased", cause=repr(error))  # the next round goes on
        await asyncio.sleep(LOOK_EVERY)


async def erase(system: Pool, workspace_id: UUID) -> None:
    """Delete all there is now, some rows at a time; what is done stays done if it is cut off."""
    steps = await _steps(system)
    while any([await _all_of(system, step, workspace_id) for step in steps]):
        pass  # a deletion may have left something behind: a total that changed
    await system.execute(FINISH, workspace_id, AGAIN_AFTER)


async def _all_of(system: Pool, deleting: str, workspace_id: UUID) -> bool:
    """Whether there were any."""
    found = False
    while await _some_of(system, deleting, workspace_id):
        found = True
    return found


async def _some_of(system: Pool, deleting: str, workspace_id: UUID) -> bool:
    async with system.acquire() as connection, connection.transaction():
        await connection.execute(HOLD, workspace_id)
        status: str = await connection.execute(deleting, workspace_id)
    return status != "DELETE 0"


async def _steps(system: Pool) -> list[str]:
    """Statements, each for some rows of one table; whatever points at something goes before it."""
    tables = {row["name"] for row in await system.fetch(TABLES)}
    references = await system.fetch(REFERENCES)
    order = TopologicalSorter[str]()
    for table in tables:
        order.add(table)
    for reference in references:
        if reference["pointing"] != reference["pointed_at"]:
            order.add(reference["pointed_at"], reference["pointing"])
    steps = [_of_table(table, references) for table in order.static_order() if table in tables]
    return [*steps, _deleting("dead_letters", OF_ITS_EVENT)]


def _of_table(table: str, references: Sequence[asyncpg.Record]) -> str:
    which = [OF_WORKSPACE, TOLD] if table == "outbox" else [OF_WORKSPACE]
    for reference in references:
        if reference["pointing"] == reference["pointed_at"] == table:  # a chain's end goes first
            pairs = zip(reference["columns"], reference["keys"], strict=True)
            points = " AND ".join(f"other.{column} = one.{key}" for column, key in pairs)
            which.append(f'NOT EXISTS (SELECT FROM "{table}" AS other WHERE {points})')
    return _deleting(table, *which)


def _deleting(table: str, *which: str) -> str:
    return _DELETE.format(table=table, which=" AND ".join(which), batch=BATCH)
