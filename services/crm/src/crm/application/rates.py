"""What can be done with rates of currencies. One function per use case, one transaction each."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from crm.adapters import rates
from crm.domain.errors import EntryRefused, Problem
from crm.domain.rate_file import entries_of
from crm.domain.rates import MOST_AT_ONCE, Rate, RateChange, RateEntry, RatesChanged, clean
from crm.domain.setting_errors import RateNotFound
from kit.money import is_currency
from kit.unit_of_work import UnitOfWork


async def put_rates(
    uow: UnitOfWork, *, entries: Sequence[RateEntry], by: UUID, now: datetime
) -> int:
    """Enter rates; answers how many have become different. Raises EntryRefused."""
    if not 1 <= len(entries) <= MOST_AT_ONCE:
        said = f"From 1 to {MOST_AT_ONCE} rates at once."
        raise EntryRefused([Problem("rates", "RATES_TOO_MANY", said)])
    base = await rates.own_currency(uow)
    return await _put(uow, base, clean(entries, base), by=by, now=now)


async def import_rates(uow: UnitOfWork, *, content: bytes, by: UUID, now: datetime) -> int:
    """Enter the rates of a file. Raises EntryRefused, which names rows and columns."""
    base = await rates.own_currency(uow)
    found = clean(entries_of(content, base), base, lambda number: f"row {number + 2}")
    return await _put(uow, base, found, by=by, now=now)


async def take_rate_away(
    uow: UnitOfWork, *, currency: str, day: date, by: UUID, now: datetime
) -> None:
    """Take a rate away. Raises RateNotFound."""
    taken = await rates.take_away(uow, currency, day, now=now) if is_currency(currency) else None
    if taken is None:
        raise RateNotFound("There is no such rate.")
    base, change = taken
    _tell(uow, base, [change], by=by, now=now)
    await uow.commit()


async def _put(
    uow: UnitOfWork, base: str, found: Sequence[Rate], *, by: UUID, now: datetime
) -> int:
    changes = await rates.put(uow, base, found, now=now)
    for start in range(0, len(changes), MOST_AT_ONCE):
        _tell(uow, base, changes[start : start + MOST_AT_ONCE], by=by, now=now)
    await uow.commit()
    return len(changes)


def _tell(
    uow: UnitOfWork, base: str, changes: Sequence[RateChange], *, by: UUID, now: datetime
) -> None:
    uow.tell_facts(
        RatesChanged(
            aggregate_id=uow.workspace_id, version=1, at=now, by=by, base=base, changes=changes
        )
    )
