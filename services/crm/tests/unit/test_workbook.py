"""Any workbook reads as another reader of workbooks has it."""

import csv
import io
import zipfile
from datetime import date, datetime, time, timedelta

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.utils.escape import escape, unescape

from crm.adapters.sheets import column_of
from crm.adapters.workbook import csv_of
from crm.domain.errors import EntryRefused

texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20)
days = st.dates(date(1901, 1, 1), date(2200, 1, 1))
times = st.times().map(lambda at: at.replace(microsecond=0))
cells = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.floats(-1e9, 1e9, allow_nan=False).map(lambda number: round(number, 6)),
    days,
    st.builds(datetime.combine, days, times),
    times,
    texts.filter(lambda text: not text.startswith("=")).map(escape),
)  # fmt: skip


def of_openpyxl(content: bytes) -> list[list[str]]:
    """The first sheet that holds anything, in our words."""
    for sheet in openpyxl.load_workbook(io.BytesIO(content), data_only=True).worksheets:
        rows = [[plain(cell.value) for cell in row] for row in sheet.iter_rows()]
        while rows and not any(rows[-1]):
            rows.pop()
        if rows:
            return [trimmed(row) for row in rows]
    return []


def ours(content: bytes) -> list[list[str]]:
    text = b"".join(csv_of(io.BytesIO(content))).decode()
    rows = csv.reader(io.StringIO(text, newline=""))
    return [trimmed(row) if row != [" "] else [] for row in rows]


def trimmed(row: list[str]) -> list[str]:
    while row and not row[-1]:
        row = row[:-1]
    return row


def plain(value: object) -> str:
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
            return f"{value:.10f}".rstrip("0").rstrip(".")
        case timedelta():
            return str(value)
        case str():
            return str(unescape(value))
    return str(value)


def saved(book: openpyxl.Workbook) -> bytes:
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.lists(cells, max_size=6), max_size=8), from_1904=st.booleans())
def test_a_workbook_reads_as_openpyxl_reads_it(rows: list[list[object]], from_1904: bool) -> None:
    book = openpyxl.Workbook()
    if from_1904:
        book.epoch = CALENDAR_MAC_1904
        rows = [[c for c in row if not isinstance(c, date) or c.year > 1904] for row in rows]
    for row in rows:
        book.active.append(row)
    content = saved(book)
    assert ours(content) == of_openpyxl(content)


@pytest.mark.parametrize(
    ("format", "expected"),
    [
        ("General", "1.5"),
        ("0.00", "1.5"),
        ("yyyy-mm-dd", "1900-01-01 12:00:00"),
        ("d. mmmm yyyy", "1900-01-01 12:00:00"),
        ('"days" 0', "1.5"),
        ("[Red]0;[Blue]yyyy", "1.5"),
        ("[$-407]d/m/yy", "1900-01-01 12:00:00"),
        ("[h]:mm", "1 day, 12:00:00"),
        ("[mm]:ss", "1 day, 12:00:00"),
        (r"0 \d", "1.5"),
        ("h:mm AM/PM", "1900-01-01 12:00:00"),
    ],
)
def test_formats_say_what_a_number_is(format: str, expected: str) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = 1.5
    book.active["A1"].number_format = format
    assert ours(saved(book)) == [[expected]]


def test_rich_and_spoken_texts_are_what_is_shown() -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "together"
    content = saved(book)
    rich = b"<r><t>to</t></r><r><t>gether</t></r><rPh sb='0' eb='1'><t>x</t></rPh>"
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as given_, zipfile.ZipFile(changed, "w") as made:
        for item in given_.infolist():
            part = given_.read(item)
            made.writestr(item.filename, part.replace(b"<t>together</t>", rich))
    assert ours(changed.getvalue()) == [["together"]]


def test_empty_sheets_are_passed_over_and_an_empty_book_is_an_empty_file() -> None:
    book = openpyxl.Workbook()
    book.create_sheet("Second")["B2"] = "here"
    assert ours(saved(book)) == [[], ["", "here"]]
    assert b"".join(csv_of(io.BytesIO(saved(openpyxl.Workbook())))) == b""


def test_columns_are_letters() -> None:
    assert [column_of(letters) for letters in ("A", "Z", "AA", "XFD")] == [1, 26, 27, 16_384]
    for nonsense in ("A1B", "É", "AAAAAAAA"):
        with pytest.raises(EntryRefused):
            column_of(nonsense)
