"""Days where a workspace is."""

from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def zone_of(name: str) -> ZoneInfo:
    """The zone of a workspace; UTC for one that is not known, to us or to this machine."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def day_in_words(day: date) -> str:
    """Such as Monday, 2 March: it may be read on another day."""
    return f"{day:%A}, {day.day} {day:%B}"
