"""Workbooks (.xlsx) as CSV: what comes in is read row by row, never as a whole."""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from crm.adapters.sheets import Contents, Places, Reading, Sheet, Styles, Texts
from crm.adapters.xml_parts import damaged
from crm.domain.errors import EntryRefused, Problem
from crm.domain.file_look import no_table

MAX_UNPACKED = 1_000_000_000  # bytes; a small archive can hold a flood
MAX_SHARED = 40_000_000  # bytes of texts that cells share: all of them are kept in memory
MAX_OTHER = 20_000_000  # bytes of a part that says where things are and how they look
PIECE = 256 * 1024
_BOOK, _PLACES = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
# What a damaged archive makes of the libraries that read it.
_DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, OSError, KeyError, ValueError,
            NotImplementedError, RuntimeError)  # fmt: skip


def expect_workbook(file: IO[bytes]) -> None:
    """Raises EntryRefused for an archive that is none, or that is too large when unpacked."""
    with _archive(file) as archive:
        names = archive.namelist()
        if _BOOK not in names or _PLACES not in names:
            raise no_table("This is a ZIP archive and no workbook; unpack it first.")
        _expect_at_most(sum(item.file_size for item in archive.infolist()), MAX_UNPACKED, "It")
        _Book(archive).expect_small()


def csv_of(file: IO[bytes]) -> Iterator[bytes]:
    """The first sheet with something in it, as CSV in UTF-8. Raises EntryRefused."""
    with _archive(file) as archive:
        book = _Book(archive)
        book.expect_small()
        reading = book.reading()
        for path in book.sheets:
            with archive.open(path) as source:
                pieces = _written(_numbered(Sheet(reading).rows(source)))
                if (first := next(pieces, None)) is not None:
                    yield first
                    yield from pieces
                    return


@contextmanager
def _archive(file: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except EntryRefused:
        raise
    except _DAMAGES:
        raise no_table("This archive is damaged.") from None


class _Book:
    """Where in an archive things are."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._contents = Contents()
        places = Places("xl")
        for path, part in ((_PLACES, places), (_BOOK, self._contents)):
            self._expect(path, MAX_OTHER)
            with archive.open(path) as source:
                part.read_all(source)
        self._parts = {kind: path for kind, path in places.found.values()}
        wanted = (places.found.get(id) for id in self._contents.sheets)
        self.sheets = [place[1] for place in wanted if place and place[0] == "worksheet"]
        if not self.sheets:
            raise damaged()

    def expect_small(self) -> None:
        """Raises EntryRefused if what would be kept in memory is too much."""
        self._expect(self._parts.get("sharedStrings"), MAX_SHARED, "The text in it")
        self._expect(self._parts.get("styles"), MAX_OTHER, "Its formatting")

    def reading(self) -> Reading:
        """What all sheets need to be read. Raises EntryRefused."""
        texts, styles = Texts(), Styles()
        for kind, part in (("sharedStrings", texts), ("styles", styles)):
            path = self._parts.get(kind)
            if path in self._archive.namelist():
                with self._archive.open(str(path)) as source:
                    part.read_all(source)
        days, spans = styles.days_and_spans()
        return Reading(texts, days, spans, self._contents.from_1904)

    def _expect(self, path: str | None, most: int, what: str = "A part of it") -> None:
        if path in self._archive.namelist():
            _expect_at_most(self._archive.getinfo(str(path)).file_size, most, what)


def _expect_at_most(size: int, most: int, what: str) -> None:
    if size > most:
        said = (
            f"This workbook is too large: {what.lower()} takes {_megabytes(size)} unpacked, and at"
            f" most {_megabytes(most)} can be read. Save it as CSV."
        )
        raise EntryRefused([Problem("file", "FILE_TOO_LARGE", said)])


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.0f} MB"


def _numbered(rows: Iterable[tuple[int, Sequence[str]]]) -> Iterator[Sequence[str]]:
    """Every row, also empty ones: rows are known by their number. Those at the end are left out."""
    last = 0
    for number, cells in rows:
        yield from ([] for _ in range(number - last - 1))
        yield cells
        last = number


def _written(rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text)  # with its own line ends: a cell with either of them is quoted
    for row in rows:
        # A quoted blank keeps an empty row a row of its own.
        writer.writerow(row or [" "])
        if text.tell() >= PIECE:
            yield text.getvalue().encode("utf-8", "replace")
            text.seek(0)
            text.truncate()
    if text.tell():
        yield text.getvalue().encode("utf-8", "replace")
