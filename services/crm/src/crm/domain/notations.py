"""How a file writes numbers and dates: what its cells give away, and reading them accordingly.

Most cells leave no doubt. Only those that can be read in two ways (1.234, 03/04/2026) need to know
what the rest of the file looks like.
"""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum
from typing import TypeVar

from kit.years import is_plausible

T = TypeVar("T")
LONGEST = 40  # characters of a cell that may be a number or a date


class DecimalMark(StrEnum):
    """What stands before the cents."""

    POINT = "."
    COMMA = ","


class DateOrder(StrEnum):
    """In which order a date in numbers goes."""

    YMD = "ymd"
    DMY = "dmy"
    MDY = "mdy"


IN_WORDS = {
    DateOrder.YMD: "year, month, day",
    DateOrder.DMY: "day, month, year",
    DateOrder.MDY: "month, day, year",
}

# ---------------------------------------------------------------- numbers

_SPACES = dict.fromkeys(map(ord, " \u00a0\u2007\u2009\u202f'’"))
_SYMBOL = r"(?:[A-Za-z]{3}|[€$£¥₹₽₺₩₪฿]|[A-Z]{1,2}\$|Fr\.|kr\.?|zł|Kč|Ft|lei)"
_AMOUNT = re.compile(
    rf"(?P<open>\()?\s*(?P<minus>[-−])?\s*(?P<before>{_SYMBOL})?\s*(?P<inner>[-−])?\s*"
    rf"(?P<digits>\d[\d.,\s'’]*)(?:[.,][-–—])?\s*(?P<after>{_SYMBOL})?\s*(?P<close>\))?"
)
_CODES = {"€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB", "₺": "TRY", "₩": "KRW",
          "₪": "ILS", "฿": "THB", "Fr.": "CHF", "zł": "PLN", "Kč": "CZK", "Ft": "HUF",
          "lei": "RON", "US$": "USD", "A$": "AUD", "C$": "CAD", "R$": "BRL"}  # fmt: skip
_GROUPED = {mark: re.compile(rf"\d{{1,3}}(\{mark}\d{{3}})+") for mark in ".,"}
_EITHER = re.compile(r"(?!0[.,])\d{1,3}[.,]\d{3}")  # 1.234 groups thousands, or has three decimals


@dataclass(frozen=True)
class PlainAmount:
    """A number as computers write it, and the currency that stood beside it, if any."""

    number: str
    currency: str


def plain_amount(text: str, mark: DecimalMark) -> PlainAmount:
    """“€ 1.234,56” as 1234.56 and EUR. Raises ValueError for what is no amount.

    One sign makes it negative; of two nobody knows whether they are one or none.
    """
    found = _AMOUNT.fullmatch(text.strip())
    if found is None or bool(found["open"]) != bool(found["close"]):
        raise ValueError("this is no amount")
    signs = [name for name in ("open", "minus", "inner") if found[name]]
    if len(signs) > 1:
        raise ValueError("this has two signs")
    number = _plain(_digits(text), mark)
    symbol = found["before"] or found["after"] or ""
    return PlainAmount(("-" if signs else "") + number, _CODES.get(symbol, _code(symbol)))


def decimal_evidence(text: str) -> DecimalMark | None:
    """Which mark a cell must have been written with; None where it can be read either way."""
    digits = _digits(text)
    points, commas = digits.count("."), digits.count(",")
    if _EITHER.fullmatch(digits) or not (points or commas):
        return None
    if points and commas:
        return DecimalMark(max(".,", key=digits.rfind))
    mark, other = (".", ",") if points else (",", ".")
    # One that stands twice groups, so the other one is the decimal mark.
    return DecimalMark(other if points + commas > 1 else mark)


def _digits(text: str) -> str:
    """Of an amount, with their marks; nothing for what is no amount."""
    found = _AMOUNT.fullmatch(text.strip())
    return found["digits"].strip().translate(_SPACES).rstrip(".,") if found else ""


def _plain(digits: str, mark: DecimalMark) -> str:
    used = decimal_evidence(digits) or mark
    grouping = "," if used is DecimalMark.POINT else "."
    whole, _, cents = digits.partition(used)
    if grouping in whole and not _GROUPED[grouping].fullmatch(whole):
        raise ValueError("these groups of digits are none")
    whole = whole.replace(grouping, "")
    if not whole.isdecimal() or (cents and not cents.isdecimal()):
        raise ValueError("this is no number")
    return f"{whole}.{cents}" if cents else whole


def _code(symbol: str) -> str:
    return symbol.upper() if len(symbol) == 3 and symbol.isascii() and symbol.isalpha() else ""


# ---------------------------------------------------------------- dates

_TIME = (
    r"(?:[T,\s]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
)
_YEAR_FIRST = re.compile(r"(?P<year>\d{4})([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})\.?" + _TIME)
_COMPACT = re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})" + _TIME)
_IN_NUMBERS = re.compile(
    r"(?P<a>\d{1,2})([-/.])\s?(?P<b>\d{1,2})\2\s?(?P<year>\d{4}|\d{2})" + _TIME
)
_DAY_MONTH = re.compile(
    r"(?P<day>\d{1,2})(?:st|nd|rd|th)?[.\s-]*(?P<word>[^\W\d_]+)\.?[\s,-]*(?P<year>\d{4}|\d{2})"
    + _TIME
)
_MONTH_DAY = re.compile(
    r"(?P<word>[^\W\d_]+)\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})" + _TIME
)
_WEEKDAY = re.compile(r"[^\W\d_]{2,10}\.?,\s+")
_MONTHS = (  # English, German, French, Spanish, Italian, Dutch: by how they begin
    ("jan", "jän", "gen", "ene"),
    ("feb", "fév", "fev"),
    ("mar", "mär", "mrt", "maa"),
    ("apr", "avr", "abr"),
    ("may", "mai", "mag", "mei"),
    ("jun", "juin", "giu"),
    ("jul", "juil", "lug"),
    ("aug", "aoû", "aou", "ago"),
    ("sep", "set"),
    ("oct", "okt", "ott"),
    ("nov",),
    ("dec", "dez", "déc", "dic"),
)
_CENTURY_TURN = 70  # 69 is 2069, 70 is 1970


