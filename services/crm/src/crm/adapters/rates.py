"""Rates of currencies: how they are written and listed, and how amounts are converted with them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Date,
    DateTime,
    Integer,
    Numeric,
    Select,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import distinct_on, insert

from crm.adapters.reading import TIME_ZONE, WORKSPACE, Read, in_sight, rows
from crm.adapters.tables import board_totals, currency_rates, workspaces
from crm.domain.deal import DealFact
from crm.domain.rates import Rate, RateChange, Rates, factor_of
from crm.domain.repetition import zone_of
from crm.domain.stage import DEFAULT_CURRENCY
from kit.aggregate import Fact
from kit.database import Statement, Transaction
from kit.pool import Pool

_r = currency_rates
_own = func.coalesce(
    select(workspaces.c.currency).where(workspaces.c.workspace_id == WORKSPACE).scalar_subquery(),
    literal_column(f"'{DEFAULT_CURRENCY}'"),
)
_in_force = (_r.c.workspace_id == WORKSPACE, _r.c.base == _own, _r.c.rate.is_not(None))
_once = select(literal_column("1").label("n")).subquery("once")

# One row at least: the workspace's currency is told even without any rate.
_factors = (
    select(_own.label("base"), TIME_ZONE.label("zone"), _r.c.currency, _r.c.valid_from, _r.c.factor)
    .select_from(
        _once.outerjoin(
            _r,
            (_r.c.workspace_id == WORKSPACE)
            & (_r.c.base == _own)
            & _r.c.rate.is_not(None)
            & (_r.c.currency == func.any(bindparam("currencies", type_=ARRAY(Text())))),
        )
    )
    .order_by(_r.c.currency, _r.c.valid_from)
)
FACTORS, READ_FACTORS = Statement(_factors), Read(_factors)
OWN = Statement(select(_own.label("base")))

_given = (
    func.unnest(
        bindparam("currencies", type_=ARRAY(Text())),
        bindparam("days", type_=ARRAY(Date())),
        bindparam("rates", type_=ARRAY(Numeric())),
        bindparam("factors", type_=ARRAY(Numeric())),
    )
    .table_valued("currency", "valid_from", "rate", "factor", name="given")
    .render_derived()
)
_put = insert(_r).from_select(
    ["workspace_id", "base", "currency", "valid_from", "version", "rate", "factor", "updated_at"],
    select(
        WORKSPACE,
        bindparam("base", type_=Text()),
        _given.c.currency,
        _given.c.valid_from,
        literal_column("1"),
        _given.c.rate,
        _given.c.factor,
        bindparam("now", type_=DateTime(timezone=True)),
    ),
)
# A subquery of RETURNING sees what was there before the statement.
_was = _r.alias("was")
_before = (
    select(_was.c.rate)
    .where(
        *(
            _was.c[name] == literal_column(f"{_r.name}.{name}")
            for name in ("workspace_id", "base", "currency", "valid_from")
        )
    )
    .scalar_subquery()
    .label("before")
)
# What is there already is not written, and not told.
PUT = Statement(
    _put.on_conflict_do_update(
        index_elements=["workspace_id", "base", "currency", "valid_from"],
        set_={
            "version": _r.c.version + literal_column("1"),
            "rate": _put.excluded.rate,
            "factor": _put.excluded.factor,
            "updated_at": _put.excluded.updated_at,
        },
        where=_r.c.rate.is_distinct_from(_put.excluded.rate),
    ).returning(_r.c.currency, _r.c.valid_from, _r.c.rate, _r.c.version, _before)
)
TAKE_AWAY = Statement(
    _r.update()
    .where(
        *_in_force,
        _r.c.currency == bindparam("currency_", type_=Text()),
        _r.c.valid_from == bindparam("day", type_=Date()),
    )
    .values(
        version=_r.c.version + literal_column("1"),
        rate=None,
        factor=None,
        updated_at=bindparam("now", type_=DateTime(timezone=True)),
    )
    .returning(_r.c.base, _r.c.currency, _r.c.valid_from, _r.c.rate, _r.c.version, _before)
)


def _page(*, one: bool, continued: bool) -> Read:
    query = select(_r.c.base, _r.c.currency, _r.c.valid_from, _r.c.rate).where(*_in_force)
    if one:
        query = query.where(_r.c.currency == bindparam("currency_", type_=Text()))
    if continued:
        after, day = bindparam("after", type_=Text()), bindparam("day", type_=Date())
        query = query.where(
            (_r.c.currency > after) | ((_r.c.currency == after) & (_r.c.valid_from < day))
        )
    query = query.order_by(_r.c.currency, _r.c.valid_from.desc())
    return Read(query.limit(bindparam("size", type_=Integer())))


PAGES = {
    (one, more): _page(one=one, continued=more) for one in (True, False) for more in (True, False)
}


def _today() -> Select[Any]:
    """Per currency the latest rate by the workspace's today, else the first one after it."""
    day = cast(func.timezone(TIME_ZONE, bindparam("now", type_=DateTime(timezone=True))), Date)
    return (
        select(_r.c.currency, _r.c.valid_from, _r.c.rate)
        .where(*_in_force)
        .ext(distinct_on(_r.c.currency))
        .order_by(
            _r.c.currency,
            (_r.c.valid_from > day),
            func.abs(cast(_r.c.valid_from - day, Integer)),
        )
    )


