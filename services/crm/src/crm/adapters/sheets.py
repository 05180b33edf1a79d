"""What is in a workbook: its sheets, its texts, and the cells of a sheet row by row."""

import posixpath
import re
from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, time, timedelta
from functools import lru_cache
from typing import IO, NamedTuple

from crm.adapters.xml_parts import Part, damaged
from crm.domain.csv_file import MAX_RECORD, MAX_ROWS
from crm.domain.errors import EntryRefused, Problem
from crm.domain.imports import MAX_COLUMNS

MAX_STYLES = 70_000
_EPOCHS = {False: date(1899, 12, 30), True: date(1904, 1, 1)}
_DAY = 86_400_000  # milliseconds
_LEAP = 60  # sheets believe that 1900 was a leap year
# Formats that every program knows by their number: those that are about time.
_OF_TIME = (*range(14, 23), *range(27, 37), 45, 47, *range(50, 59))
_USUAL = {"46": "[h]", **{str(number): "d" for number in _OF_TIME}}
_QUOTED = re.compile(r'"[^"]*"|\[(?!hh?\]|mm?\]|ss?\])[^\]]*\]', re.IGNORECASE)
_OF_DAYS = re.compile(r"(?<![_\\])[dmhys]", re.IGNORECASE)
_OF_SPANS = re.compile(r"\[(hh?|mm?|ss?)\]", re.IGNORECASE)
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_DIGITS = "0123456789"


class Places(Part):
    """Where parts are: relationships by their id."""

    elements = ("Relationship",)

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = base
        self.found: dict[str, tuple[str, str]] = {}  # kind and path

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        """One more."""
        kind = attributes.get("Type", "").rpartition("/")[2]
        path = posixpath.normpath(posixpath.join(self._base, attributes.get("Target", "")))
        self.found[attributes.get("Id", "")] = kind, path.lstrip("/")


class Contents(Part):
    """The sheets in order, and from which day on they count."""

    elements = ("sheet", "workbookPr")

    def __init__(self) -> None:
        super().__init__()
        self.sheets: list[str] = []  # ids of relationships
        self.from_1904 = False

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        """A sheet, or the settings."""
        if name == "workbookPr":
            self.from_1904 = attributes.get("date1904", "0") in ("1", "true")
        else:
            self.sheets += (value for key, value in attributes.items() if key.endswith(" id"))


