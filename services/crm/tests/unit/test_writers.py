"""What people type never runs in the program that opens a file, and comes back as it was."""

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crm.adapters.csv_writer import CsvWriter
from crm.adapters.workbook import csv_of as csv_of_workbook
from crm.adapters.writers import SheetWriter
from crm.domain.cells import FORMULA_BEGINNINGS, as_written, harmless
from crm.domain.exports import Column, Kind, Table

TEXTS = st.text(st.sampled_from("=+-@＝\t\r\n;,|\"' aé1(!_x0041"), max_size=12) | st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), max_size=12
)
RUN = tuple("=+-@＝＋－＠")
ROWS = st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4)


def table(*kinds: Kind) -> Table:
    columns = [Column(f"Column {number}", kind, "") for number, kind in enumerate(kinds)]
    return Table(title="Deals", columns=columns, currency="EUR")


def csv_of(rows: Sequence[Sequence[Any]], *, raw: bool = False) -> str:
    writer = CsvWriter([f"Column {number}" for number in range(len(rows[0]))], raw=raw)
    for row in rows:
        writer.add(row)
    return b"".join(writer.end()).decode("utf-8-sig")


def workbook_of(kinds: Sequence[Kind], rows: Sequence[Sequence[Any]]) -> bytes:
    writer = SheetWriter(table(*kinds), io.BytesIO())
    for row in rows:
        writer.add(row)
    return b"".join(writer.end())


def sheet_of(kinds: Sequence[Kind], rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    book = openpyxl.load_workbook(io.BytesIO(workbook_of(kinds, rows)))
    return [list(row) for row in book.active.iter_rows(min_row=2, max_col=len(kinds))]


@given(ROWS)
@example([("a;=1+1", 'b;"=1"')])  # a spreadsheet of another country: its cells end at semicolons
@example([("x", "a\n=1+1")])
def test_no_cell_of_a_csv_begins_a_formula_however_it_is_split(rows: list[tuple[str, str]]) -> None:
    content = csv_of(rows)
    for delimiter in ",;\t":
        for cells in csv.reader(io.StringIO(content, newline=""), delimiter=delimiter):
            assert not [cell for cell in cells if cell.lstrip("\t\r\n").startswith(RUN)]


@given(ROWS)
@example([("'=1", "''=1")])
def test_texts_come_back_out_of_either_file(rows: list[tuple[str, str]]) -> None:
    kept = [[text.strip() for text in row] for row in rows]  # as crm keeps them
    for raw in (False, True):
        _, *found = csv.reader(io.StringIO(csv_of(kept, raw=raw), newline=""))
        read = str if raw else as_written
        assert [[read(cell) for cell in row] for row in found] == kept
    content = b"".join(csv_of_workbook(io.BytesIO(workbook_of([Kind.TEXT] * 2, kept)))).decode()
    _, *found = csv.reader(io.StringIO(content, newline=""))
    assert [[*cells, ""][:2] for cells in found if any(map(str.strip, cells))] == [
        cells for cells in kept if any(cells)
    ]


@given(TEXTS)
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert as_written(harmless(text.strip())) == text.strip()
    plain = text.translate(str.maketrans("", "", FORMULA_BEGINNINGS))
    assert harmless(plain) == plain


@given(ROWS)
@example([("=1+1", "http://example.com")])
@example([("_x0041_", "\ufffe\uffff\x01")])
def test_a_workbook_holds_texts_and_nothing_that_runs(rows: list[tuple[str, str]]) -> None:
    found = sheet_of([Kind.TEXT, Kind.TEXT], rows)
    cells = [cell for row in found for cell in row]
    assert {cell.data_type for cell in cells if cell.value is not None} <= {"s"}
    assert not [cell for cell in cells if cell.hyperlink]


@pytest.mark.parametrize("kind", [Kind.DATE, Kind.INSTANT])
@given(st.datetimes())
@example(datetime.fromisoformat("0001-01-01"))
@example(datetime.fromisoformat("9999-12-31"))
@example(datetime.fromisoformat("1900-02-28"))
def test_any_day_can_be_written(kind: Kind, at: datetime) -> None:
    at = at.replace(microsecond=0, second=0)
    value: date = at.date() if kind is Kind.DATE else at
    ((cell,),) = sheet_of([kind], [[value]])
    assert cell.is_date or str(value)[:10] in cell.value
