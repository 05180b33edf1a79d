"""Numbers and dates of a document, written as its reader's language does."""

import math
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_skeleton
from babel.numbers import format_decimal, format_percent

from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from freelanceflow.type.v1.money_pb2 import Money
from kit.money import Money as Amount
from kit.wording import locale_of, money_in_words

PAST_MONTHS = 24


class Words:
    """For one language; English where it is not known."""

    def __init__(self, locale: str) -> None:
        self._locale = locale_of(locale)

    @property
    def language(self) -> str:
        """Its code."""
        return str(self._locale.language)

    def money(self, amount: Money) -> str:
        """Whole units, as the key figures of pages show them."""
        return self.minor(amount.amount_minor, amount.currency_code)

    def minor(self, minor: float, currency: str) -> str:
        """An amount in minor units; without a currency it is a number of deals."""
        if not currency:
            return self.number(minor, 1)
        return money_in_words(Amount(round(minor), currency), self._locale, "whole")

    def number(self, value: float, digits: int = 0) -> str:
        """A plain number."""
        pattern = "#,##0" + ("." + "#" * digits if digits else "")
        return format_decimal(value, pattern, locale=self._locale)

    def share(self, value: float) -> str:
        """A share from 0 to 1."""
        return format_percent(value, "#,##0%", locale=self._locale)

    def odds(self, value: float) -> str:
        """A share that is never certain."""
        return "over 99%" if value > 0.99 else "under 1%" if value < 0.01 else self.share(value)

    def figure(self, name: str, value: float) -> str:
        """A key figure that is no amount."""
        if name == "win_rate":
            return self.share(value)
        if name == "cycle_days":
            days = round(value)
            return "less than a day" if value < 1 else "1 day" if days == 1 else f"{days:,} days"
        return self.number(value)

    def day(self, iso: str) -> str:
        """A civil date."""
        return format_date(date.fromisoformat(iso), "medium", locale=self._locale)

    def month(self, iso: str) -> str:
        """A month such as 2026-05."""
        first = date.fromisoformat(f"{iso}-01")
        return format_skeleton("yMMM", first, locale=self._locale)

    def moment(self, at: datetime, zone: ZoneInfo) -> str:
        """An instant in the workspace's time zone."""
        text = format_datetime(at, "medium", tzinfo=zone, locale=self._locale)
        return text.replace("\u202f", " ")

    def parts(self, total: pre.ForecastTotal, currency: str) -> str:
        """What the sum is made of."""
        told: Any = total
        named = (
            ("won_part", "won already"),
            ("pipeline_part", "expected from deals that are open now"),
            ("new_part", "from deals not opened yet"),
        )
        said = [
            f"{self.minor(getattr(told, name), currency)} {words}"
            for name, words in named
            if told.HasField(name) and round(getattr(told, name))
        ]
        return f"Of that, {', '.join(said)}." if said else ""

    def chart(self, forecast: pre.Forecast) -> dict[str, Any]:
        """Points between 0 and 1, for a sheet of any size."""
        past = list(forecast.history)[-PAST_MONTHS:]
        coming = list(forecast.points)
        most = _round_top(max([*(m.value for m in past), *(p.upper for p in coming), 1.0]))
        steps = max(len(past) + len(coming) - 1, 1)

        def at(index: int, value: float) -> list[float]:
            return [index / steps, min(max(value / most, 0.0), 1.0)]

        here = [at(n, m.value) for n, m in enumerate(past)]
        start = len(past)
        ahead = [at(start + n, p.value) for n, p in enumerate(coming)]
        upper = [at(start + n, p.upper) for n, p in enumerate(coming)]
        lower = [at(start + n, p.lower) for n, p in enumerate(coming)]
        turn = here[-1:]
        months = [*(m.month for m in past), *(p.month for p in coming)]
        return {
            "ticks": [
                {"at": share, "label": self.minor(most * share, forecast.currency_code)}
                for share in (0.0, 0.5, 1.0)
            ],
            "past": here,
            "coming": [*turn, *ahead],
            "band": [*turn, *upper, *reversed(lower)],
            "first": self.month(months[0]),
            "turn": self.month(past[-1].month) if past else "",
            "last": self.month(months[-1]),
        }


def _round_top(most: float) -> float:
    """A round number at least as large, whose half is round too."""
    power = 10.0 ** math.floor(math.log10(most))
    return next(step * power for step in (1, 2, 3, 4, 5, 6, 8, 10) if step * power >= most)