_used = (
    select(board_totals.c.currency, func.sum(board_totals.c.deals).label("deals"))
    .where(
        board_totals.c.workspace_id == WORKSPACE,
        board_totals.c.currency.not_in([literal_column("''"), _own]),
        in_sight(board_totals),
    )
    .group_by(board_totals.c.currency)
    .subquery("used")
)
_rated = _today().subquery("rated")
CURRENCIES = Read(
    select(
        _own.label("base"),
        func.coalesce(_used.c.currency, _rated.c.currency).label("currency"),
        cast(func.coalesce(_used.c.deals, literal_column("0")), BigInteger).label("deals"),
        _rated.c.valid_from,
        _rated.c.rate,
    )
    .select_from(
        _once.outerjoin(
            _used.outerjoin(_rated, _used.c.currency == _rated.c.currency, full=True),
            literal_column("true"),
        )
    )
    .order_by(literal_column("2"))
)


class Place(NamedTuple):
    """Where a page of rates begins: behind this one."""

    currency: str
    day: date


async def own_currency(tx: Transaction) -> str:
    """What the workspace counts in."""
    return str(await tx.value(OWN, workspace=tx.workspace_id))


async def load(tx: Transaction, currencies: Iterable[str]) -> Rates:
    """The rates of some currencies."""
    found = await tx.rows(FACTORS, workspace=tx.workspace_id, currencies=list(set(currencies)))
    return _rates(found)


async def read(pool: Pool, workspace_id: UUID, currencies: Iterable[str]) -> Rates:
    """The same, outside of a transaction."""
    found = await rows(pool, workspace_id, READ_FACTORS, currencies=list(set(currencies)))
    return _rates(found)


async def put(
    tx: Transaction, base: str, rates: Sequence[Rate], *, now: datetime
) -> list[RateChange]:
    """Enter rates; answers what has become different."""
    given = [rate for rate in rates if rate.rate is not None]
    found = await tx.rows(
        PUT,
        workspace=tx.workspace_id,
        base=base,
        currencies=[rate.currency for rate in given],
        days=[rate.valid_from for rate in given],
        rates=[rate.rate for rate in given],
        factors=[factor_of(rate.rate, rate.currency, base) for rate in given if rate.rate],
        now=now,
    )
    return [RateChange(Rate(*row[:3]), row["version"], row["before"]) for row in found]


async def take_away(
    tx: Transaction, currency: str, day: date, *, now: datetime
) -> tuple[str, RateChange] | None:
    """Take a rate away; answers base and change, or None when there is none."""
    row = await tx.row(TAKE_AWAY, workspace=tx.workspace_id, currency_=currency, day=day, now=now)
    if row is None:
        return None
    return row["base"], RateChange(Rate(*row[1:4]), row["version"], row["before"])


async def page(
    pool: Pool, workspace_id: UUID, *, currency: str, behind: Place | None, size: int
) -> list[Any]:
    """Rates in force, by currency and the latest first; one more than asked for when there is."""
    values: dict[str, Any] = {"size": size + 1}
    if currency:
        values["currency_"] = currency
    if behind is not None:
        values |= {"after": behind.currency, "day": behind.day}
    statement = PAGES[bool(currency), behind is not None]
    return await rows(pool, workspace_id, statement, **values)


F = TypeVar("F", bound=Fact)


async def valued(tx: Transaction, facts: Sequence[F], own: str = "") -> list[F]:
    """Facts of deals with their amounts in the workspace's currency, at the rate of their day.

    `own` is that currency where it is known: amounts in it need no look at the rates.
    """
    others = {
        fact.deal.amount.currency
        for fact in facts
        if isinstance(fact, DealFact) and fact.deal.amount and fact.deal.amount.currency != own
    }
    rates = await load(tx, others) if others else Rates(own, {})
    return [
        replace(fact, base_amount=rates.convert(fact.deal.amount, fact.valued_at))
        if isinstance(fact, DealFact) and fact.deal.amount
        else fact
        for fact in facts
    ]


def _rates(found: Sequence[Any]) -> Rates:
    factors: dict[str, list[Any]] = {}
    for row in found:
        if row["currency"] is not None:
            factors.setdefault(row["currency"], []).append((row["valid_from"], row["factor"]))
    return Rates(found[0]["base"], factors, zone_of(found[0]["zone"]))