def date_evidence(text: str) -> DateOrder | None:
    """In which order a cell must have been written; None where it can be read either way."""
    if _YEAR_FIRST.fullmatch(text):
        return DateOrder.YMD
    found = _IN_NUMBERS.fullmatch(text)
    if found is None:
        return None
    first, second = int(found["a"]), int(found["b"])
    if first > 12 >= second:
        return DateOrder.DMY
    if second > 12 >= first:
        return DateOrder.MDY
    return DateOrder.DMY if "." in text.split()[0] else None


def is_date(text: str) -> bool:
    """Whether it looks like one at all."""
    return any(form.fullmatch(text) for form in (_YEAR_FIRST, _IN_NUMBERS, _DAY_MONTH, _MONTH_DAY))


def read_date(text: str, order: DateOrder) -> datetime:
    """A day or an instant; without a zone it has none. Raises ValueError, OverflowError."""
    text = text.strip()
    for form in (_YEAR_FIRST, _COMPACT):
        if found := form.fullmatch(text):
            return _instant(found, int(found["month"]), int(found["day"]))
    if found := _IN_NUMBERS.fullmatch(text):
        first, second = int(found["a"]), int(found["b"])
        if order is DateOrder.MDY:
            first, second = second, first
        return _instant(found, second, first)
    text = _WEEKDAY.sub("", text, count=1)
    for form in (_DAY_MONTH, _MONTH_DAY):
        if found := form.fullmatch(text):
            return _instant(found, _month(found["word"]), int(found["day"]))
    raise ValueError("this is no date")


def _instant(found: re.Match[str], month: int, day: int) -> datetime:
    year = int(found["year"])
    if year < 100:
        year += 1900 if year >= _CENTURY_TURN else 2000
    at = datetime.combine(date(year, month, day), time())
    if not is_plausible(at):
        raise ValueError("nobody means this year")
    if found["hour"] is None:
        return at
    hour, half = int(found["hour"]), (found["half"] or "")[:1].lower()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError("this is no time")
        hour = hour % 12 + (12 if half == "p" else 0)
    at = at.replace(hour=hour, minute=int(found["minute"]), second=int(found["second"] or 0))
    return at.replace(tzinfo=_zone(found["zone"])) if found["zone"] else at


def _zone(text: str) -> timezone:
    if text in ("Z", "UTC", "GMT"):
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


def _month(word: str) -> int:
    word = word.lower()
    for number, beginnings in enumerate(_MONTHS, 1):
        if word.startswith(beginnings):
            return number
    raise ValueError("there is no such month")


# ---------------------------------------------------------------- a whole file


@dataclass(frozen=True)
class Notation:
    """How a file writes what can be read in two ways."""

    mark: DecimalMark = DecimalMark.POINT
    order: DateOrder = DateOrder.YMD


USUAL = Notation()


class Doubt(StrEnum):
    """What one has to know of a file to read some cell of it."""

    MARK = "decimal"
    ORDER = "date_order"


def doubt_of(cell: str) -> Doubt | None:
    """None for a cell that can be read in one way only, or in none."""
    if not _may_tell(cell):
        return None
    if _EITHER.fullmatch(_digits(cell)):
        return Doubt.MARK
    found = _IN_NUMBERS.fullmatch(cell)
    if found is None or date_evidence(cell) is not None:
        return None
    first, second = int(found["a"]), int(found["b"])
    return Doubt.ORDER if first != second and max(first, second) <= 12 else None


def _may_tell(cell: str) -> bool:
    return len(cell) <= LONGEST and any(map(str.isdigit, cell))


class Evidence:
    """What the cells seen so far say."""

    def __init__(self) -> None:
        self._marks: Counter[DecimalMark] = Counter()
        self._orders: Counter[DateOrder] = Counter()

    def see(self, cell: str) -> None:
        """Take one cell into account."""
        if not _may_tell(cell):
            return
        if (order := date_evidence(cell)) is not None:
            self._orders[order] += 1
        elif (mark := decimal_evidence(cell)) is not None:
            self._marks[mark] += 1

    def mark(self, delimiter: str) -> tuple[DecimalMark, bool]:
        """The decimal mark, and whether anything told; else what goes with the delimiter."""
        usual = DecimalMark.COMMA if delimiter == ";" else DecimalMark.POINT
        return _most(self._marks, usual)

    def order(self, delimiter: str) -> tuple[DateOrder, bool]:
        """The order of dates, and whether anything told.

        Years that come first leave no doubt in any case: they say nothing about the others.
        """
        others = self._orders.copy()
        del others[DateOrder.YMD]
        if not others and self._orders:
            return DateOrder.YMD, True
        usual = DateOrder.DMY if delimiter == ";" else DateOrder.MDY
        return _most(others, usual)


def _most(counted: Counter[T], usual: T) -> tuple[T, bool]:
    return (counted.most_common(1)[0][0], True) if counted else (usual, False)
