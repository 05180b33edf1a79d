"""Reads that enter their workspace and bring their rows in one round trip.

A transaction would take three (BEGIN, the query, ROLLBACK), and twice the CPU time of a small read.
Here the statement is its own transaction: the outer row sets workspace and sight, for this one
only; LATERAL lets the query begin only when that row is there, and OFFSET 0 keeps the planner from
turning the two round. Should it ever do so, the policies show no row at all.
"""

from time import perf_counter
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Text,
    Uuid,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    true,
)

from crm.adapters.tables import workspaces
from kit.pool import NO_CONNECTION, DatabaseUnavailable, Pool
from kit.statement import SIGHT_SETTING, Statement
from kit.statement import in_sight as owner_in_sight

# In every tenant query, although the policies filter as well: it leads into the indexes.
WORKSPACE = bindparam("workspace", type_=Uuid())

# Where the workspace's days begin.
TIME_ZONE = func.coalesce(
    select(func.nullif(workspaces.c.time_zone, literal_column("''")))
    .where(workspaces.c.workspace_id == WORKSPACE)
    .scalar_subquery(),
    literal_column("'UTC'"),
)


def is_row(table: FromClause, key: ColumnElement[Any]) -> ColumnElement[bool]:
    """Joins what `key` names in this workspace.

    By the parameter, not by the other table's workspace: equal to that, the planner would take the
    policies' expression for both, guess that one row joins, and read all of `table` for each.
    """
    return (table.c.workspace_id == WORKSPACE) & (table.c.id == key)


def in_sight(table: FromClause) -> ColumnElement[bool]:
    """Keeps the records whose owner the caller sees; the policies ask again."""
    return owner_in_sight(table.c.owner_id)


class Read(Statement):
    """A query of one workspace, within the caller's sight, whose columns have different names."""

    def __init__(self, query: Select[Any]) -> None:
        entered = select(
            func.set_config(
                literal_column("'ff.workspace'", Text), cast(WORKSPACE, Text), true()
            ).label("workspace"),
            func.set_config(
                literal_column("'ff.sees'", Text), cast(SIGHT_SETTING, Text), true()
            ).label("sees"),
        ).subquery("entered")
        inside = (
            select(query.subquery("query"))
            .where(entered.c.workspace.is_not(None), entered.c.sees.is_not(None))
            .offset(literal_column("0"))
            .lateral("inside")
        )
        super().__init__(select(inside).select_from(entered.join(inside, true())))


async def rows(pool: Pool, workspace_id: UUID, read: Read, **values: Any) -> list[asyncpg.Record]:
    """Every row."""
    values["workspace"] = workspace_id
    began = perf_counter()
    try:
        found = await pool.fetch(read.sql, *read.arguments(values))
    except NO_CONNECTION as error:
        raise DatabaseUnavailable("The database did not answer.") from error
    read.duration.observe(perf_counter() - began)
    return found


async def row(pool: Pool, workspace_id: UUID, read: Read, **values: Any) -> asyncpg.Record | None:
    """The first row, if there is one."""
    found = await rows(pool, workspace_id, read, **values)
    return found[0] if found else None
