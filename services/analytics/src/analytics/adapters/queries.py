"""The read side: rows for reports."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import (
    BigInteger,
    DateTime,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    func,
    or_,
    select,
)

from analytics.adapters.tables import (
    alive,
    close_date_changes,
    deals,
    stage_entries,
    stages,
    workspaces,
)
from analytics.domain.pace import Pace
from kit.database import Statement, Transaction

_d = deals.c
WORKSPACE, DEAL = bindparam("workspace", type_=Uuid()), bindparam("deal", type_=Uuid())
START, END, NOW = (bindparam(n, type_=DateTime(timezone=True)) for n in ("start", "end", "now"))
CURRENCY = bindparam("currency", type_=Text())
_owner = bindparam("owner", type_=Uuid())
_ours = _d.workspace_id == WORKSPACE, alive, or_(_owner.is_(None), _d.owner_id == _owner)
_DAY = 86_400.0


def _days(interval: Any) -> Any:
    return func.extract("epoch", interval) / _DAY


def _sum(value: Any) -> Any:
    return cast(func.coalesce(func.sum(value), 0), BigInteger)


SETTINGS = Statement(select(workspaces).where(workspaces.c.workspace_id == WORKSPACE))
_by_stage = (
    select(
        _d.stage_id,
        _d.currency,
        func.count().label("deals"),
        _sum(_d.amount_minor).label("minor"),
        # The sum of ages, so that means over several currencies can be put together.
        func.sum(_days(NOW - _d.entered_stage_at)).label("days"),
    )
    .where(*_ours)
    .group_by(_d.stage_id, _d.currency)
    .subquery()
)
BY_STAGE = Statement(
    select(stages.c.stage_id, stages.c.name, stages.c.type, *_by_stage.c[1:])
    .join(_by_stage, _by_stage.c.stage_id == stages.c.stage_id)
    .where(stages.c.workspace_id == WORKSPACE)
    .order_by(
        case({"open": 0, "won": 1}, value=stages.c.type, else_=2),
        stages.c.first_used_at,
        stages.c.stage_id,
    )
)
_won = _d.stage_type == "won"
RECENT = Statement(
    select(
        select(func.count())
        .where(*_ours, _won, _d.closed_at >= START)
        .scalar_subquery()
        .label("won"),
        select(_sum(_d.amount_minor))
        .where(*_ours, _won, _d.closed_at >= START, _d.currency == CURRENCY)
        .scalar_subquery()
        .label("won_minor"),
        select(func.count())
        .where(*_ours, _d.created_at >= START)
        .scalar_subquery()
        .label("created"),
    )
)
_in_period = and_(_d.closed_at >= START, _d.closed_at < END)
_won_in_period = and_(_in_period, _won)
PACE = Statement(
    select(
        func.count().label("opportunities"),
        func.count().filter(_won_in_period).label("won"),
        func.count().filter(_in_period, _d.stage_type == "lost").label("lost"),
        func.avg(_d.amount_minor)
        .filter(_won_in_period, _d.currency == CURRENCY)
        .label("mean_minor"),
        func.avg(_days(_d.closed_at - _d.created_at)).filter(_won_in_period).label("cycle"),
    ).where(*_ours, _d.created_at < END, or_(_d.closed_at.is_(None), _d.closed_at >= START))
)
CLOSED = Statement(
    select(
        func.count().filter(_d.stage_type == "won").label("won"),
        func.count().filter(_d.stage_type == "lost").label("lost"),
    ).where(_d.workspace_id == WORKSPACE, alive, _d.closed_at.is_not(None))
)
ONE = Statement(select(deals).where(_d.workspace_id == WORKSPACE, _d.deal_id == DEAL, alive))
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


class WorkspaceSettings(NamedTuple):
    """What reports need to know of the workspace."""

    currency: str
    time_zone: str
    as_of: datetime | None


class Recent(NamedTuple):
    """The last 30 days."""

    won: int
    won_minor: int
    created: int


async def settings(tx: Transaction) -> WorkspaceSettings:
    """What is known so far; a workspace auth has not told of yet adds up in euros."""
    row = await tx.row(SETTINGS, workspace=tx.workspace_id)
    if row is None:
        return WorkspaceSettings("EUR", "UTC", None)
    return WorkspaceSettings(row["currency"] or "EUR", row["time_zone"], row["as_of"])


async def by_stage(
    tx: Transaction, *, owner_id: UUID | None, now: datetime
) -> list[asyncpg.Record]:
    """Per stage and currency: number, sum and sum of days; linear in the workspace's deals."""
    return await tx.rows(BY_STAGE, workspace=tx.workspace_id, owner=owner_id, now=now)


async def recent(
    tx: Transaction, *, owner_id: UUID | None, since: datetime, currency: str
) -> Recent:
    """What was won and created since then."""
    row = await tx.row(
        RECENT, workspace=tx.workspace_id, owner=owner_id, start=since, currency=currency
    )
    assert row is not None  # aggregates always answer
    return Recent(*row)


async def pace(
    tx: Transaction, *, owner_id: UUID | None, start: datetime, end: datetime, currency: str
) -> Pace:
    """The parts of the velocity formula; linear in the deals that were open in the period."""
    row = await tx.row(
        PACE,
        workspace=tx.workspace_id,
        owner=owner_id,
        start=start,
        end=end,
        currency=currency,
    )
    assert row is not None  # aggregates always answer
    mean, cycle = row["mean_minor"], row["cycle"]
    return Pace(
        opportunities=row["opportunities"],
        won=row["won"],
        lost=row["lost"],
        mean_value_minor=None if mean is None else float(mean),
        cycle_days=None if cycle is None else float(cycle),
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
