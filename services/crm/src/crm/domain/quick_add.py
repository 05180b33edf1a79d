"""One line of text as an activity: “Call Mira Fri 14:00”.

What is understood is taken out of the line, what is left over is the subject. Nothing is refused:
a word that is not understood is part of what is to be done.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from crm.domain.activity import MAX_SUBJECT, ActivityKind
from crm.domain.repetition import Repetition, on
from kit.years import is_plausible

REMIND_BEFORE = timedelta(minutes=15)
MORNING = time(8)  # when a whole day's activity is brought to mind

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DAY = (
    r"(mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs(?:day)?)?|fri(?:day)?|sat(?:urday)?"
    r"|sun(?:day)?)"
)
_KINDS = {
    ActivityKind.CALL: r"call|phone|ring|dial",
    ActivityKind.MEETING: r"meet|meeting|lunch|coffee|visit|workshop|demo",
    ActivityKind.MAIL: r"mail|email|e-mail",
    ActivityKind.NOTE: r"note|remember",
}
_REPETITIONS = (
    (r"every weekday|on weekdays", Repetition.WEEKDAYS),
    (r"every day|daily", Repetition.DAILY),
    (r"every (?:two|other|2nd|2) weeks?|biweekly|fortnightly", Repetition.BIWEEKLY),
    (r"every week|weekly", Repetition.WEEKLY),
    (r"every month|monthly", Repetition.MONTHLY),
    (r"every year|yearly|annually", Repetition.YEARLY),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a line says."""

    kind: ActivityKind
    subject: str
    due_at: datetime | None
    all_day: bool
    remind_at: datetime | None
    repetition: Repetition


def read_line(text: str, *, now: datetime, zone: ZoneInfo) -> Draft:
    """Days and times are those of the wall clock in `zone`."""
    line = _Line(" ".join(text.split()), now.astimezone(zone))
    repetition = line.repetition()
    due, all_day = line.due(zone, repeats=repetition is not Repetition.NONE)
    subject = line.rest() or text.strip()
    return Draft(
        kind=_kind(subject),
        subject=subject[:MAX_SUBJECT],
        due_at=due,
        all_day=all_day,
        remind_at=_reminder(due, all_day, now, zone),
        repetition=repetition,
    )


def _kind(subject: str) -> ActivityKind:
    for kind, words in _KINDS.items():
        if re.match(rf"(?:{words})\b", subject, re.IGNORECASE):
            return kind
    return ActivityKind.TASK


def _reminder(
    due: datetime | None, all_day: bool, now: datetime, zone: ZoneInfo
) -> datetime | None:
    if due is None:
        return None
    local = due.astimezone(zone)
    at = on(local.date(), MORNING, zone) if all_day else due - REMIND_BEFORE
    return at if at > now else None


