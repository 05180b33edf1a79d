"""The morning digest: when it is due, and how what was collected for it is put together."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from notify.domain.messages import Kind

HOUR = time(8)
SHOWN = 50  # of one kind; the others are counted

# In the order in which they are read.
HEADINGS: dict[str, str] = {
    Kind.ACTIVITY_DUE: "Reminders",
    Kind.DEAL_WON: "Deals won",
    Kind.DEAL_LOST: "Deals lost",
    Kind.DEAL_REOPENED: "Deals opened again",
    Kind.DEAL_MOVED: "Deals moved",
    Kind.ODDS_DROPPED: "Odds that fell",
    Kind.RISK_RISEN: "Clients more at risk",
    Kind.IMPORT_FINISHED: "Imports finished",
    Kind.IMPORT_FAILED: "Imports stopped",
    Kind.EXPORT_FAILED: "Exports failed",
}
OTHER = "Other"  # another release may have collected what this one does not know


class Item(NamedTuple):
    """One notification as it was worded when it came; `page` is what it leads to."""

    kind: str
    title: str
    body: str
    page: str


class Section(NamedTuple):
    """What came of one kind; `more` are counted only."""

    heading: str
    items: Sequence[Item]
    more: int


def digest_day(zone: ZoneInfo, now: datetime) -> date:
    """The day whose digest can go out now: that of the latest morning, however late it is."""
    today = now.astimezone(zone).date()
    return today if _morning(zone, today) <= now else today - timedelta(days=1)


def next_digest(zone: ZoneInfo, now: datetime) -> datetime:
    """When what comes now goes out: the next morning."""
    return _morning(zone, digest_day(zone, now) + timedelta(days=1))


def sections(items: Iterable[Item]) -> list[Section]:
    """Kind by kind; what is about the same record stands together, in the order of its coming."""
    by_heading: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_heading[HEADINGS.get(item.kind, OTHER)].append(item)
    order = (*HEADINGS.values(), OTHER)
    return [_section(heading, by_heading[heading]) for heading in order if heading in by_heading]


def _section(heading: str, items: Sequence[Item]) -> Section:
    place = {page: n for n, page in enumerate(dict.fromkeys(item.page for item in items))}
    together = sorted(items, key=lambda item: place[item.page])
    return Section(heading, together[:SHOWN], len(together[SHOWN:]))


def _morning(zone: ZoneInfo, day: date) -> datetime:
    return datetime.combine(day, HOUR, zone).astimezone(UTC)
