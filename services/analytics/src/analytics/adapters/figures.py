"""Counted figures: sums of a workspace's deals, as they stand or as they stood.

Each part of a statement reads the deals that can be in it and no others: those open, those closed
in the period, those opened in it. What they came to in all is never recounted for a part.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    DateTime,
    Integer,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    union_all,
)

from analytics.adapters.stood import (
    AT,
    BEFORE,
    CURRENCY,
    END,
    START,
    WORKSPACE,
    Seen,
    Stood,
    at,
    both,
    counted,
    days,
    total,
)
from analytics.adapters.tables import stages
from kit.database import Statement, Transaction

YEAR = at("year")
STARTS = bindparam("starts", type_=ARRAY(DateTime(timezone=True)))
"""Where months begin, and where the last of them ends."""


def _all(d: Stood) -> Any:
    return select(func.count().label("deals"), func.min(d.c.created_at).label("first")).where(
        *d.ours
    )


def _open(d: Stood) -> Any:
    return select(
        func.count().label("open_count"),
        total(d.value, d.open).label("open_value"),
        counted(d.unvalued).label("open_unconverted"),
        counted(and_(d.value.is_not(None), d.c.currency != CURRENCY)).label("open_converted"),
    ).where(*d.ours, d.open)


def _closed(d: Stood) -> Any:
    """Of the period and of the one before."""
    here, there = d.closed_in(START, END), d.closed_in(BEFORE, START)
    age = days(d.c.closed_at - d.c.created_at)
    return select(
        counted(and_(here, d.won)).label("won"),
        counted(and_(here, d.lost)).label("lost"),
        total(d.value, and_(here, d.won)).label("won_value"),
        func.avg(age).filter(and_(here, d.won)).label("cycle"),
        counted(and_(there, d.won)).label("won_before"),
        counted(and_(there, d.lost)).label("lost_before"),
        total(d.value, and_(there, d.won)).label("won_value_before"),
    ).where(*d.ours, d.closed_in(BEFORE, END))


def _outflow(d: Stood) -> Any:
    return select(
        counted(d.won).label("won"),
        counted(d.lost).label("lost"),
        total(d.value, d.c.closed_at.is_not(None)).label("closed_value"),
    ).where(*d.ours, d.closed_in(START, END))


def _inflow(d: Stood) -> Any:
    opened = and_(d.c.created_at >= START, d.c.created_at < END)
    return select(
        func.count().label("created"), total(d.value, opened).label("created_value")
    ).where(*d.ours, opened)


def _year(d: Stood) -> Any:
    return select(total(d.value, d.won).label("year_value")).where(
        *d.ours, d.won, d.closed_in(YEAR, AT)
    )


def _side_by_side(*parts: Any) -> Any:
    """One row of several sums that each read rows of their own."""
    return select(*(part.subquery(f"part_{place}") for place, part in enumerate(parts)))


def _summed(d: Stood) -> Any:
    return _side_by_side(_all(d), _open(d), _closed(d))


def _flow(d: Stood) -> Any:
    return _side_by_side(_all(d), _outflow(d), _inflow(d), _year(d))


def _month(moment: Any) -> ColumnElement[Any]:
    """The number of the month that it falls into, from 1."""
    return func.width_bucket(moment, STARTS, type_=Integer())


FIRST_START, LAST_END = at("since"), at("until")


def _won_months(d: Stood) -> Any:
    month = _month(d.c.closed_at).label("month")
    return (
        select(month, total(d.value, d.won).label("won_value"))
        .where(*d.ours, d.won, d.closed_in(FIRST_START, LAST_END))
        .group_by(month)
    )


def _months(d: Stood) -> Any:
    nought = literal_column("0", BigInteger())
    came = _month(d.c.created_at).label("month")
    opened = (
        select(
            came,
            func.count().label("created"),
            nought.label("won"),
            nought.label("lost"),
            nought.label("won_value"),
        )
        .where(*d.ours, d.c.created_at >= FIRST_START, d.c.created_at < LAST_END)
        .group_by(came)
    )
    went = _month(d.c.closed_at).label("month")
    closed = (
        select(went, nought, counted(d.won), counted(d.lost), total(d.value, d.won))
        .where(*d.ours, d.closed_in(FIRST_START, LAST_END))
        .group_by(went)
    )
    flow = union_all(opened, closed).subquery("flow")
    sums = [
        cast(func.sum(flow.c[name]), BigInteger).label(name)
        for name in ("created", "won", "lost", "won_value")
    ]
    return select(flow.c.month, *sums).group_by(flow.c.month)


def _owners(d: Stood) -> Any:
    here = d.closed_in(START, END)
    return (
        select(
            d.c.owner_id,
            counted(d.open).label("open_count"),
            total(d.value, d.open).label("open_value"),
            counted(and_(here, d.won)).label("won"),
            counted(here).label("closed"),
            total(d.value, and_(here, d.won)).label("won_value"),
        )
        .where(*d.ours, or_(d.open, here))
        .group_by(d.c.owner_id)
        .order_by(total(d.value, and_(here, d.won)).desc(), d.c.owner_id)
        .limit(50)
    )


def _by_stage(d: Stood) -> Any:
    # By currency too: what has no value in the workspace's is told apart and added to nothing.
    theirs = (
        select(
            d.c.stage_id,
            d.c.currency,
            func.count().label("deals"),
            total(d.value, d.value.is_not(None)).label("minor"),
            counted(d.unvalued).label("others"),
            total(d.c.amount_minor, d.unvalued).label("other_minor"),
            func.sum(days(AT - d.c.entered_stage_at)).label("days"),
        )
        .where(*d.ours)
        .group_by(d.c.stage_id, d.c.currency)
        .subquery("theirs")
    )
    return (
        select(stages.c.name, stages.c.type, theirs)
        .join(theirs, theirs.c.stage_id == stages.c.stage_id)
        .where(stages.c.workspace_id == WORKSPACE)
        .order_by(
            case({"open": 0, "won": 1}, value=stages.c.type, else_=2),
            stages.c.position,
            stages.c.first_used_at,
            stages.c.stage_id,
            theirs.c.currency,
        )
    )


def _recent(d: Stood) -> Any:
    return select(
        counted(and_(d.won, d.c.closed_at >= START)).label("won"),
        total(d.value, and_(d.won, d.c.closed_at >= START)).label("won_minor"),
        counted(d.c.created_at >= START).label("created"),
    ).where(*d.ours, or_(d.c.closed_at >= START, d.c.created_at >= START))


BY_STAGE, RECENT = both(_by_stage), both(_recent)
SUMMED, FLOW, OWNED = both(_summed), both(_flow), both(_owners)
WON_MONTHS, MONTHS = both(_won_months), both(_months)


async def summed(
    tx: Transaction, seen: Seen, *, before: datetime, start: datetime, end: datetime
) -> asyncpg.Record:
    """What the key figures count: of the period, of the one before, and what is open."""
    return await _sums(tx, SUMMED, seen, before=before, start=start, end=end)


async def flow(
    tx: Transaction, seen: Seen, *, start: datetime, end: datetime, year: datetime
) -> asyncpg.Record:
    """What came in and went out in the period, and what was won within the year."""
    return await _sums(tx, FLOW, seen, start=start, end=end, year=year)


async def _sums(
    tx: Transaction, statements: dict[bool, Statement], seen: Seen, **moments: datetime
) -> asyncpg.Record:
    row = await tx.row(statements[seen.past], workspace=tx.workspace_id, **moments, **seen.values())
    assert row is not None  # aggregates always answer
    return row


async def months(
    tx: Transaction, seen: Seen, starts: Sequence[datetime], *, won_only: bool
) -> dict[int, asyncpg.Record]:
    """Opened, won and lost by month, or what was won alone.

    `starts` are the moments at which the months begin, and the end of the last one. A month in
    which nothing happened is not among those found.
    """
    statements = WON_MONTHS if won_only else MONTHS
    rows = await tx.rows(
        statements[seen.past],
        workspace=tx.workspace_id,
        starts=list(starts),
        since=starts[0],
        until=min(starts[-1], seen.at),
        **seen.values(),
    )
    return {row["month"] - 1: row for row in rows}


async def owners(
    tx: Transaction, seen: Seen, *, start: datetime, end: datetime
) -> list[asyncpg.Record]:
    """What each owner's deals came to."""
    return await tx.rows(
        OWNED[seen.past], workspace=tx.workspace_id, start=start, end=end, **seen.values()
    )


async def by_stage(tx: Transaction, seen: Seen) -> list[asyncpg.Record]:
    """Number, sum and sum of days by stage and currency, in board order."""
    return await tx.rows(BY_STAGE[seen.past], workspace=tx.workspace_id, **seen.values())


async def recent(tx: Transaction, seen: Seen, *, since: datetime) -> asyncpg.Record:
    """What was won and created since then."""
    row = await tx.row(RECENT[seen.past], workspace=tx.workspace_id, start=since, **seen.values())
    assert row is not None  # aggregates always answer
    return row
