"""What was said and what came of it: judged by statements, read for the accuracy report."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import (
    ARRAY,
    Date,
    DateTime,
    Integer,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    delete,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from analytics.adapters.stood import OWNERS
from analytics.adapters.tables import deals, said_forecasts, said_odds
from kit.database import Statement, Transaction

_WORKSPACE = bindparam("workspace", type_=Uuid())


def _text(sql: str, **types: Any) -> Statement:
    binds = [bindparam(name, type_=type_) for name, type_ in types.items()]
    return Statement(text(sql).bindparams(_WORKSPACE, *binds))


# A deal's end decides; one that was opened again is not decided any more.
JUDGE_DEALS = _text("""
UPDATE said_odds s SET outcome = d.stage_type = 'won', judged_at = d.closed_at
FROM deals d WHERE s.workspace_id = :workspace AND s.kind = 'win' AND s.outcome IS NULL
    AND d.workspace_id = :workspace AND d.deal_id = s.subject_id
    AND d.closed_at IS NOT NULL AND d.deleted_at IS NULL""")
REOPEN_DEALS = _text("""
UPDATE said_odds s SET outcome = NULL, judged_at = NULL
FROM deals d WHERE s.workspace_id = :workspace AND s.kind = 'win' AND s.outcome IS NOT NULL
    AND d.workspace_id = :workspace AND d.deal_id = s.subject_id AND d.closed_at IS NULL""")
# True: the client stayed away until the day it was said for.
JUDGE_CLIENTS = _text(
    """
UPDATE said_odds s SET judged_at = s.due_at, outcome = NOT EXISTS (
    SELECT FROM deals d WHERE d.workspace_id = :workspace AND d.client_id = s.subject_id
        AND d.stage_type = 'won' AND d.deleted_at IS NULL
        AND d.closed_at > s.said_at AND d.closed_at <= s.due_at)
WHERE s.workspace_id = :workspace AND s.kind = 'churn' AND s.outcome IS NULL
    AND s.due_at <= :now""",
    now=DateTime(timezone=True),
)
JUDGE_MONTHS = _text(
    """
UPDATE said_forecasts s SET actual = m.value, judged_at = :now
FROM jsonb_to_recordset(:months) AS m (metric text, month date, value double precision)
WHERE s.workspace_id = :workspace AND s.metric = m.metric AND s.month = m.month
    AND s.actual IS DISTINCT FROM m.value""",
    months=JSONB(),
    now=DateTime(timezone=True),
)
_o, _f = said_odds.c, said_forecasts.c
JUDGED_ODDS = Statement(
    select(_o.kind, _o.source, _o.said_at, _o.probability, _o.base_rate, _o.outcome, _o.judged_at)
    .where(_o.workspace_id == _WORKSPACE, _o.outcome.is_not(None))
    .order_by(_o.said_at, _o.subject_id)
)
_tenth = func.least(cast(func.floor(_o.probability * 10), Integer), 9)
_won = case((_o.outcome, 1.0), else_=0.0)
JUDGED_OF_OWN = Statement(
    select(
        _o.source,
        _tenth.label("tenth"),
        func.count().label("deals"),
        func.sum(_o.probability).label("said"),
        func.count().filter(_o.outcome).label("won"),
        func.sum(func.power(_o.probability - _won, 2)).label("miss"),
        func.max(_o.judged_at).label("judged_at"),
    )
    .join_from(
        said_odds,
        deals,
        and_(deals.c.workspace_id == _WORKSPACE, deals.c.deal_id == _o.subject_id),
    )
    .where(
        _o.workspace_id == _WORKSPACE,
        _o.kind == "win",
        _o.outcome.is_not(None),
        deals.c.owner_id == func.any(OWNERS),
    )
    .group_by(_o.source, _tenth)
    .order_by(_o.source, _tenth)
)
JUDGED_MONTHS = Statement(
    select(_f.metric, _f.source, _f.origin, _f.month, _f.mean, _f.lower80, _f.upper80, _f.actual)
    .where(_f.workspace_id == _WORKSPACE, _f.actual.is_not(None))
    .order_by(_f.month, _f.origin)
)
# A back-test is replaced origin by origin; what is of no origin any more goes at its end.
_backtested = _o.workspace_id == _WORKSPACE, _o.source == "backtest"
_foretold = _f.workspace_id == _WORKSPACE, _f.source == "backtest"
FORGET_ODDS = Statement(
    delete(said_odds).where(
        *_backtested,
        _o.kind == bindparam("kind", type_=Text()),
        _o.said_at == bindparam("said_at", type_=DateTime(timezone=True)),
    )
)
FORGET_MONTHS = Statement(
    delete(said_forecasts).where(*_foretold, _f.origin == bindparam("origin", type_=Date()))
)
KEEP_ODDS = Statement(
    delete(said_odds).where(
        *_backtested,
        _o.said_at != func.all(bindparam("origins", type_=ARRAY(DateTime(timezone=True)))),
    )
)
KEEP_MONTHS = Statement(
    delete(said_forecasts).where(*_foretold, _f.origin < bindparam("first", type_=Date()))
)


async def judge(tx: Transaction, months: Sequence[dict[str, Any]], *, now: datetime) -> None:
    """Whatever is known by now; `months` are complete months with what they came to."""
    await tx.run(REOPEN_DEALS, workspace=tx.workspace_id)
    await tx.run(JUDGE_DEALS, workspace=tx.workspace_id)
    await tx.run(JUDGE_CLIENTS, workspace=tx.workspace_id, now=now)
    await tx.run(JUDGE_MONTHS, workspace=tx.workspace_id, months=list(months), now=now)


async def judged_odds(tx: Transaction) -> list[asyncpg.Record]:
    """Odds and risks whose outcome is known."""
    return await tx.rows(JUDGED_ODDS, workspace=tx.workspace_id)


async def judged_of_own(tx: Transaction, owners: Sequence[UUID]) -> list[asyncpg.Record]:
    """Odds of these people's deals whose outcome is known, added up by tenths."""
    return await tx.rows(JUDGED_OF_OWN, workspace=tx.workspace_id, owners=list(owners))


async def judged_months(tx: Transaction) -> list[asyncpg.Record]:
    """Forecasts of months that are over."""
    return await tx.rows(JUDGED_MONTHS, workspace=tx.workspace_id)


async def forget_odds(tx: Transaction, kind: str, said_at: datetime) -> None:
    """A new replay of an origin takes the place of the one before."""
    await tx.run(FORGET_ODDS, workspace=tx.workspace_id, kind=kind, said_at=said_at)


async def forget_months(tx: Transaction, origin: date) -> None:
    """The same for forecasts."""
    await tx.run(FORGET_MONTHS, workspace=tx.workspace_id, origin=origin)


async def keep_backtests(tx: Transaction, origins: Sequence[datetime], first: date) -> None:
    """Of the back-tests only those of these origins, the earliest of which is in a month."""
    await tx.run(KEEP_ODDS, workspace=tx.workspace_id, origins=list(origins))
    await tx.run(KEEP_MONTHS, workspace=tx.workspace_id, first=first)
