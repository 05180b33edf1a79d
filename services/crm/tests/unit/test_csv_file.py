"""Files in pieces: wherever they are cut, the same records come out."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain import csv_file
from crm.domain.csv_file import CsvReader, Record, delimiter_of
from crm.domain.errors import EntryRefused
from crm.domain.imports import Header, Resource


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
        (b"\xff\xfe", "ENCODING_UNKNOWN"),
        (b"\xc3", "ENCODING_UNKNOWN"),
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


def test_a_header_names_the_cells() -> None:
    header = Header(Resource.DEALS, Record(1, " Name ;SOURCE"))
    row = header.row(Record(2, "a, b; web "))
    assert (row["name"], row["source"], row["tags"]) == ("a, b", "web", "")
    assert header.row(Record(3, "only"))["source"] == ""
    with pytest.raises(EntryRefused):
        header.row(Record(4, "a;b;c"))
    assert delimiter_of("name") == ","
