"""iCalendar (RFC 5545), as far as a feed of activities needs it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from freelanceflow.crm.v1.activity_service_pb2 import Activity, ActivityKind
from freelanceflow.crm.v1.calendar_service_pb2 import Calendar, ExpectedClose
from kit.clock import from_timestamp
from kit.money import Money
from kit.wording import DEFAULT_LOCALE, locale_of, money_in_words

LONGEST_LINE = 75  # octets
_MINUTES = {ActivityKind.ACTIVITY_KIND_MEETING: 60}
_USUAL_MINUTES = 30


def calendar_text(calendar: Calendar, zone: str, link: str) -> str:
    """The feed; `link` is where our pages begin, `zone` the calendar's own time zone."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//FreelanceFlow//Calendar//EN",
        "METHOD:PUBLISH",
        _text("X-WR-CALNAME", calendar.workspace_name or "FreelanceFlow"),
        f"X-WR-TIMEZONE:{zone}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
    ]
    for activity in calendar.activities:
        lines += _activity(activity, zone, link)
    for close in calendar.closes:
        lines += _close(close, link)
    lines.append("END:VCALENDAR")
    return "".join(f"{folded}\r\n" for line in lines for folded in _folded(line))


def _activity(activity: Activity, zone: str, link: str) -> Iterator[str]:
    due = from_timestamp(activity.due_time)
    yield from _head(f"activity-{activity.id}", from_timestamp(activity.update_time))
    if activity.all_day:
        yield from _day(due.astimezone(_zone(zone)).date())
    else:
        minutes = _MINUTES.get(activity.kind, _USUAL_MINUTES)
        yield f"DTSTART:{_instant(due)}"
        yield f"DTEND:{_instant(due + timedelta(minutes=minutes))}"
    yield _text("SUMMARY", activity.subject)
    about = [activity.client_name, activity.deal_name, activity.body]
    if said := "\n".join(part for part in about if part):
        yield _text("DESCRIPTION", said)
    yield f"URL:{link}/activities/{activity.id}/edit"
    if activity.HasField("remind_time"):
        yield from ("BEGIN:VALARM", "ACTION:DISPLAY", _text("DESCRIPTION", activity.subject))
        yield f"TRIGGER;VALUE=DATE-TIME:{_instant(from_timestamp(activity.remind_time))}"
        yield "END:VALARM"
    yield "END:VEVENT"


def _close(close: ExpectedClose, link: str) -> Iterator[str]:
    yield from _head(f"close-{close.deal_id}", from_timestamp(close.update_time))
    yield from _day(date.fromisoformat(close.expected_close_date))
    yield "TRANSP:TRANSPARENT"
    yield _text("SUMMARY", f"Expected to close: {close.name}")
    about = [close.client_name]
    if close.HasField("amount"):
        money = Money(close.amount.amount_minor, close.amount.currency_code)
        about.append(money_in_words(money, locale_of(DEFAULT_LOCALE)))
    if said := "\n".join(part for part in about if part):
        yield _text("DESCRIPTION", said)
    yield f"URL:{link}/deals/{close.deal_id}"
    yield "END:VEVENT"


def _head(name: str, changed: datetime) -> Iterator[str]:
    yield from ("BEGIN:VEVENT", f"UID:{name}@freelanceflow")
    yield f"DTSTAMP:{_instant(changed)}"


def _day(day: date) -> Iterator[str]:
    yield f"DTSTART;VALUE=DATE:{day:%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{day + timedelta(days=1):%Y%m%d}"


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(name: str, value: str) -> str:
    for character in "\\;,":
        value = value.replace(character, f"\\{character}")
    kept = "".join(c for c in value if c.isprintable() or c == "\n")
    return f"{name}:" + kept.replace("\n", "\\n")


def _folded(line: str) -> Iterator[str]:
    """Lines of at most 75 octets, never cut inside a character; further ones begin with a blank."""
    part, size = "", 0
    for character in line:
        width = len(character.encode())
        if size + width > LONGEST_LINE:
            yield part
            part, size = " ", 1
        part += character
        size += width
    yield part


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
