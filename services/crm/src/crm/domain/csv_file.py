"""A CSV file, read in pieces as they come: records with their row numbers, bounded in memory."""

import codecs
import csv
from collections.abc import Iterator
from typing import NamedTuple

from crm.domain.errors import EntryRefused, Problem

MAX_RECORD = 1_000_000  # characters; a quote that is never closed would swallow the file
MAX_ROWS = 500_000
DELIMITERS = ",;\t"


class Record(NamedTuple):
    """One record, not yet taken apart; the header is row 1."""

    row: int
    text: str

    def fields(self, delimiter: str) -> list[str]:
        """Raises EntryRefused."""
        try:
            # A list of one item: line breaks inside of quotes stay where they are.
            (fields,) = csv.reader([self.text], delimiter=delimiter, strict=True)
        except (csv.Error, ValueError) as error:
            raise EntryRefused(
                [Problem("", "ROW_UNREADABLE", f"The row cannot be read: {error}.")]
            ) from None
        return fields


class CsvReader:
    """Takes bytes, gives records; blank lines count as rows and are left out.

    UTF-8 with or without a byte order mark.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._rest = ""  # after the last line break
        self._open: list[str] = []  # lines of a record whose quote is not closed yet
        self._open_size = 0
        self._row = 0

    def feed(self, piece: bytes) -> Iterator[Record]:
        """The records that are complete now. Raises EntryRefused."""
        lines = (self._rest + self._decoded(piece, final=False)).split("\n")
        self._rest = lines.pop()
        if len(self._rest) > MAX_RECORD:
            raise _unreadable("A line is too long.")
        yield from self._records(lines)

    def end(self) -> Iterator[Record]:
        """The last record, if the file does not end with a line break. Raises EntryRefused."""
        rest = self._rest + self._decoded(b"", final=True)
        yield from self._records([rest] if rest else [])
        if self._open:
            raise _unreadable("A quote is opened and never closed.")

    def _decoded(self, piece: bytes, *, final: bool) -> str:
        try:
            return self._decoder.decode(piece, final)
        except UnicodeDecodeError:
            raise EntryRefused(
                [Problem("file", "ENCODING_UNKNOWN", "This is not UTF-8; save it as CSV UTF-8.")]
            ) from None

    def _records(self, lines: list[str]) -> Iterator[Record]:
        # Quotes inside a quoted field are doubled: a record ends where their number is even.
        text: str | None
        for line in lines:
            if line.count('"') % 2:
                text = self._opened_or_closed(line)
            else:
                text = line
                if self._open:
                    self._continued(line)
                    continue
            if text is not None:
                self._row += 1
                if self._row > MAX_ROWS:
                    raise _unreadable(f"At most {MAX_ROWS} rows; split the file.")
                if text and not text.isspace():
                    yield Record(self._row, text.removesuffix("\r"))

    def _opened_or_closed(self, line: str) -> str | None:
        was_open = bool(self._open)
        self._continued(line)
        if not was_open:
            return None
        text, self._open, self._open_size = "\n".join(self._open), [], 0
        return text

    def _continued(self, line: str) -> None:
        self._open.append(line)
        self._open_size += len(line)
        if self._open_size > MAX_RECORD:
            raise _unreadable("A quote is opened and never closed.")


def delimiter_of(header: str) -> str:
    """The one it has most of."""
    return max(DELIMITERS, key=header.count)


def _unreadable(why: str) -> EntryRefused:
    return EntryRefused([Problem("file", "FILE_UNREADABLE", why)])
