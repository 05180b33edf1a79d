"""How old deals are: what is stalled, what is largest, and how fast deals pass through."""

from datetime import datetime, timedelta
from typing import Any

import asyncpg
from sqlalchemy import Double, Integer, and_, bindparam, case, func, literal_column, or_, select

from analytics.adapters.stood import (
    AT,
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
from analytics.adapters.tables import deals
from kit.database import Transaction

ENOUGH_CLOSED = 20
"""With fewer closed deals the 95th percentile of their ages is just the oldest of them."""
BANDS = (30, 60, 90, 180)
"""Days at which open deals get into the next band of age."""


def _stalled_from(d: Stood) -> Any:
    age = days(d.c.closed_at - d.c.created_at)
    return select(
        func.count().label("closed"),
        func.percentile_cont(0.95).within_group(age).label("days"),
    ).where(*d.ours, d.c.closed_at.is_not(None))


def _younger(days: int) -> str:
    """What the moment is called after which those came to be that are younger."""
    return f"younger_than_{days}"


def _ages(d: Stood) -> Any:
    younger = [(d.c.created_at > at(_younger(top)), place) for place, top in enumerate(BANDS)]
    band = case(*younger, else_=len(BANDS))
    stalled = days(AT - d.c.created_at) > bindparam("stalled", type_=Double())
    return (
        select(
            band.label("band"),
            func.count().label("deals"),
            total(d.value, d.open).label("value"),
            counted(stalled).label("stalled"),
            total(d.value, stalled).label("stalled_value"),
            counted(d.unvalued).label("unconverted"),
        )
        .where(*d.ours, d.open)
        .group_by(band)
    )


def _largest(d: Stood) -> Any:
    ranked = (
        select(d.c.deal_id, d.value.label("value"))
        .where(*d.ours, d.open, d.value > 0)
        .order_by(d.value.desc(), d.c.deal_id)
        .limit(1)
        .subquery("largest")
    )
    named = deals.alias("named")
    return select(ranked.c.deal_id, ranked.c.value, named.c.name).join(
        named,
        and_(named.c.workspace_id == WORKSPACE, named.c.deal_id == ranked.c.deal_id),
    )


def _pace(d: Stood) -> Any:
    """As the science defines it: deals alive at the end, closings of the period."""
    here, age = d.closed_in(START, END), days(d.c.closed_at - d.c.created_at)
    known = d.c.created_at < END
    ended = and_(known, d.c.closed_at < END)
    # Asked for three times below: without a name of its own it would be sorted three times.
    limit = (
        select(
            case(
                (
                    func.count() >= bindparam("enough", type_=Integer()),
                    func.percentile_cont(bindparam("stalled_share", 0.95)).within_group(age),
                ),
                else_=literal_column("'Infinity'", Double()),
            ).label("age")
        )
        .where(*d.ours, ended)
        .cte("oldest")
    )
    oldest = select(limit.c.age).scalar_subquery()
    still_open = and_(known, or_(d.c.closed_at.is_(None), d.c.closed_at >= END))
    # A period that is not over ends now: an age to its end would be one that no deal has yet.
    alive = and_(still_open, days(func.least(END, AT) - d.c.created_at) <= oldest)
    return select(
        counted(alive).label("opportunities"),
        counted(and_(still_open, ~alive)).label("stalled"),
        counted(and_(here, d.won)).label("won"),
        counted(and_(here, d.lost)).label("lost"),
        func.avg(d.value).filter(alive).label("mean_minor"),
        func.avg(age).filter(here).label("cycle"),
    ).where(*d.ours, or_(d.c.closed_at.is_(None), d.c.closed_at >= START))


STALLED_FROM, AGES = both(_stalled_from), both(_ages)
LARGEST, PACE = both(_largest), both(_pace)


async def stalled_from(tx: Transaction, seen: Seen) -> asyncpg.Record:
    """The age by which 95 of 100 closed deals had closed, and how many have."""
    row = await tx.row(STALLED_FROM[seen.past], workspace=tx.workspace_id, **seen.values())
    assert row is not None  # aggregates always answer
    return row


async def ages(tx: Transaction, seen: Seen, *, stalled: float) -> list[asyncpg.Record]:
    """Open deals by band of age, and how many of them are older than `stalled` days."""
    younger = {_younger(top): seen.at - timedelta(days=top) for top in BANDS}
    return await tx.rows(
        AGES[seen.past], workspace=tx.workspace_id, stalled=stalled, **younger, **seen.values()
    )


async def largest(tx: Transaction, seen: Seen) -> asyncpg.Record | None:
    """The open deal that is worth most."""
    return await tx.row(LARGEST[seen.past], workspace=tx.workspace_id, **seen.values())


async def pace(tx: Transaction, seen: Seen, *, start: datetime, end: datetime) -> asyncpg.Record:
    """The parts of the velocity formula."""
    row = await tx.row(
        PACE[seen.past],
        workspace=tx.workspace_id,
        start=start,
        end=end,
        enough=ENOUGH_CLOSED,
        **seen.values(),
    )
    assert row is not None  # aggregates always answer
    return row
