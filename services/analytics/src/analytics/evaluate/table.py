"""Read a CSV file and say exactly what is wrong with it: which row, which column, which text."""

import csv
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Dates = NDArray[np.datetime64]

EMPTY = ("", "na", "n/a", "nan", "null", "none", "-")
WON = ("1", "1.0", "true", "yes", "won", "win", "closed won", "paid")
LOST = ("0", "0.0", "false", "no", "lost", "loss", "closed lost")
FORMATS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%Y-%m", "%Y%m%d")


class BadFileError(ValueError):
    """The file cannot be read as asked; the message names the row and the column."""


@dataclass(frozen=True, slots=True)
class Table:
    """Texts by column, all of one length. Row numbers in messages are line numbers of the file."""

    path: Path
    columns: dict[str, list[str]]
    lines: list[int]

    def __len__(self) -> int:
        return len(self.lines)

    def find(self, wanted: str, names: Sequence[str]) -> str | None:
        """The column called `wanted` or any of `names`, whatever the case, or None."""
        known = {name.strip().lower(): name for name in self.columns}
        return next((known[n] for n in (wanted, *names) if n in known), None)

    def need(self, wanted: str, names: Sequence[str]) -> str:
        """As `find`; raises BadFileError listing what is there and what would do."""
        found = self.find(wanted, names)
        if found is None:
            raise BadFileError(
                f"{self.path.name}: no column for {wanted!r} (tried {', '.join((wanted, *names))}; "
                f"the file has {', '.join(self.columns)}). Name it with --column {wanted}=NAME."
            )
        return found

    def numbers(self, column: str) -> Floats:
        """The column as numbers, NaN where empty; raises BadFileError for text."""
        return np.array([self._number(column, i) for i in range(len(self))], dtype=np.float64)

    def dates(self, column: str) -> Dates:
        """The column as days, NaT where empty; raises BadFileError for what is no date."""
        style = self._style(column)
        return np.array(
            [self._date(column, i, style) for i in range(len(self))], dtype="datetime64[D]"
        )

    def outcomes(self, column: str) -> Floats:
        """1 for won, 0 for lost, NaN for anything else, which is a deal still open.

        Raises BadFileError when no text says won or lost: then the words are not understood.
        """
        texts = [text.strip().lower() for text in self.columns[column]]
        said = np.array([1.0 if t in WON else 0.0 if t in LOST else np.nan for t in texts])
        spoken = np.flatnonzero(~self.empty(column))
        if len(spoken) and np.isnan(said).all():
            raise self._bad(column, int(spoken[0]), "says neither won nor lost, nor does any other")
        return said

    def is_numeric(self, column: str) -> bool:
        """Whether every text that is not empty reads as a number, and there is one."""
        texts = [t for t in self.columns[column] if not _is_empty(t)]
        return bool(texts) and all(_as_number(t) is not None for t in texts)

    def empty(self, column: str) -> NDArray[np.bool_]:
        """Where the column says nothing."""
        return np.array([_is_empty(text) for text in self.columns[column]], dtype=np.bool_)

    def _number(self, column: str, row: int) -> float:
        text = self.columns[column][row]
        if _is_empty(text):
            return float("nan")
        number = _as_number(text)
        if number is None:
            raise self._bad(column, row, "is not a number")
        return number

    def _style(self, column: str) -> str | None:
        """The one format every date of the column has, so that 03/04 cannot change its meaning."""
        texts = [t.strip() for t in self.columns[column] if not _is_empty(t)]
        return next((f for f in FORMATS if texts and all(_matches(t, f) for t in texts)), None)

    def _date(self, column: str, row: int, style: str | None) -> date | None:
        text = self.columns[column][row].strip()
        if _is_empty(text):
            return None
        try:
            read = datetime.strptime(text, style) if style else datetime.fromisoformat(text)  # noqa: DTZ007
        except ValueError:
            raise self._bad(column, row, "is not a date (2024-12-31 would be one)") from None
        return read.date()

    def _bad(self, column: str, row: int, what: str) -> BadFileError:
        text = self.columns[column][row]
        return BadFileError(
            f"{self.path.name}: row {self.lines[row]}, column {column}: {text!r} {what}."
        )


def read_table(path: Path, renamed: dict[str, str] | None = None) -> Table:
    """Read a CSV (comma, semicolon or tab; .gz too). `renamed` maps our name to the file's.

    Raises BadFileError for a file that is missing, empty, not text, or has a row of another length.
    """
    rows = _rows(path)
    if not rows:
        raise BadFileError(f"{path.name}: the file is empty.")
    header = [name.strip() for name in rows[0][1]]
    twice = {name for name in header if header.count(name) > 1 and name}
    if twice:
        raise BadFileError(f"{path.name}: column {sorted(twice)[0]} is there twice.")
    for line, cells in rows[1:]:
        if len(cells) != len(header):
            raise BadFileError(
                f"{path.name}: row {line} has {len(cells)} cells, the header has {len(header)}."
            )
    if len(rows) == 1:
        raise BadFileError(f"{path.name}: there is a header but no row.")
    columns = {name: [cells[i] for _, cells in rows[1:]] for i, name in enumerate(header) if name}
    for ours, theirs in (renamed or {}).items():
        if theirs not in columns:
            raise BadFileError(
                f"{path.name}: there is no column {theirs!r} (the file has {', '.join(columns)})."
            )
        columns[ours] = columns.pop(theirs)
    return Table(path, columns, [line for line, _ in rows[1:]])


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as stream:
            first = stream.readline()
            delimiter = max(",;\t", key=first.count)
            stream.seek(0)
            reader = csv.reader(stream, delimiter=delimiter, strict=True)
            return [(reader.line_num, cells) for cells in reader if any(c.strip() for c in cells)]
    except FileNotFoundError:
        raise BadFileError(f"{path}: there is no such file.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadFileError(f"{path.name}: cannot be read as CSV text: {error}.") from None


def _is_empty(text: str) -> bool:
    return text.strip().lower() in EMPTY


def _as_number(text: str) -> float | None:
    try:
        number = float(text.strip().replace(" ", "").replace(" ", ""))
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _matches(text: str, style: str) -> bool:
    try:
        datetime.strptime(text, style)  # noqa: DTZ007 - a calendar day has no zone
    except ValueError:
        return False
    return True
