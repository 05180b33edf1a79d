"""The read side: rows for reports."""

from uuid import UUID

import asyncpg
from sqlalchemy import (
    Uuid,
    and_,
    bindparam,
    func,
    select,
)

from analytics.adapters.tables import (
    alive,
    clients,
    close_date_changes,
    deals,
    stage_entries,
)
from kit.database import Statement, Transaction

_d = deals.c
WORKSPACE, DEAL = bindparam("workspace", type_=Uuid()), bindparam("deal", type_=Uuid())
CLOSED = Statement(
    select(
        func.count().filter(_d.stage_type == "won").label("won"),
        func.count().filter(_d.stage_type == "lost").label("lost"),
    ).where(_d.workspace_id == WORKSPACE, alive, _d.closed_at.is_not(None))
)
# Whose a deal is, by the name that the client's own events tell. Whoever does not see the client
# finds none here, as in crm: the policies of `clients` show no row.
IS_CLIENT = and_(clients.c.workspace_id == WORKSPACE, clients.c.client_id == _d.client_id)
CLIENT_NAME = func.coalesce(clients.c.name, "").label("client_name")
ONE = Statement(
    select(*(c for c in _d if c.name != CLIENT_NAME.name), CLIENT_NAME)
    .select_from(deals.outerjoin(clients, IS_CLIENT))
    .where(_d.workspace_id == WORKSPACE, _d.deal_id == DEAL, alive)
)
ENTRIES = Statement(
    select(stage_entries)
    .where(stage_entries.c.workspace_id == WORKSPACE, stage_entries.c.deal_id == DEAL)
    .order_by(stage_entries.c.version)
)
POSTPONED = Statement(
    select(func.count()).where(
        close_date_changes.c.workspace_id == WORKSPACE,
        close_date_changes.c.deal_id == DEAL,
        close_date_changes.c.after > close_date_changes.c.before,
    )
)


async def closed(tx: Transaction) -> tuple[int, int]:
    """How many deals were won and lost in all."""
    row = await tx.row(CLOSED, workspace=tx.workspace_id)
    assert row is not None  # aggregates always answer
    return row["won"], row["lost"]


async def deal(tx: Transaction, deal_id: UUID) -> asyncpg.Record | None:
    """The deal as its newest event tells it."""
    return await tx.row(ONE, workspace=tx.workspace_id, deal=deal_id)


async def entries(tx: Transaction, deal_id: UUID) -> list[asyncpg.Record]:
    """When it came into which stage, in order."""
    return await tx.rows(ENTRIES, workspace=tx.workspace_id, deal=deal_id)


async def postponements(tx: Transaction, deal_id: UUID) -> int:
    """How often its expected close was moved to a later day."""
    return int(await tx.value(POSTPONED, workspace=tx.workspace_id, deal=deal_id))
