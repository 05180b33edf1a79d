"""Counted figures: one pass over the deals of a workspace each, as they stand or as they stood.

Values are in the workspace's currency; a deal whose value is not known in it adds nothing, and is
counted as such.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    DateTime,
    Double,
    Integer,
    Text,
    Uuid,
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

from analytics.adapters import facts
from analytics.adapters.tables import deals, stages
from kit.database import Statement, Transaction

WORKSPACE = facts.WORKSPACE
CURRENCY = facts.CURRENCY


def at(name: str) -> ColumnElement[Any]:
    """A moment that is given when the statement runs."""
    return bindparam(name, type_=DateTime(timezone=True))


AT, START, END, BEFORE = at("at"), at("start"), at("end"), at("before")
ZONE = bindparam("zone", type_=Text())
OWNERS = bindparam("owners", type_=ARRAY(Uuid()))
SOURCE = bindparam("source", type_=Text())
ENOUGH_CLOSED = 20
"""With fewer closed deals the 95th percentile of their ages is just the oldest of them."""
BANDS = (30, 60, 90, 180)
"""Days at which open deals get into the next band of age."""


class Seen(NamedTuple):
    """Whose deals are counted, as of when. `past` reads the states of deals, not the deals."""

    owners: list[UUID] | None
    source: str | None
    at: datetime
    past: bool
    currency: str

    def values(self) -> dict[str, Any]:
        """For a statement."""
        return {
            "owners": self.owners,
            "source": self.source,
            "at": self.at,
            "currency": self.currency,
        }


class Stood:
    """The deals at a moment, inside a statement: their columns, and who counts."""

    def __init__(self, *, past: bool) -> None:
        self.past = past
        self.table: Any = facts.as_of(AT) if past else deals
        self.c = self.table.c
        gone = self.c.deleted.is_(False) if past else self.c.deleted_at.is_(None)
        self.ours = [
            self.c.workspace_id == WORKSPACE,
            gone,
            or_(OWNERS.is_(None), self.c.owner_id == func.any(OWNERS)),
            or_(SOURCE.is_(None), self.c.source == SOURCE),
        ]
        self.open = self.c.closed_at.is_(None)
        self.won = self.c.stage_type == "won"
        self.lost = self.c.stage_type == "lost"
        self.value = facts.value_in(self.table, CURRENCY)

    def closed_in(self, start: Any, end: Any) -> ColumnElement[bool]:
        """Closed from `start` on and before `end`."""
        return and_(self.c.closed_at >= start, self.c.closed_at < end)


def both(make: Callable[[Stood], Any]) -> dict[bool, Statement]:
    """The statement for now and for a past moment."""
    return {past: Statement(make(Stood(past=past))) for past in (False, True)}


def days(interval: Any) -> ColumnElement[Any]:
    """Length of an interval in days."""
    return cast(func.extract("epoch", interval), Double) / 86_400.0


def total(value: Any, where: Any) -> ColumnElement[int]:
    """The sum of a column where a condition holds; nought for none."""
    return cast(func.coalesce(func.sum(value).filter(where), 0), BigInteger)


def counted(where: Any) -> ColumnElement[int]:
    """How many rows a condition holds for."""
    return func.count().filter(where)


def _totals(d: Stood) -> Any:
    here, there = d.closed_in(START, END), d.closed_in(BEFORE, START)
    age = days(d.c.closed_at - d.c.created_at)
    opened = and_(d.c.created_at >= START, d.c.created_at < END)
    return select(
        func.count().label("deals"),
        counted(d.open).label("open_count"),
        total(d.value, d.open).label("open_value"),
        counted(and_(d.open, d.value.is_(None), d.c.amount_minor.is_not(None))).label(
            "open_unconverted"
        ),
        counted(and_(here, d.won)).label("won"),
        counted(and_(here, d.lost)).label("lost"),
        total(d.value, and_(here, d.won)).label("won_value"),
        total(d.value, here).label("closed_value"),
        func.avg(age).filter(and_(here, d.won)).label("cycle"),
        counted(and_(there, d.won)).label("won_before"),
        counted(and_(there, d.lost)).label("lost_before"),
        total(d.value, and_(there, d.won)).label("won_value_before"),
        func.avg(age).filter(and_(there, d.won)).label("cycle_before"),
        counted(opened).label("created"),
        total(d.value, opened).label("created_value"),
        total(d.value, and_(d.won, d.closed_in(at("year"), AT))).label("year_value"),
        func.min(d.c.created_at).label("first"),
    ).where(*d.ours)


def _months(d: Stood) -> Any:
    def of(moment: Any) -> ColumnElement[Any]:
        return func.to_char(func.timezone(ZONE, moment), "YYYY-MM")

    nought = literal_column("0", BigInteger())
    opened = select(
        of(d.c.created_at).label("month"),
        literal_column("'opened'", Text()).label("kind"),
        nought.label("value"),
    ).where(*d.ours, d.c.created_at >= START, d.c.created_at < AT)
    closed = select(of(d.c.closed_at), d.c.stage_type, func.coalesce(d.value, 0)).where(
        *d.ours, d.c.closed_at >= START, d.c.closed_at < AT
    )
    flow = union_all(opened, closed).subquery("flow")
    return (
        select(
            flow.c.month,
            counted(flow.c.kind == "opened").label("created"),
            counted(flow.c.kind == "won").label("won"),
            counted(flow.c.kind == "lost").label("lost"),
            total(flow.c.value, flow.c.kind == "won").label("won_value"),
        )
        .group_by(flow.c.month)
        .order_by(flow.c.month)
    )


def _stalled_from(d: Stood) -> Any:
    age = days(d.c.closed_at - d.c.created_at)
    return select(
        func.count().label("closed"),
        func.percentile_cont(0.95).within_group(age).label("days"),
    ).where(*d.ours, d.c.closed_at.is_not(None))


def _ages(d: Stood) -> Any:
    age = days(AT - d.c.created_at)
    band = case(*((age < top, place) for place, top in enumerate(BANDS)), else_=len(BANDS))
    stalled = age > bindparam("stalled", type_=Double())
    return (
        select(
            band.label("band"),
            func.count().label("deals"),
            total(d.value, d.open).label("value"),
            counted(stalled).label("stalled"),
            total(d.value, stalled).label("stalled_value"),
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


def _by_stage(d: Stood) -> Any:
    # By currency too: what has no value in the workspace's is told apart and added to nothing.
    unvalued = and_(d.value.is_(None), d.c.amount_minor.is_not(None))
    theirs = (
        select(
            d.c.stage_id,
            d.c.currency,
            func.count().label("deals"),
            total(d.value, d.value.is_not(None)).label("minor"),
            counted(unvalued).label("others"),
            total(d.c.amount_minor, unvalued).label("other_minor"),
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
TOTALS, MONTHS = both(_totals), both(_months)
STALLED_FROM, AGES, LARGEST = both(_stalled_from), both(_ages), both(_largest)
OWNED, PACE = both(_owners), both(_pace)


async def totals(
    tx: Transaction, seen: Seen, *, before: datetime, start: datetime, end: datetime, year: datetime
) -> asyncpg.Record:
    """Everything the key figures count, for the period and the one before."""
    row = await tx.row(
        TOTALS[seen.past],
        workspace=tx.workspace_id,
        before=before,
        start=start,
        end=end,
        year=year,
        **seen.values(),
    )
    assert row is not None  # aggregates always answer
    return row


async def months(
    tx: Transaction, seen: Seen, *, since: datetime, zone: str
) -> list[asyncpg.Record]:
    """Opened, won and lost by month; a month in which nothing happened is not among them."""
    return await tx.rows(
        MONTHS[seen.past], workspace=tx.workspace_id, start=since, zone=zone, **seen.values()
    )


async def stalled_from(tx: Transaction, seen: Seen) -> asyncpg.Record:
    """The age by which 95 of 100 closed deals had closed, and how many have."""
    row = await tx.row(STALLED_FROM[seen.past], workspace=tx.workspace_id, **seen.values())
    assert row is not None  # aggregates always answer
    return row


async def ages(tx: Transaction, seen: Seen, *, stalled: float) -> list[asyncpg.Record]:
    """Open deals by band of age, and how many of them are older than `stalled` days."""
    return await tx.rows(
        AGES[seen.past], workspace=tx.workspace_id, stalled=stalled, **seen.values()
    )


async def largest(tx: Transaction, seen: Seen) -> asyncpg.Record | None:
    """The open deal that is worth most."""
    return await tx.row(LARGEST[seen.past], workspace=tx.workspace_id, **seen.values())


async def owners(
    tx: Transaction, seen: Seen, *, start: datetime, end: datetime
) -> list[asyncpg.Record]:
    """What each owner's deals came to."""
    return await tx.rows(
        OWNED[seen.past], workspace=tx.workspace_id, start=start, end=end, **seen.values()
    )


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


async def by_stage(tx: Transaction, seen: Seen) -> list[asyncpg.Record]:
    """Number, sum and sum of days by stage and currency, in board order."""
    return await tx.rows(BY_STAGE[seen.past], workspace=tx.workspace_id, **seen.values())


async def recent(tx: Transaction, seen: Seen, *, since: datetime) -> asyncpg.Record:
    """What was won and created since then."""
    row = await tx.row(RECENT[seen.past], workspace=tx.workspace_id, start=since, **seen.values())
    assert row is not None  # aggregates always answer
    return row
