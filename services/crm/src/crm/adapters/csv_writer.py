"""CSV for whoever opens it: exports, and what could not be imported or changed."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from crm.domain.cells import harmless

PIECE = 256 * 1024
MARK = "\ufeff"  # without it Excel takes UTF-8 for something else


class CsvWriter:
    """UTF-8 with commas. Texts that a spreadsheet would run are kept from it unless raw."""

    def __init__(self, headers: Sequence[str], *, raw: bool = False) -> None:
        self._text = io.StringIO()
        self._text.write(MARK)
        self._writer = csv.writer(self._text)
        self._raw = raw
        self.add(headers)

    def add(self, row: Sequence[Any]) -> None:
        """One more row."""
        self._writer.writerow(map(self._cell, row))

    def pieces(self) -> Iterator[bytes]:
        """What can be sent by now."""
        if self._text.tell() >= PIECE:
            yield from self.end()

    def end(self) -> Iterator[bytes]:
        """The rest of the file."""
        yield self._text.getvalue().encode("utf-8", "replace")
        self._text.seek(0)
        self._text.truncate()

    def _cell(self, value: Any) -> str:
        match value:
            case None:
                return ""
            case date():
                return written_day(value)
            case str():
                return value if self._raw else harmless(value)
            case Decimal():
                return format(value, "f")
            case float():
                return f"{value:.4f}".rstrip("0").rstrip(".")
        return str(value)


def written_day(value: date) -> str:
    """A day, or a time without its seconds."""
    return value.isoformat(" ", "minutes") if isinstance(value, datetime) else value.isoformat()
