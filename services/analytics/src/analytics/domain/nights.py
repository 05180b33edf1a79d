"""When a workspace sleeps: models are fitted then, each at its own minute of the early hours."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

BEGINS = time(1, 30)
MINUTES = 210


def zone_of(name: str) -> ZoneInfo:
    """A zone this machine does not know is no reason to compute nothing."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def today(zone: str, now: datetime) -> date:
    """The day it is in a time zone."""
    return now.astimezone(zone_of(zone)).date()


def day_end(day: date, zone: str) -> datetime:
    """The instant at which a day is over."""
    return datetime.combine(day + timedelta(days=1), time(), zone_of(zone)).astimezone(UTC)


def next_night(workspace_id: UUID, zone: str, now: datetime) -> datetime:
    """The next time its models are fitted; spread, so that a thousand workspaces do not meet."""
    minute = timedelta(minutes=workspace_id.int % MINUTES)
    begin = datetime.combine(today(zone, now), BEGINS, zone_of(zone)) + minute
    # As instants: in the night that has an hour twice, wall clocks do not say what is over.
    if begin.astimezone(UTC) <= now:
        begin += timedelta(days=1)
    return begin.astimezone(UTC)
