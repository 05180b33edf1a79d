"""Periods of whole days in a workspace's own time zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from analytics.domain.errors import DateInvalid, RangeEmpty
from kit.years import FIRST_YEAR, LAST_YEAR, is_plausible

USUAL_DAYS = 90


@dataclass(frozen=True)
class Period:
    """From `first` to `last`, both included."""

    first: date
    last: date
    zone: ZoneInfo

    @classmethod
    def read(cls, first: str, last: str, *, zone: str, now: datetime) -> "Period":
        """As asked for; the last 90 days when nothing is said. Raises DateInvalid, RangeEmpty."""
        days = ZoneInfo(zone or "UTC")
        end = _date(last, "to") if last else now.astimezone(days).date()
        begin = _date(first, "from") if first else end - timedelta(days=USUAL_DAYS - 1)
        if begin > end:
            said = "The first day comes after the last."
            raise RangeEmpty(said, fields={"from": said})
        return cls(begin, end, days)

    @property
    def days(self) -> int:
        """How many there are."""
        return (self.last - self.first).days + 1

    @property
    def start(self) -> datetime:
        """The instant at which it begins."""
        return datetime.combine(self.first, time(), self.zone).astimezone(UTC)

    @property
    def end(self) -> datetime:
        """The instant at which it is over; not part of it."""
        after = self.last + timedelta(days=1)
        return datetime.combine(after, time(), self.zone).astimezone(UTC)

    def before(self) -> "Period":
        """The period of equal length that ends where this one begins."""
        last = self.first - timedelta(days=1)
        return Period(last - timedelta(days=self.days - 1), last, self.zone)


def _date(text: str, field: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        said = "Give a date such as 2026-03-31."
        raise DateInvalid(said, fields={field: said}) from None
    if not is_plausible(day):
        said = f"Periods lie between the years {FIRST_YEAR} and {LAST_YEAR}."
        raise DateInvalid(said, fields={field: said})
    return day
