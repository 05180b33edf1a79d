"""How activities repeat: when the next one of a series is due."""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SATURDAY = 5


class Repetition(StrEnum):
    """From one to the next."""

    NONE = ""
    DAILY = "daily"
    WEEKDAYS = "weekdays"
    WEEKLY = "weekly"
    BIWEEKLY = "biweekly"
    MONTHLY = "monthly"
    YEARLY = "yearly"


_STEPS = {
    Repetition.DAILY: timedelta(days=1),
    Repetition.WEEKDAYS: timedelta(days=1),
    Repetition.WEEKLY: timedelta(weeks=1),
    Repetition.BIWEEKLY: timedelta(weeks=2),
}
_MONTHS = {Repetition.MONTHLY: 1, Repetition.YEARLY: 12}


def next_due(
    repetition: Repetition, due: datetime, *, first: datetime, after: datetime, zone: ZoneInfo
) -> datetime:
    """The first turn that is later than `due` and than `after`: missed ones are not made up for.

    The hour stays what the clock on the wall says. `first` is where the series began: a monthly one
    of the 31st is on the last day of shorter months, and on the 31st again.
    """
    local, begun = due.astimezone(zone), first.astimezone(zone)
    day, at = local.date(), local.time()
    # On the day whose clocks leave the hour out it is shown as another one, and stays the same.
    if on(day, begun.time(), zone) == due:
        at = begun.time()
    while True:
        day = _following(repetition, day, begun.date())
        found = on(day, at, zone)
        if found > due and found > after:
            return found


def on(day: date, at: time, zone: ZoneInfo) -> datetime:
    """What the wall clock shows, as an instant: in UTC, as times of one zone are compared as on the
    wall, with days of twenty-four hours.
    """
    return datetime.combine(day, at, zone).astimezone(UTC)


def zone_of(name: str) -> ZoneInfo:
    """A time zone by its name; one that nobody knows is UTC."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _following(repetition: Repetition, day: date, anchor: date) -> date:
    if repetition in _MONTHS:
        return _months_later(day, _MONTHS[repetition], anchor.day)
    day += _STEPS[repetition]
    while repetition is Repetition.WEEKDAYS and day.weekday() >= SATURDAY:
        day += timedelta(days=1)
    return day


def _months_later(day: date, months: int, wanted_day: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(wanted_day, last))
