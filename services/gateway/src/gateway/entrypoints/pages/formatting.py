"""Money, dates and counts as people of one locale and time zone read them."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_datetime, format_skeleton, format_time
from babel.numbers import format_decimal, format_percent
from google.protobuf.timestamp_pb2 import Timestamp

from freelanceflow.type.v1.money_pb2 import Money
from kit.clock import from_timestamp
from kit.money import Money as Amount
from kit.wording import MoneyStyle, chance_in_words, level_in_words, locale_of, money_in_words

_NEAR_DAYS = {-1: "Yesterday", 0: "Today", 1: "Tomorrow"}
_A_NIGHT = timedelta(hours=8)  # until then hours are said, though the day is another one
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?[+-]\d\d:\d\d")
Tone = Literal["overdue", "today", "none", "later"]


class Formats:
    """What templates format with; one for each request."""

    def __init__(self, *, locale: str, time_zone: str, now: datetime) -> None:
        self.locale = locale_of(locale)
        self.zone = _zone(time_zone)
        self.now = now
        self.today = now.astimezone(self.zone).date()

    @property
    def direction(self) -> str:
        """The way text runs: ltr or rtl."""
        return "rtl" if self.locale.character_order == "right-to-left" else "ltr"

    def money(self, money: Money) -> str:
        """An amount; whole ones without decimal places, as on cards and in sums."""
        return _money(money, self.locale, "exact")

    def money_short(self, money: Money) -> str:
        """An amount for sums and key figures: without cents, from a million on as €1.2M."""
        return _money(money, self.locale, "short")

    def money_whole(self, money: Money) -> str:
        """An amount that is read beside others of its kind: without cents, never as €1.2M."""
        return _money(money, self.locale, "whole")

    def money_input(self, money: Money) -> str:
        """An amount as a form field holds it: as the locale writes it, without grouping."""
        amount = Amount(money.amount_minor, money.currency_code).amount
        return format_decimal(
            amount,
            locale=self.locale,
            group_separator=False,
            decimal_quantization=False,
        )

    def number_input(self, value: float) -> str:
        """A number as a form field holds it, as an amount."""
        return format_decimal(
            value, locale=self.locale, group_separator=False, decimal_quantization=False
        )

    def number(self, value: float, digits: int = 0) -> str:
        """A plain number with at most so many decimal places."""
        pattern = "#,##0" + ("." + "#" * digits if digits else "")
        return format_decimal(value, pattern, locale=self.locale)

    def percent(self, share: float, digits: int = 0) -> str:
        """A share from 0 to 1."""
        pattern = "#,##0" + ("." + "0" * digits if digits else "") + "%"
        return format_percent(share, pattern, locale=self.locale)

    def chance(self, share: float) -> str:
        """A share of what is never certain: no page says 0 % or 100 % of it."""
        return chance_in_words(share, self.locale)

    def level(self, level: str, evidence: str) -> str:
        """A client's risk of staying away."""
        return level_in_words(level, evidence)

    def custom(self, type: str, value: Any) -> str:
        """What a custom field holds, in words."""
        match type:
            case "money" if hasattr(value, "fields"):
                parts = dict(value.items())
                return self.money(
                    Money(
                        amount_minor=int(parts.get("amount_minor", 0)),
                        currency_code=str(parts.get("currency", "")),
                    )
                )
            case "number" if isinstance(value, float):
                return self.number(value, 6)
            case "date":
                return self.day(str(value))
            case "checkbox":
                return "Yes" if value else "No"
            case "multi_select" if not isinstance(value, str):
                return ", ".join(str(item) for item in value)
        return str(value)

    def plural(self, count: float, one: str, other: str) -> str:
        """The count with the word that fits it: 1 deal, 2 deals."""
        word = one if self.locale.plural_form(count) == "one" else other
        return f"{self.number(count, 1)} {word}"

    def day(self, iso: str) -> str:
        """A civil date, short: 3 Mar, with the year when it is another one."""
        value = date.fromisoformat(iso)
        skeleton = "MMMd" if value.year == self.today.year else "yMMMd"
        return format_skeleton(skeleton, value, locale=self.locale)

    def month(self, iso: str) -> str:
        """A month such as 2026-05: May 2026."""
        return format_skeleton("yMMM", date.fromisoformat(f"{iso}-01"), locale=self.locale)

    def month_short(self, iso: str, with_year: bool) -> str:
        """A month where room is scarce: May, and the year where one begins."""
        first = date.fromisoformat(f"{iso}-01")
        return format_skeleton("yMMM" if with_year else "MMM", first, locale=self.locale)

    def duration(self, days: float) -> str:
        """A number of days in words."""
        return "less than a day" if days < 1 else self.plural(round(days), "day", "days")

    def stamp_day(self, stamp: Timestamp) -> str:
        """The civil date of an instant in the workspace's time zone."""
        return self.day(from_timestamp(stamp).astimezone(self.zone).date().isoformat())

    def stamp(self, stamp: Timestamp) -> str:
        """An instant with date and time in the workspace's time zone."""
        return format_datetime(
            from_timestamp(stamp), "medium", tzinfo=self.zone, locale=self.locale
        ).replace("\u202f", " ")

    def said(self, text: str) -> str:
        """A value out of a history: an instant as the workspace's clocks say it, else as it is."""
        if not _INSTANT.fullmatch(text):
            return text
        stamp = Timestamp()
        stamp.FromDatetime(datetime.fromisoformat(text))
        return f"{self.stamp_day(stamp)}, {self.clock(stamp)}"

    def local(self, stamp: Timestamp) -> datetime:
        """An instant as the clocks of the workspace show it."""
        return from_timestamp(stamp).astimezone(self.zone)

    def clock(self, stamp: Timestamp) -> str:
        """The time of day in the workspace's time zone."""
        text = format_time(self.local(stamp), "short", tzinfo=self.zone, locale=self.locale)
        return text.replace("\u202f", " ")

    def day_name(self, day: date) -> str:
        """What a list of days calls one: Today, Tomorrow, Fri, 3 Mar."""
        distance = (day - self.today).days
        if distance in _NEAR_DAYS:
            return _NEAR_DAYS[distance]
        skeleton = "EEEEMMMd" if day.year == self.today.year else "yEEEEMMMd"
        return format_skeleton(skeleton, day, locale=self.locale)

    def due(self, stamp: Timestamp, all_day: bool) -> tuple[Tone, str]:
        """How urgent something is, and when it is due in words."""
        local = self.local(stamp)
        day = local.date()
        late = day < self.today or (not all_day and local < self.now)
        tone: Tone = "overdue" if late else "today" if day == self.today else "later"
        words = _NEAR_DAYS.get((day - self.today).days) or self.day(day.isoformat())
        return tone, words if all_day else f"{words}, {self.clock(stamp)}"

    def iso(self, stamp: Timestamp) -> str:
        """An instant as `<time datetime>` wants it."""
        return from_timestamp(stamp).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def ago(self, stamp: Timestamp) -> str:
        """How long ago: 3 minutes ago; from the day before on by the calendar, and a date beyond a
        month."""
        passed, days = self.now - from_timestamp(stamp), self.days_since(stamp)
        minutes = round(passed.total_seconds() / 60)
        if minutes < 1:
            return "just now"
        if minutes < 60:
            return f"{self.plural(minutes, 'minute', 'minutes')} ago"
        if days == 0 or passed < _A_NIGHT:
            return f"{self.plural(round(minutes / 60), 'hour', 'hours')} ago"
        if days == 1:
            return "yesterday"
        return f"{self.plural(days, 'day', 'days')} ago" if days <= 30 else self.stamp_day(stamp)

    def days_since(self, stamp: Timestamp) -> int:
        """How many midnights of the workspace have passed since an instant."""
        return max(0, (self.today - self.local(stamp).date()).days)

    def next_step(self, words: str, due: str) -> tuple[Tone, str]:
        """How urgent the next step is, and what to say about it."""
        if not words and not due:
            return "none", "No next step"
        if not due:
            return "later", words
        day = date.fromisoformat(due)
        when = "today" if day == self.today else self.day(due)
        tone: Tone = "overdue" if day < self.today else "today" if day == self.today else "later"
        if not words:
            return tone, f"Due {when}"
        return tone, f"{words} · {when}"


def _money(money: Money, locale: Locale, style: MoneyStyle) -> str:
    if not money.currency_code:
        return ""
    return money_in_words(Amount(money.amount_minor, money.currency_code), locale, style)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def initials(name: str) -> str:
    """One or two letters for an avatar; emoji and signs are left out."""
    words = ["".join(c for c in word if c.isalpha()) for word in name.split()]
    words = [word for word in words if word]
    if not words:
        return "?"
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def avatar_tone(name: str) -> int:
    """Which of the five avatar colours a name gets; the same on every page."""
    return sum(name.encode()) % 5


_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"))
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def device(text: str) -> str:
    """What a person calls the device that sent this User-Agent; other texts stay as they are."""
    system = next((name for sign, name in _SYSTEMS if sign in text), "")
    browser = next((name for sign, name in _BROWSERS if sign in text), "")
    if not browser and "Safari/" in text:
        browser = "Safari"
    return f"{browser} on {system}" if browser and system else text or "Unknown device"


def has(message: Any, field: str) -> bool:
    """Whether an optional field of a message is set."""
    return bool(message.HasField(field))
