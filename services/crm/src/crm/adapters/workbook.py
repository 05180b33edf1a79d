"""Workbooks (.xlsx) as CSV: what comes in is read row by row, never as a whole."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from typing import IO, Any

from openpyxl import load_workbook

from crm.domain.csv_file import MAX_ROWS
from crm.domain.errors import EntryRefused, Problem
from crm.domain.file_look import no_table
from crm.domain.imports import MAX_COLUMNS

MAX_UNPACKED = 1_000_000_000  # bytes; a small archive can hold a flood
MAX_SHARED = 200_000_000  # bytes of texts, which are all kept in memory
PIECE = 256 * 1024
_BOOK, _TEXTS = "xl/workbook.xml", "xl/sharedStrings.xml"
_FORMULA_ERRORS = ("#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#N/A", "#NUM!", "#NULL!")


def expect_workbook(file: IO[bytes]) -> None:
    """Raises EntryRefused for an archive that is none, or that is too large when unpacked."""
    try:
        with zipfile.ZipFile(file) as archive:
            sizes = {item.filename: item.file_size for item in archive.infolist()}
    except (zipfile.BadZipFile, OSError, ValueError):
        raise no_table("This archive is damaged.") from None
    if _BOOK not in sizes:
        raise no_table("This is a ZIP archive and no workbook; unpack it first.")
    if sum(sizes.values()) > MAX_UNPACKED or sizes.get(_TEXTS, 0) > MAX_SHARED:
        raise EntryRefused([Problem("file", "FILE_TOO_LARGE", "This workbook is too large.")])


def csv_of(file: IO[bytes]) -> Iterator[bytes]:
    """The first sheet with something in it, as CSV in UTF-8. Raises EntryRefused."""
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
    return str(value)


def _written(rows: Iterable[list[str]]) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        # A quoted blank keeps an empty row a row of its own.
        writer.writerow(row or [" "])
        if text.tell() >= PIECE:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    if text.tell():
        yield text.getvalue().encode()
