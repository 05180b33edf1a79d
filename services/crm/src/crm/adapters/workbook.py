"""Workbooks (.xlsx) as CSV: what comes in is read row by row, never as a whole."""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time
from typing import IO, Any
from xml.etree.ElementTree import ParseError, fromstring

from crm.domain.csv_file import MAX_ROWS
from crm.domain.errors import EntryRefused, Problem
from crm.domain.file_look import no_table
from crm.domain.imports import MAX_COLUMNS

MAX_UNPACKED = 1_000_000_000  # bytes; a small archive can hold a flood
MAX_SHARED = 200_000_000  # bytes of texts, which are all kept in memory
MAX_WHOLE = 20_000_000  # bytes of a part that is read as a tree, many times its size in memory
PIECE = 256 * 1024
_BOOK, _TEXTS, _TYPES = "xl/workbook.xml", "xl/sharedStrings.xml", "[Content_Types].xml"
# Sheets are read row by row; the other parts named here stay closed to a reader of cells.
_NOT_WHOLE = re.compile(
    r"xl/(worksheets/[^/]+\.xml|sharedStrings\.xml|(media|drawings|charts|embeddings|pivot\w+"
    r"|comments\w*|printerSettings|externalLinks|activeX|ctrlProps|queryTables)\b.*)"
)
_PLACES = {"main+xml": f"/{_BOOK}", "sharedStrings+xml": f"/{_TEXTS}"}
_FORMULA_ERRORS = ("#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#N/A", "#NUM!", "#NULL!")


def expect_workbook(file: IO[bytes]) -> None:
    """Raises EntryRefused for an archive that is none, or that is too large when unpacked."""
    try:
        with zipfile.ZipFile(file) as archive:
            sizes = {item.filename: item.file_size for item in archive.infolist()}
            if _BOOK not in sizes or _TYPES not in sizes:
                raise no_table("This is a ZIP archive and no workbook; unpack it first.")
            _expect_sizes(sizes)
            _expect_places(archive.read(_TYPES))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError):
        raise no_table("This archive is damaged.") from None


def _expect_sizes(sizes: Mapping[str, int]) -> None:
    whole = sum(size for name, size in sizes.items() if not _NOT_WHOLE.fullmatch(name))
    small = whole <= MAX_WHOLE and sizes.get(_TEXTS, 0) <= MAX_SHARED
    if not small or sum(sizes.values()) > MAX_UNPACKED:
        raise EntryRefused([Problem("file", "FILE_TOO_LARGE", "This workbook is too large.")])


def _expect_places(types: bytes) -> None:
    """Parts are where they always are: elsewhere their size would be that of something else."""
    try:
        overrides = [part for part in fromstring(types) if part.tag.endswith("Override")]
    except ParseError:
        raise no_table("This archive is damaged.") from None
    for part in overrides:
        for ending, place in _PLACES.items():
            elsewhere = part.get("PartName", "").lower() != place.lower()
            if part.get("ContentType", "").endswith(ending) and elsewhere:
                raise no_table("This workbook cannot be read.")


def csv_of(file: IO[bytes]) -> Iterator[bytes]:
    """The first sheet with something in it, as CSV in UTF-8. Raises EntryRefused."""
    from openpyxl import load_workbook  # a worker's library; whoever serves never loads it

    try:
        book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except Exception:  # whatever a damaged part makes of the reader
        raise no_table("This workbook cannot be read.") from None
    try:
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # what programs write there is often wrong
            pieces = _written(_rows(sheet))
            if (first := next(pieces, None)) is not None:
                yield first
                yield from pieces
                return
    finally:
        book.close()


def _rows(sheet: Any) -> Iterator[list[str]]:
    """Every row, also empty ones: rows are known by their number. Those at the end are left out."""
    empty = 0
    try:
        for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
            if number > MAX_ROWS:
                raise EntryRefused(
                    [
                        Problem(
                            "file", "FILE_UNREADABLE", f"At most {MAX_ROWS} rows; split the file."
                        )
                    ]
                )
            row = [_cell(cell) for cell in cells[: MAX_COLUMNS + 1]]
            if not any(row):
                empty += 1
                continue
            yield from ([] for _ in range(empty))
            empty = 0
            yield row
    except EntryRefused:
        raise
    except Exception:  # a part that is damaged further down
        raise no_table("A sheet of this workbook cannot be read.") from None


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
        case date() | time():
            return value.isoformat()
        case float():
            return f"{value:.10f}".rstrip("0").rstrip(".")  # never 1e+06
        case str() if value in _FORMULA_ERRORS:
            return ""
        case str() if "_x" in value:
            return _unescaped(value)
    return str(value)


def _unescaped(value: str) -> str:
    """Sheets spell what XML cannot hold, such as a carriage return."""
    from openpyxl.utils.escape import unescape  # as above

    return str(unescape(value))


def _written(rows: Iterable[list[str]]) -> Iterator[bytes]:
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