class Styles(Part):
    """Which styles show a number as a day, a time or a span of time."""

    elements = ("numFmt", "cellXfs", "xf")

    def __init__(self) -> None:
        super().__init__()
        self._own: dict[str, str] = {}
        self._of_cells = False
        self._formats: list[str] = []

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        """A format of its own, or a style of cells."""
        if name == "numFmt":
            self._own[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self._of_cells = True
        elif self._of_cells:
            self._formats.append(attributes.get("numFmtId", "0"))
        if len(self._formats) > MAX_STYLES or len(self._own) > MAX_STYLES:
            raise damaged()

    def end(self, name: str) -> None:
        """Styles of cells are those in one list."""
        if name == "cellXfs":
            self._of_cells = False

    def days_and_spans(self) -> tuple[set[str], set[str]]:
        """The numbers of these styles, as cells name them."""
        days: set[str] = set()
        spans: set[str] = set()
        for number, id in enumerate(self._formats):
            code = _QUOTED.sub("", self._own.get(id, _USUAL.get(id, "")).split(";")[0])
            if _OF_SPANS.search(code):
                spans.add(str(number))
            elif _OF_DAYS.search(code):
                days.add(str(number))
        return days, spans


class Texts(Part):
    """Texts that cells share, in the bytes that they take and no more."""

    elements = ("si", "t", "rPh")

    def __init__(self) -> None:
        super().__init__()
        self._bytes = bytearray()
        self._ends = array("Q")
        self._spoken = False  # how it is pronounced is not what stands there

    def __getitem__(self, number: int) -> str:
        start = self._ends[number - 1] if number else 0
        return self._bytes[start : self._ends[number]].decode()

    def __len__(self) -> int:
        return len(self._ends)

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        """A text, or a part of one."""
        if name == "rPh":
            self._spoken = True
        elif name == "t" and not self._spoken:
            self.listen(True)

    def end(self, name: str) -> None:
        """The parts of a text are one."""
        if name == "t":
            self.listen(False)
        elif name == "rPh":
            self._spoken = False
        else:
            self._ends.append(len(self._bytes))

    def text(self, text: str) -> None:
        """More of it."""
        self._bytes += text.encode("utf-8", "replace")


class Reading(NamedTuple):
    """What the cells of all sheets mean."""

    texts: Texts
    days: Collection[str]
    spans: Collection[str]
    from_1904: bool


class Sheet(Part):
    """The rows of a sheet, by their number; cells as plain texts."""

    elements = ("row", "c", "v", "is", "t", "rPh")

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self._reading = reading
        self._epoch = _EPOCHS[reading.from_1904]
        self._done: list[tuple[int, list[str]]] = []
        self._row = 0
        self._cells: list[str] | None = None
        self._column = self._size = 0
        self._type = self._style = ""
        self._value = ""
        self._spoken = False

    def rows(self, source: IO[bytes]) -> Iterator[tuple[int, Sequence[str]]]:
        """Rows that hold something. Raises EntryRefused."""
        for _ in self.read(source):
            yield from self._done
            self._done = []

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        """A row, a cell, or what a cell holds."""
        if name == "row":
            self._begin_row(attributes.get("r", ""))
        elif self._cells is None:
            return
        elif name == "c":
            self._begin_cell(attributes)
        elif name == "rPh":
            self._spoken = True
        elif name != "is" and (name == "t") is (self._type == "inlineStr") and not self._spoken:
            self.listen(True)

    def end(self, name: str) -> None:
        """A row or a cell is complete."""
        if name in ("v", "t"):
            self.listen(False)
        elif name == "rPh":
            self._spoken = False
        elif name == "c":
            if self._value and self._cells is not None:
                self._keep(self._cells)
        elif name == "row" and self._cells is not None:
            if any(self._cells):
                self._end_row(self._cells)
            self._cells = None

    def text(self, text: str) -> None:
        """More of what a cell holds."""
        self._value += text
        self._size += len(text)
        if self._size > MAX_RECORD:
            raise _too_much(f"Row {self._row} is too long: at most {MAX_RECORD:,} characters.")

    def _begin_row(self, number: str) -> None:
        row = _whole(number) if number else self._row + 1
        if row <= self._row or self._cells is not None:
            raise damaged()
        self._row, self._column, self._size, self._cells = row, 0, 0, []

    def _end_row(self, cells: list[str]) -> None:
        if self._row > MAX_ROWS:  # empty ones down there are no more than formatted
            said = f"There is a row {self._row:,}; at most {MAX_ROWS:,} rows. Split the file."
            raise _too_much(said)
        self._done.append((self._row, cells))

    def _begin_cell(self, attributes: Mapping[str, str]) -> None:
        place = attributes.get("r", "")
        self._column = column_of(place.rstrip(_DIGITS)) if place else self._column + 1
        self._type, self._style = attributes.get("t", "n"), attributes.get("s", "")
        self._value = ""

    def _keep(self, cells: list[str]) -> None:
        value = self._plain()
        if not value:
            return
        if self._column > MAX_COLUMNS:
            said = f"Row {self._row} has a cell in column {self._column:,}; at most {MAX_COLUMNS}."
            raise _too_much(said)
        cells += [""] * (self._column - len(cells))
        cells[self._column - 1] = value

    def _plain(self) -> str:
        value = self._value
        match self._type:
            case "s":
                return self._shared(value)
            case "n":
                return self._number(value.strip())
            case "b":
                return "yes" if value.strip() not in ("0", "false") else "no"
            case "e":  # a formula without a result
                return ""
            case "d":
                return _without_midnight(value.strip())
        return _unescaped(value)

    def _shared(self, value: str) -> str:
        texts = self._reading.texts
        number = _whole(value)
        if number >= len(texts):
            raise damaged()
        text = texts[number]
        self._size += len(text)
        if self._size > MAX_RECORD:
            raise _too_much(f"Row {self._row} is too long: at most {MAX_RECORD:,} characters.")
        return _unescaped(text)

    def _number(self, value: str) -> str:
        if self._style in self._reading.days:
            with suppress(ValueError, OverflowError):
                return self._day(float(value))
        elif self._style in self._reading.spans:
            with suppress(ValueError, OverflowError):
                return str(timedelta(milliseconds=round(float(value) * _DAY)))
        try:
            plain = float(value)
            if plain.is_integer():
                # Digits as they are written: a float has no more than fifteen of them.
                return str(int(value) if value.lstrip("-").isdecimal() else int(plain))
        except (ValueError, OverflowError):
            return value  # whoever reads the row says what is wrong
        return f"{plain:.10f}".rstrip("0").rstrip(".")

    def _day(self, value: float) -> str:
        """A day, with its time where there is one; less than a day is a time."""
        days, rest = divmod(round(value * _DAY), _DAY)
        clock = time(*_hours(rest)).isoformat()
        if 0 <= value < 1 and days == 0:
            return clock
        if 0 < value < _LEAP and not self._reading.from_1904:
            days += 1
        day = (self._epoch + timedelta(days=days)).isoformat()
        return f"{day} {clock}" if rest else day


@lru_cache(maxsize=MAX_COLUMNS * 2)
def column_of(letters: str) -> int:
    """A is 1, AA is 27. Raises EntryRefused."""
    number = 0
    for letter in letters:
        place = ord(letter.upper()) - 64
        if not 0 < place <= 26 or number > 20_000:
            raise damaged()
        number = number * 26 + place
    return number


def _hours(milliseconds: int) -> tuple[int, int, int, int]:
    seconds, thousandths = divmod(milliseconds, 1_000)
    minutes, seconds = divmod(seconds, 60)
    return *divmod(minutes, 60), seconds, thousandths * 1_000


def _whole(text: str) -> int:
    with suppress(ValueError, OverflowError):
        number = float(text)
        if number.is_integer() and 0 <= number < 2**53:
            return int(number)
    raise damaged()


def _without_midnight(text: str) -> str:
    day, _, hour = text.removesuffix("Z").partition("T")
    return f"{day} {hour}" if hour.strip("0:.") else day


def _unescaped(text: str) -> str:
    """Sheets spell what XML cannot hold, such as a carriage return."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _too_much(why: str) -> EntryRefused:
    return EntryRefused([Problem("file", "FILE_UNREADABLE", why)])
