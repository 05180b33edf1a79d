"""Files in pieces: wherever they are cut, the same records come out."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain import csv_file
from crm.domain.csv_file import CsvReader, Record, delimiter_of
from crm.domain.errors import EntryRefused
from crm.domain.imports import Layout


def records(content: bytes, size: int) -> list[Record]:
    reader = CsvReader()
    found: list[Record] = []
    for start in range(0, len(content), size):
        found += reader.feed(content[start : start + size])
    return [*found, *reader.end()]


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=8)


@given(
    rows=st.lists(st.lists(cells, max_size=4).map(lambda row: ["x", *row]), max_size=6),
    size=st.integers(1, 9),
    mark=st.booleans(),
    delimiter=st.sampled_from(csv_file.DELIMITERS),
)
def test_what_was_written_is_read_however_it_is_cut(
    rows: list[list[str]], size: int, mark: bool, delimiter: str
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    content = text.getvalue().encode("utf-8-sig" if mark else "utf-8")
    found = records(content, size)
    assert [record.fields(delimiter) for record in found] == rows


def test_rows_are_numbered_as_people_see_them() -> None:
    found = records(b'name\n\n"a\nb"\n  \nc', 3)
    assert [(record.row, record.text) for record in found] == [
        (1, "name"),
        (3, '"a\nb"'),
        (5, "c"),
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'name\n"open', "FILE_UNREADABLE"),
        (b"name\n\x81", "ENCODING_UNKNOWN"),
        ("Zürich\n".encode() + "Zürich".encode("latin-1"), "ENCODING_MIXED"),
        ("a\nb".encode("utf-16") + b"x", "ENCODING_UNKNOWN"),
    ],
)
def test_what_is_no_csv_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(EntryRefused) as refusal:
        records(content, 100)
    assert refusal.value.reason == reason


@pytest.mark.parametrize("content", [b"x" * 300, b'"' + b"line\n" * 100])
def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(csv_file, "MAX_RECORD", 200)
    with pytest.raises(EntryRefused):
        records(content, 50)


def test_rows_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "MAX_ROWS", 3)
    assert len(records(b"a\nb\nc\n", 100)) == 3
    with pytest.raises(EntryRefused):
        records(b"a\nb\nc\nd\n", 100)


def test_a_row_that_cannot_be_read_says_so() -> None:
    with pytest.raises(EntryRefused) as refusal:
        Record(2, 'a"b,"c"d"').fields(",")
    assert refusal.value.reason == "ROW_UNREADABLE"


def test_a_layout_puts_cells_into_fields() -> None:
    layout = Layout(["Title", "Source", "No."], ["name", "source", ""], ";")
    row = layout.row(Record(2, "a, b; web ;7"))
    assert (row["name"], row["source"], row["tags"]) == ("a, b", "web", "")
    assert layout.row(Record(3, "only"))["source"] == ""
    assert layout.row(Record(4, "a;b;c;;"))["name"] == "a"
    with pytest.raises(EntryRefused):
        layout.row(Record(5, "a;b;c;d"))
    assert (layout.header_of("name"), layout.header_of("tags")) == ("Title", "tags")


def test_parts_are_joined() -> None:
    layout = Layout(
        ["First", "Last", "Mail 1", "Mail 2"], ["name", "name", "emails", "emails"], ","
    )
    row = layout.row(Record(2, "Ada,Lovelace,a@b.ch,"))
    assert (row["name"], row["emails"]) == ("Ada Lovelace", "a@b.ch")
    assert layout.row(Record(3, ",Lovelace,a@b.ch,c@d.ch"))["emails"] == "a@b.ch;c@d.ch"
    assert layout.names_in_parts


@pytest.mark.parametrize(
    ("lines", "delimiter"),
    [
        (["name"], ","),
        (["name;amount", "a, b;1,50"], ";"),
        (["name,amount", "a;b,1"], ","),
        (["name\tnote", "a, b\tx; y"], "\t"),
        (["name|note", '"a|b"|c'], "|"),
    ],
)
def test_the_delimiter_is_the_one_that_fits_all_rows(lines: list[str], delimiter: str) -> None:
    assert delimiter_of([Record(n, line) for n, line in enumerate(lines, 1)]) == delimiter


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "windows-1252"])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_encoding_is_found_out(encoding: str, size: int) -> None:
    # Long enough that a piece ends before the first letter that is not ASCII.
    text = "name,city\r\n" + "Meier,Bern\r\n" * 9 + "Müller,Zürich – “Süd”\r\n"
    found = records(text.encode(encoding), size)
    assert found[-1].text == "Müller,Zürich – “Süd”"


def test_lines_of_old_computers_and_what_excel_says_above() -> None:
    assert [r.text for r in records(b"sep=;\rname;x\ra;b", 4)] == ["name;x", "a;b"]
    assert [r.row for r in records(b"name;x\n;;;\na;b\n", 4)] == [1, 3]
