"""Everything that was ever told, for a consumer that begins anew; for the system role."""

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg

from kit.pool import Pool

BATCH = 500

# By number, through the key: one pass over the log, however many workspaces share it.
TOLD = f"""
SELECT number, event_id, workspace_id, type, aggregate_id, happened_at, headers, body
FROM outbox WHERE workspace_id = $1 AND number > $2 ORDER BY number LIMIT {BATCH}"""
WORKSPACES = """
SELECT workspace_id FROM workspaces WHERE workspace_id > $1 ORDER BY workspace_id LIMIT $2"""
STAGES = """
SELECT id, version, name, type, position, rotting_days, default_probability, color
FROM stages WHERE workspace_id = $1 ORDER BY position, id"""


async def told(system: Pool, workspace_id: UUID, after: int) -> AsyncIterator[asyncpg.Record]:
    """The outbox rows of a workspace behind a number, in order.

    No transaction stays open meanwhile. What commits behind our back is on its way on the bus.
    """
    while rows := await system.fetch(TOLD, workspace_id, after):
        for row in rows:
            yield row
        after = rows[-1]["number"]


async def workspaces(system: Pool, after: UUID, limit: int) -> list[UUID]:
    """Those that are known, by id."""
    return [row["workspace_id"] for row in await system.fetch(WORKSPACES, after, limit)]


async def stages(system: Pool, workspace_id: UUID) -> list[asyncpg.Record]:
    """In board order."""
    rows: list[asyncpg.Record] = await system.fetch(STAGES, workspace_id)
    return rows
