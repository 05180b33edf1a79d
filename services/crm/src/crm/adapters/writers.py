"""Tables as files: CSV, Excel, and PDF. Rows go in one by one, bytes come out in pieces."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, tzinfo
from decimal import Decimal
from importlib.resources import files
from typing import IO, Any, Protocol

from crm.adapters.csv_writer import PIECE, CsvWriter, written_day
from crm.domain.exports import Column, Format, Kind, Table
from kit import documents
from kit.money import exponent, unusual_exponents

FIRST_YEAR = 1901  # sheets count days from 1900 on, and believe that it was a leap year
MAX_TEXT = 32_767  # characters of a cell, says Excel
_FORMATS = {
    Kind.NUMBER: "#,##0",
    Kind.SHARE: "0%",
    Kind.DATE: "yyyy-mm-dd",
    Kind.INSTANT: "yyyy-mm-dd hh:mm",
    Kind.FIGURE: "General",
}
_TITLE = 80  # characters of a title on paper


class Writer(Protocol):
    """Takes rows of plain values, gives the file."""

    def add(self, row: Sequence[Any]) -> None:
        """One more row."""

    def pieces(self) -> Iterator[bytes]:
        """What can be sent by now."""

    def end(self) -> Iterator[bytes]:
        """The rest of the file."""


def writer_for(format: Format, table: Table, copy: IO[bytes]) -> Writer:
    """A writer; `copy` is an empty file for what is finished only at its end."""
    if format is Format.CSV:
        return CsvWriter([column.header for column in table.columns], raw=table.raw)
    return SheetWriter(table, copy) if format is Format.XLSX else PaperWriter(table)


def plain(column: Column, row: Any, zone: tzinfo, currency: str) -> Any:
    """A value of a list as a file holds it: None, a text, a number, a day or a local time.

    `currency` is the workspace's: amounts of custom fields in another one carry theirs.
    """
    value = row[column.source]
    if column.key:
        return _custom(column.kind, (value or {}).get(column.key), currency)
    if value is None or value == "":
        return None
    match column.kind:
        case Kind.LIST:
            return "; ".join(value) or None
        case Kind.MONEY:
            currency = row["currency"] or "EUR"
            return Decimal(value).scaleb(-exponent(currency))
        case Kind.INSTANT:
            return value.astimezone(zone).replace(tzinfo=None)
    return value


def _custom(kind: Kind, value: Any, currency: str) -> Any:
    """What a field of the workspace's own holds; the field may have been of another type once."""
    match kind, value:
        case _, None | "":
            return None
        case Kind.FIGURE, int() | float():
            return Decimal(str(value))
        case Kind.MONEY, {"amount_minor": int(minor), "currency": str(code)}:
            amount = Decimal(minor).scaleb(-exponent(code))
            return amount if code == currency else f"{amount:f} {code}"
        case Kind.DATE, str():
            with suppress(ValueError):
                return date.fromisoformat(value)
        case Kind.FLAG, bool():
            return "yes" if value else "no"
        case Kind.LIST, list():
            return "; ".join(map(str, value)) or None
    return str(value)


class SheetWriter:
    """Row after row into a temporary file; no text becomes a formula or a link."""

    def __init__(self, table: Table, copy: IO[bytes]) -> None:
        import xlsxwriter  # a worker's library; whoever serves never loads it

        self._copy = copy
        self._book = xlsxwriter.Workbook(
            copy,
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "remove_timezone": True,
            },
        )
        self._sheet = self._book.add_worksheet(table.title[:31])
        self._row = 0
        self._formats = [self._format(column) for column in table.columns]
        self._amounts = {
            places: self._book.add_format({"num_format": _amount_format(places)})
            for places in (0, *set(unusual_exponents().values()), 2)
        }
        head = self._book.add_format({"bold": True, "bottom": 1})
        for number, column in enumerate(table.columns):
            self._sheet.set_column(number, number, column.width)
            self._sheet.write_string(0, number, column.header, head)
        self._sheet.freeze_panes(1, 0)
        self._kinds = [column.kind for column in table.columns]

    def add(self, row: Sequence[Any]) -> None:
        """One more row."""
        self._row += 1
        given = zip(row, self._kinds, self._formats, strict=True)
        for number, (value, kind, format) in enumerate(given):
            self._write(number, value, kind, format)

    def pieces(self) -> Iterator[bytes]:
        """Nothing: an archive is whole at its end."""
        return iter(())

    def end(self) -> Iterator[bytes]:
        """The whole file."""
        self._sheet.autofilter(0, 0, max(self._row, 1), len(self._kinds) - 1)
        self._book.close()
        self._copy.seek(0)
        while piece := self._copy.read(PIECE):
            yield piece

    def _write(self, number: int, value: Any, kind: Kind, format: Any) -> None:
        match value:
            case None:
                return
            case str():
                self._sheet.write_string(self._row, number, value[:MAX_TEXT], format)
            case datetime() | date() if value.year < FIRST_YEAR:
                self._sheet.write_string(self._row, number, written_day(value), format)
            case datetime() | date():
                self._sheet.write_datetime(self._row, number, value, format)
            case Decimal() if kind is Kind.MONEY:
                places = self._amounts[_places(value)]
                self._sheet.write_number(self._row, number, float(value), places)
            case _:
                self._sheet.write_number(self._row, number, float(value), format)

    def _format(self, column: Column) -> Any:
        pattern = _FORMATS.get(column.kind)
        return self._book.add_format({"num_format": pattern} if pattern else {"num_format": "@"})


class PaperWriter:
    """A table to be printed. The rows are data to the document, never a part of its markup."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._rows: list[list[str]] = []

    def add(self, row: Sequence[Any]) -> None:
        """One more row."""
        self._rows.append([_in_words(value) for value in row])

    def pieces(self) -> Iterator[bytes]:
        """Nothing: a document is whole at its end."""
        return iter(())

    def end(self) -> Iterator[bytes]:
        """The whole file."""
        data = {
            "title": self._table.title[:_TITLE],
            "headers": [column.header for column in self._table.columns],
            "widths": [column.width for column in self._table.columns],
            "right": [
                column.kind in (Kind.MONEY, Kind.NUMBER, Kind.SHARE)
                for column in self._table.columns
            ],
            "rows": self._rows,
        }
        content = documents.pdf(files("crm").joinpath("documents"), "list.typ", data)
        for start in range(0, len(content), PIECE):
            yield content[start : start + PIECE]


def _places(amount: Decimal) -> int:
    """An amount has as many decimal places as its currency, see `cell`."""
    exponent = amount.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _amount_format(places: int) -> str:
    return "#,##0" + ("." + "0" * places if places else "")


def _in_words(value: Any) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return value.date().isoformat()
        case Decimal():
            return f"{value:,}"
        case float():
            return f"{value:.0%}"
        case int():
            return f"{value:,}"
    return str(value)
