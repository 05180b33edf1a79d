"""A CSV file, read in pieces as they come: records with their row numbers, bounded in memory."""

import codecs
import csv
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from crm.domain.errors import EntryRefused, Problem

MAX_RECORD = 1_000_000  # characters; a quote that is never closed would swallow the file
MAX_ROWS = 500_000
DELIMITERS = ",;\t|"
LONGEST_START = 64  # bytes that show how a file is encoded
_NOTHING = DELIMITERS + " \r\n"  # spreadsheets leave such rows behind
_SEPARATOR_LINE = "sep="  # what Excel writes above the header to say it to itself


class Encoding(StrEnum):
    """What bytes stand for; as computers in Europe and America write files."""

    UTF_8 = "utf-8"
    UTF_16_LE = "utf-16-le"
    UTF_16_BE = "utf-16-be"
    WINDOWS_1250 = "windows-1250"
    WINDOWS_1251 = "windows-1251"
    WINDOWS_1252 = "windows-1252"


_MARKS = {
    codecs.BOM_UTF8: Encoding.UTF_8,
    codecs.BOM_UTF16_LE: Encoding.UTF_16_LE,
    codecs.BOM_UTF16_BE: Encoding.UTF_16_BE,
}


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


class Decoder:
    """Bytes to text. Without an encoding it finds out: by a mark, by zeros, or by trying UTF-8.

    What is no UTF-8 and has had no letter beyond ASCII until then is Windows-1252: both are the
    same so far.
    """

    def __init__(self, encoding: Encoding | None = None) -> None:
        self.encoding = encoding or Encoding.UTF_8
        self._certain = encoding is not None
        self._begun = False
        self._start = b""
        self._plain = True  # nothing beyond ASCII so far
        self._decoder = codecs.getincrementaldecoder(self.encoding)()

    def decoded(self, piece: bytes, *, row: int, final: bool) -> str:
        """The text of a piece that begins after `row`. Raises EntryRefused."""
        if not self._begun:
            piece = self._start = self._start + piece
            if len(piece) < LONGEST_START and not final:
                return ""
            piece = self._begin(piece)
        waiting: bytes = self._decoder.getstate()[0]
        try:
            text = self._decoder.decode(piece, final)
        except UnicodeDecodeError as error:
            data = waiting + piece
            return self._otherwise(data, error, row=row, final=final)
        self._plain = self._plain and text.isascii()
        return text

    def _begin(self, piece: bytes) -> bytes:
        self._begun = True
        for mark, encoding in _MARKS.items():
            if piece.startswith(mark) and (not self._certain or encoding is self.encoding):
                self._settle(encoding)
                return piece[len(mark) :]
        if not self._certain:
            start = piece[:LONGEST_START]
            if start[1::2].count(0) > len(start) // 4:
                self._settle(Encoding.UTF_16_LE)
            elif start[::2].count(0) > len(start) // 4:
                self._settle(Encoding.UTF_16_BE)
        return piece

    def _settle(self, encoding: Encoding) -> None:
        self.encoding, self._certain = encoding, True
        self._decoder = codecs.getincrementaldecoder(encoding)()

    def _otherwise(self, data: bytes, error: UnicodeDecodeError, *, row: int, final: bool) -> str:
        here = row + data[: error.start].count(b"\n")
        if self._certain:
            said = f"Row {here} is not {self.encoding}; save the file as CSV UTF-8."
            raise EntryRefused([Problem("file", "ENCODING_UNKNOWN", said)])
        if not self._plain or not data[: error.start].isascii():
            said = f"Row {here} is encoded otherwise than the rows before; save it as CSV UTF-8."
            raise EntryRefused([Problem("file", "ENCODING_MIXED", said)])
        self._settle(Encoding.WINDOWS_1252)
        return self.decoded(data, row=row, final=final)


class CsvReader:
    """Takes bytes, gives records; blank lines count as rows and are left out."""

    def __init__(self, encoding: Encoding | None = None) -> None:
        self._decoder = Decoder(encoding)
        self._rest = ""  # after the last line break
        self._line_end = ""  # not known yet
        self._open: list[str] = []  # lines of a record whose quote is not closed yet
        self._open_size = 0
        self._row = 0

    @property
    def encoding(self) -> Encoding:
        """As far as it is known by now."""
        return self._decoder.encoding

    def feed(self, piece: bytes) -> Iterator[Record]:
        """The records that are complete now. Raises EntryRefused."""
        text = self._rest + self._decoder.decoded(piece, row=self._row + 1, final=False)
        lines = self._lines(text)
        self._rest = lines.pop()
        if len(self._rest) > MAX_RECORD:
            raise _unreadable("A line is too long.")
        yield from self._records(lines)

    def end(self) -> Iterator[Record]:
        """The last record, if the file does not end with a line break. Raises EntryRefused."""
        rest = self._rest + self._decoder.decoded(b"", row=self._row + 1, final=True)
        lines = self._lines(rest)
        yield from self._records(lines if lines[-1] else lines[:-1])
        if self._open:
            raise _unreadable(f"A quote is opened in row {self._row + 1} and never closed.")

    def _lines(self, text: str) -> list[str]:
        if not self._line_end:
            # Old Macs ended lines with \r alone; the last one may be half of a \r\n.
            old = "\n" not in text and "\r" in text[:-1]
            self._line_end = "\r" if old else "\n" if "\n" in text else ""
        return text.split(self._line_end) if self._line_end else [text]

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
                if text.strip(_NOTHING) and not self._says_separator(text):
                    yield Record(self._row, text.removesuffix("\r"))

    def _says_separator(self, text: str) -> bool:
        return self._row == 1 and text.lower().startswith(_SEPARATOR_LINE)

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
            raise _unreadable(f"A quote is opened in row {self._row + 1} and never closed.")


def delimiter_of(records: Sequence[Record]) -> str:
    """The one that takes most records apart into the same number of fields, the more the better."""

    def worth(delimiter: str) -> tuple[float, int, int]:
        counts = [_count(record, delimiter) for record in records]
        usual = counts[0] if counts else 0
        alike = sum(count == usual for count in counts) / max(len(counts), 1)
        return (alike if usual > 1 else 0.0, usual, -DELIMITERS.index(delimiter))

    return max(DELIMITERS, key=worth)


def _count(record: Record, delimiter: str) -> int:
    try:
        return len(record.fields(delimiter))
    except EntryRefused:
        return 0


def _unreadable(why: str) -> EntryRefused:
    return EntryRefused([Problem("file", "FILE_UNREADABLE", why)])
