"""What other currencies are worth in the workspace's own, on the days of its time zone."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from crm.domain.entries import Entry
from kit.aggregate import Fact
from kit.errors import InvalidInput
from kit.money import LARGEST, Money, exponent, is_currency

UTC = ZoneInfo("UTC")
MAX_RATE = Decimal(10) ** 9
MOST_AT_ONCE, MOST_IN_A_FILE = 500, 50_000
MOST_PROBLEMS = 20  # told at once
_NUMBER = re.compile(r"\d{1,10}(\.\d{1,12})?", re.ASCII)
_FIRST_DAY = date(1970, 1, 1)


class RateEntry(NamedTuple):
    """A rate as it was entered: not yet known to be one."""

    currency: str
    valid_from: str
    rate: str


class Rate(NamedTuple):
    """What one unit of a currency buys from a day on; no rate means that it was taken away."""

    currency: str
    valid_from: date
    rate: Decimal | None


class RateChange(NamedTuple):
    """A rate as it is now, how often its currency and day have had another, and what it was."""

    rate: Rate
    version: int
    before: Decimal | None


@dataclass(frozen=True, kw_only=True)
class RatesChanged(Fact):
    """Rates were entered, replaced or taken away; the aggregate is the workspace."""

    base: str
    changes: Sequence[RateChange]


class Rates:
    """The rates into one currency, for conversion."""

    def __init__(
        self,
        base: str,
        factors: Mapping[str, Sequence[tuple[date, Decimal]]],
        zone: ZoneInfo = UTC,
    ) -> None:
        """`factors` by currency and in the order of their days, from minor to minor unit.

        `zone` is the workspace's: where its days begin. Without factors it does not matter.
        """
        self.base = base
        self._factors = factors
        self._zone = zone

    def convert(self, money: Money | None, at: datetime) -> Money | None:
        """The same in the base currency; None when there is no rate, or no room for so much."""
        if money is None or money.currency == self.base:
            return money
        factor = self.factor(money.currency, at)
        if factor is None:
            return None
        try:
            return money.converted(factor, self.base)
        except InvalidInput:
            return None

    def factor(self, currency: str, at: datetime) -> Decimal | None:
        """Of the latest rate by the day of that moment; before the first one, the first counts."""
        known = self._factors.get(currency)
        if not known:
            return None
        day = at.astimezone(self._zone).date()
        return known[max(0, bisect_right(known, day, key=lambda entry: entry[0]) - 1)][1]


class Sums(NamedTuple):
    """Amounts of several currencies, added up as far as there are rates."""

    own: int
    without_rate: dict[str, int]


def sums_of(amounts: Iterable[tuple[str, int]], rates: Rates, at: datetime) -> Sums:
    """Sums by currency in the base currency, each rounded once; '' stands for no amount.

    The base itself comes first: what a mistyped rate makes of others takes no room from it.
    """
    own, without_rate = 0, dict[str, int]()
    for currency, amount_minor in sorted(amounts, key=lambda sum: sum[0] != rates.base):
        if not currency:
            continue
        converted = rates.convert(Money(amount_minor, currency), at)
        if converted is None or own + converted.amount_minor > LARGEST:
            without_rate[currency] = without_rate.get(currency, 0) + amount_minor
        else:
            own += converted.amount_minor
    return Sums(own, without_rate)


def factor_into(currency: str, rates: Rates, at: datetime) -> Decimal | None:
    """From this currency's minor unit to the base's; 1 for the base itself."""
    return Decimal(1) if currency == rates.base else rates.factor(currency, at)


def factor_of(rate: Decimal, currency: str, base: str) -> Decimal:
    """From the minor unit of one currency to that of the other."""
    return rate.scaleb(exponent(base) - exponent(currency))


def clean(
    entries: Sequence[RateEntry], base: str, place: Callable[[int], str] = "rates.{}".format
) -> list[Rate]:
    """Read what was entered; of two for one day the last one counts. Raises EntryRefused.

    `place` names the entry of a number in what is complained of.
    """
    entry = Entry()
    found: dict[tuple[str, date], Rate] = {}
    refused = 0
    for number, given in enumerate(entries):
        rate = _clean(entry, given, base, place(number))
        if rate is not None:
            found[rate.currency, rate.valid_from] = rate
        else:
            refused += 1
        if refused == MOST_PROBLEMS:
            break
    entry.done()
    return list(found.values())


def read_rate(text: str) -> Decimal | None:
    """A positive decimal number, or None."""
    if not _NUMBER.fullmatch(text):
        return None
    rate = Decimal(text)
    return rate if 0 < rate <= MAX_RATE else None


def read_day(text: str) -> date | None:
    """A civil date, or None."""
    try:
        day = date.fromisoformat(text) if len(text) == len("YYYY-MM-DD") else None
    except ValueError:
        return None
    return day if day is None or day >= _FIRST_DAY else None


def _clean(entry: Entry, given: RateEntry, base: str, where: str) -> Rate | None:
    currency, day, rate = given.currency.upper(), read_day(given.valid_from), read_rate(given.rate)
    known = is_currency(currency) and currency != base
    if not is_currency(currency):
        entry.refuse(f"{where}.currency", "CURRENCY_UNKNOWN", "Use an ISO 4217 code such as USD.")
    elif not known:
        entry.refuse(f"{where}.currency", "CURRENCY_IS_OWN", f"{base} is the workspace's own.")
    if day is None:
        entry.refuse(f"{where}.valid_from", "DATE_INVALID", "This is no date; write YYYY-MM-DD.")
    if rate is None:
        entry.refuse(
            f"{where}.rate", "RATE_INVALID", "A number above 0 with a point, such as 0.9213."
        )
    return Rate(currency, day, rate) if known and day and rate else None
