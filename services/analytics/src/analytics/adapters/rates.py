"""Rates of currencies as crm tells them, and what they make of amounts.

crm converts an amount once, when it tells of it. A rate that is entered later, or corrected, holds
for all that happened on its days: so the rates are kept here, and amounts follow them.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, bindparam, func, select, text, true
from sqlalchemy.dialects.postgresql import insert

from analytics.adapters.tables import currency_rates
from kit.database import Statement
from kit.unit_of_work import UnitOfWork

LARGEST = 2**63 - 1

_given = insert(currency_rates).values(
    {c.name: bindparam(c.name, type_=c.type) for c in currency_rates.c}
)
_r = currency_rates.c
KEEP = Statement(
    _given.on_conflict_do_update(
        index_elements=[_r.workspace_id, _r.base, _r.currency, _r.valid_from],
        set_={"version": _given.excluded.version, "factor": _given.excluded.factor},
        where=_r.version < _given.excluded.version,
    )
)

# The latest rate by the workspace's own day, else the first one after it, looked up once for each
# day; rounded half to even, like in crm. Where no rate was ever told, nothing is known here, and
# what crm converted goes on counting.
_IN_FORCE = """
    SELECT factor FROM currency_rates r WHERE r.workspace_id = :workspace AND r.base = :own
        AND r.currency = p.currency AND r.factor IS NOT NULL"""
_ZONE = """coalesce((SELECT nullif(w.time_zone, '') FROM workspaces w
        WHERE w.workspace_id = :workspace), 'UTC')"""
_CONVERT = f"""
WITH d AS MATERIALIZED (
    SELECT d.deal_id, d.version, d.currency, d.amount_minor, d.rated_minor, d.rated_currency,
        (coalesce(d.closed_at, d.happened_at) AT TIME ZONE {_ZONE})::date AS day
    FROM deal_states d WHERE d.workspace_id = :workspace AND d.currency <> '' AND {{}}
), f AS MATERIALIZED (
    SELECT p.currency, p.day,
        EXISTS (
            SELECT FROM currency_rates r WHERE r.workspace_id = :workspace AND r.base = :own
                AND r.currency = p.currency) AS known,
        coalesce(
            ({_IN_FORCE} AND r.valid_from <= p.day ORDER BY r.valid_from DESC LIMIT 1),
            ({_IN_FORCE} ORDER BY r.valid_from LIMIT 1)) AS factor
    FROM (SELECT DISTINCT d.currency, d.day FROM d) p
), c AS MATERIALIZED (
    SELECT d.*, f.known, d.amount_minor * f.factor AS exact
    FROM d JOIN f ON f.currency = d.currency AND f.day = d.day
), r AS MATERIALIZED (
    SELECT c.*, CASE WHEN c.known THEN :own ELSE '' END AS own, (CASE
        WHEN NOT c.known OR abs(c.exact) > {LARGEST} THEN NULL
        WHEN abs(c.exact - trunc(c.exact)) = 0.5 AND trunc(c.exact) % 2 = 0 THEN trunc(c.exact)
        ELSE round(c.exact) END)::bigint AS minor
    FROM c
)
UPDATE deal_states s SET rated_minor = r.minor, rated_currency = r.own
FROM r
WHERE s.workspace_id = :workspace AND s.deal_id = r.deal_id AND s.version = r.version
    AND (r.rated_minor, r.rated_currency) IS DISTINCT FROM (r.minor, r.own)"""
# A deal is worth what the state of its newest event is worth.
_FOLLOW = """
UPDATE deals d SET rated_minor = s.rated_minor, rated_currency = s.rated_currency
FROM deal_states s
WHERE d.workspace_id = :workspace AND s.workspace_id = :workspace AND s.deal_id = d.deal_id
    AND s.version = d.version AND {}
    AND (d.rated_minor, d.rated_currency) IS DISTINCT FROM (s.rated_minor, s.rated_currency)"""


def _text(sql: str, **types: Any) -> Statement:
    binds = [bindparam(name, type_=type_) for name, type_ in types.items()]
    escaped = sql.replace("::", "\\:\\:")
    return Statement(text(escaped).bindparams(bindparam("workspace", type_=Uuid()), *binds))


def _following(of: str, **types: Any) -> list[Statement]:
    """States that a condition names, and then their deals."""
    return [
        _text(_CONVERT.format(of), own=Text(), **types),
        _text(_FOLLOW.format(of), **types),
    ]


RATE_DEALS = _following("d.deal_id = ANY (:which)", which=ARRAY(Uuid()))
RATE_CURRENCIES = _following("d.currency = ANY (:which)", which=ARRAY(Text()))
RATE_ALL = _following("true")
# All of a large workspace takes longer than a request may.
PATIENTLY = Statement(select(func.set_config("statement_timeout", "120s", true())))


class Rate(NamedTuple):
    """What one minor unit of a currency buys from a day on; None when the rate was taken away."""

    currency: str
    valid_from: date
    version: int
    factor: Decimal | None


async def keep(uow: UnitOfWork, base: str, rates: Sequence[Rate]) -> None:
    """Keep what is newer than what is known."""
    rows = [{"workspace_id": uow.workspace_id, "base": base, **rate._asdict()} for rate in rates]
    await uow.run_many(KEEP, rows)


async def rate_deals(uow: UnitOfWork, own: str, deal_ids: Iterable[UUID]) -> None:
    """New states of these deals follow the rates."""
    await _rate(uow, RATE_DEALS, own, which=list(deal_ids))


async def rate_currencies(uow: UnitOfWork, own: str, currencies: Iterable[str]) -> None:
    """The rates of these currencies have changed, for whatever is counted in them."""
    await uow.row(PATIENTLY)
    await _rate(uow, RATE_CURRENCIES, own, which=list(currencies))


async def rate_all(uow: UnitOfWork, own: str) -> None:
    """The workspace adds up in another currency, or its days begin elsewhere."""
    await uow.row(PATIENTLY)
    await _rate(uow, RATE_ALL, own)


async def _rate(uow: UnitOfWork, statements: Sequence[Statement], own: str, **which: Any) -> None:
    for statement in statements:
        await uow.run(statement, workspace=uow.workspace_id, own=own, **which)