class _Line:
    """The line, less what was understood of it."""

    def __init__(self, text: str, now: datetime) -> None:
        self._text = text
        self._now = now
        self._today = now.date()

    def rest(self) -> str:
        """What is left over, without the little words that led to a day or a time."""
        return re.sub(r"\s+", " ", self._text).strip(" ,;:-–—")

    def repetition(self) -> Repetition:
        """How often; “every Friday” leaves the Friday."""
        for words, repetition in _REPETITIONS:
            if self._take(words):
                return repetition
        if re.search(rf"\bevery (?={_DAY}\b)", self._text, re.IGNORECASE):
            self._text = re.sub(r"\bevery ", "", self._text, count=1, flags=re.IGNORECASE)
            return Repetition.WEEKLY
        return Repetition.NONE

    def due(self, zone: ZoneInfo, *, repeats: bool) -> tuple[datetime | None, bool]:
        """When, and whether that is a whole day."""
        if found := self._take(r"in (\d{1,3}) (minutes?|mins?|hours?|hrs?)"):
            unit = "hours" if found[2].startswith("h") else "minutes"
            return self._now.astimezone(UTC) + timedelta(**{unit: int(found[1])}), False
        at = self._time()
        day = self._day(at)
        if day is None and at is None and not repeats:
            return None, False
        if day is None:
            passed = at is not None and on(self._today, at, zone) <= self._now
            day = self._today + timedelta(days=1 if passed else 0)
        return on(day, at or time(), zone), at is None

    def _time(self) -> time | None:
        if found := self._take(r"(?:at )?(\d{1,2}):(\d{2}) ?(am|pm)?(?![:\d])", _is_time):
            return _clock(int(found[1]), int(found[2]), found[3])
        if found := self._take(r"(?:at )?(\d{1,2}) ?(am|pm)", _is_time):
            return _clock(int(found[1]), 0, found[2])
        if found := self._take(r"at (\d{1,2})(?![.:/\d])", _is_time):
            return _clock(int(found[1]), 0, None)
        return time(12) if self._take(r"(?:at )?noon") else None

    def _day(self, at: time | None) -> date | None:
        day = self._relative_day() or self._written_day()
        if day is not None:
            return day
        if found := self._take(rf"(?:on |by )?(next )?{_DAY}"):
            return self._weekday(_DAYS.index(found[2].lower()[:3]), at, next_week=bool(found[1]))
        return None

    def _relative_day(self) -> date | None:
        for words, days in (("day after tomorrow", 2), ("tomorrow|tmrw", 1), ("today|tonight", 0)):
            if self._take(rf"(?:by )?(?:the )?(?:{words})"):
                return self._today + timedelta(days=days)
        if found := self._take(r"in (\d{1,3}|an?) (days?|weeks?|months?)"):
            count = 1 if found[1].startswith("a") else int(found[1])
            length = {"d": 1, "w": 7, "m": 30}[found[2][0].lower()]
            return self._today + timedelta(days=count * length)
        if self._take(r"next week"):
            return self._today + timedelta(days=7 - self._today.weekday())
        if self._take(r"next month"):
            return (self._today.replace(day=1) + timedelta(days=32)).replace(day=1)
        return None

    def _written_day(self) -> date | None:
        if found := self._take(r"(?:on |by )?(\d{4})-(\d{2})-(\d{2})", _is_iso_date):
            return date(int(found[1]), int(found[2]), int(found[3]))
        forms = (
            (r"(?:on |by )?(\d{1,2})\.(\d{1,2})\.(\d{4})?(?!\d)", 1, 2, 3),
            (rf"(?:on |by )?(\d{{1,2}})(?:st|nd|rd|th)? {_MONTH}(?: (\d{{4}}))?", 1, 2, 3),
            (rf"(?:on |by )?{_MONTH} (\d{{1,2}})(?:st|nd|rd|th)?(?:,? (\d{{4}}))?(?!:)", 2, 1, 3),
        )
        for words, *groups in forms:
            written = re.compile(words, re.IGNORECASE)
            for found in self._finds(written):
                if (day := self._civil(*found.group(*groups))) is not None:
                    self._cut(found)
                    return day
        return None

    def _civil(self, day: str, month: str, year: str | None) -> date | None:
        """A day of this year or, when that is over, of the next one."""
        number = int(month) if month.isdecimal() else _MONTHS.index(month.lower()[:3]) + 1
        try:
            if year:
                found = date(int(year), number, int(day))
                return found if is_plausible(found) else None
            found = date(self._today.year, number, int(day))
            return found if found >= self._today else date(found.year + 1, number, int(day))
        except ValueError:
            return None

    def _weekday(self, wanted: int, at: time | None, *, next_week: bool) -> date:
        today = self._today
        if next_week:
            return today + timedelta(days=7 - today.weekday() + wanted)
        ahead = (wanted - today.weekday()) % 7
        if ahead == 0 and at is not None and at <= self._now.time():
            ahead = 7
        return today + timedelta(days=ahead)

    def _take(
        self, words: str, fits: Callable[[re.Match[str]], bool] = bool
    ) -> re.Match[str] | None:
        """The first match that fits, cut out of the line."""
        for found in self._finds(re.compile(words, re.IGNORECASE)):
            if fits(found):
                self._cut(found)
                return found
        return None

    def _finds(self, words: re.Pattern[str]) -> Iterator[re.Match[str]]:
        whole = re.compile(rf"(?<![\w.])(?:{words.pattern})(?!\w)", words.flags)
        return whole.finditer(self._text)

    def _cut(self, found: re.Match[str]) -> None:
        self._text = f"{self._text[: found.start()]} {self._text[found.end() :]}"


def _is_time(found: re.Match[str]) -> bool:
    parts = [part for part in found.groups() if part]
    half = parts.pop().lower() if parts[-1].isalpha() else None
    hour, minute = int(parts[0]), int(parts[1]) if len(parts) > 1 else 0
    return minute < 60 and (1 <= hour <= 12 if half else hour < 24)


def _is_iso_date(found: re.Match[str]) -> bool:
    try:
        return is_plausible(date(int(found[1]), int(found[2]), int(found[3])))
    except ValueError:
        return False


def _clock(hour: int, minute: int, half: str | None) -> time:
    if half:
        hour = hour % 12 + (12 if half.lower() == "pm" else 0)
    return time(hour, minute)
