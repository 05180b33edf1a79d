"""What the cells of a row mean."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from crm.domain.custom_field import FieldState, FieldType, Resource
from crm.domain.entries import Amount, Entry
from crm.domain.errors import EntryRefused
from crm.domain.import_cells import CellReader, ClientCells, DealCells
from crm.domain.imports import Row
from crm.domain.notations import DecimalMark, Notation

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.fixture
def reader() -> CellReader:
    return CellReader(currency="EUR", zone=ZoneInfo("Europe/Zurich"), now=NOW)


def deal(reader: CellReader, row: Row) -> DealCells:
    """Raises EntryRefused."""
    cells = reader.deal(entry := Entry(), row)
    entry.done()
    return cells


def client(reader: CellReader, row: Row) -> ClientCells:
    """Raises EntryRefused."""
    cells = reader.client(entry := Entry(), row)
    entry.done()
    return cells


def test_a_civil_date_is_the_beginning_of_that_day_in_the_workspace(reader: CellReader) -> None:
    cells = deal(reader, Row(2, {"name": "x", "created_at": "2025-07-01"}))
    assert cells.created_at == datetime(2025, 6, 30, 22, tzinfo=UTC)


def test_an_instant_is_itself(reader: CellReader) -> None:
    row = Row(2, {"created_at": "2025-07-01T10:00:00Z", "closed_at": "2025-07-02 10:00:00+02:00"})
    cells = deal(reader, row)
    assert cells.created_at == datetime(2025, 7, 1, 10, tzinfo=UTC)
    assert cells.closed_at == datetime(2025, 7, 2, 8, tzinfo=UTC)


def test_what_is_known_of_the_past_bounds_what_is_not(reader: CellReader) -> None:
    assert deal(reader, Row(2, {"name": "x"})).created_at == NOW
    cells = deal(reader, Row(2, {"closed_at": "2025-03-01", "entered_stage_at": "2025-02-01"}))
    assert cells.created_at == cells.entered_stage_at


def test_amounts_are_in_major_units(reader: CellReader) -> None:
    def amount(text: str, currency: str = "") -> Amount | None:
        return deal(reader, Row(2, {"amount": text, "currency": currency})).amount

    assert amount("1054.0") == Amount(105_400, "EUR")
    assert amount("1054", "jpy") == Amount(1054, "JPY")
    assert amount("") is None


@pytest.mark.parametrize(
    ("text", "mark", "currency", "minor"),
    [
        ("1.234,56", ".", "EUR", 123_456),
        ("1,234.56", ",", "EUR", 123_456),
        ("1 234,56", ",", "EUR", 123_456),
        ("1\u202f234,56", ".", "EUR", 123_456),
        ("1'234.56", ".", "CHF", 123_456),
        ("1’234.56", ",", "CHF", 123_456),
        ("1,234", ".", "JPY", 1234),
        ("¥1,234", ".", "", 1234),
        ("1.234", ",", "JPY", 1234),
        ("1.234", ".", "KWD", 1234),
        ("1,234", ",", "KWD", 1234),
        ("1,234.567", ".", "KWD", 1_234_567),
        ("12", ".", "KWD", 12_000),
    ],
)
def test_an_amount_has_the_places_of_its_currency(
    text: str, mark: str, currency: str, minor: int
) -> None:
    notation = Notation(DecimalMark(mark))
    reader = CellReader(currency="JPY", zone=UTC, now=NOW, notation=notation)
    cells = deal(reader, Row(2, {"amount": text, "currency": currency}))
    assert cells.amount == Amount(minor, currency or "JPY")


@pytest.mark.parametrize(
    ("text", "currency", "said"),
    [
        ("10.5", "JPY", "JPY has 0 decimal places."),
        ("10.5678", "KWD", "KWD has 3 decimal places."),
        ("10.567", "EUR", "EUR has 2 decimal places."),
        ("1.23.4", "EUR", "“1.23.4” is no amount."),
        ("12 euros", "EUR", "“12 euros” is no amount."),
    ],
)
def test_an_amount_of_another_scale_is_refused_by_what_is_wrong(
    reader: CellReader, text: str, currency: str, said: str
) -> None:
    with pytest.raises(EntryRefused) as refusal:
        deal(reader, Row(2, {"amount": text, "currency": currency}))
    assert refusal.value.fields == {"amount": said}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.234 KWD", {"amount_minor": 1234, "currency": "KWD"}),
        ("¥ 1,234", {"amount_minor": 1234, "currency": "JPY"}),
        ("1.234,56 €", {"amount_minor": 123_456, "currency": "EUR"}),
        ("7", {"amount_minor": 700, "currency": "EUR"}),
    ],
)
def test_an_amount_of_an_own_field_has_the_places_of_its_currency(
    text: str, value: dict[str, object]
) -> None:
    budget = FieldState(
        resource=Resource.DEALS,
        key="budget",
        name="Budget",
        type=FieldType.MONEY,
        options=(),
        position=0,
    )
    reader = CellReader(currency="EUR", zone=UTC, now=NOW, customs={"budget": budget})
    cells = deal(reader, Row(2, {"cf_budget": text}))
    assert cells.custom_fields == {"budget": value}


@pytest.mark.parametrize(
    ("values", "columns"),
    [
        ({"amount": "1.234"}, {"amount"}),
        ({"amount": "--5"}, {"amount"}),
        ({"amount": "(-5)"}, {"amount"}),
        ({"amount": "1", "currency": "euro"}, {"currency"}),
        (
            {"created_at": "soon", "expected_close_date": "2026-13-01"},
            {"created_at", "expected_close_date"},
        ),
        ({"created_at": "2026-02-01"}, {"created_at"}),
        ({"created_at": "2025-02-01", "closed_at": "2025-01-01"}, {"closed_at"}),
        ({"created_at": "2025-02-01", "entered_stage_at": "2025-01-01"}, {"entered_stage_at"}),
    ],
)
def test_each_cell_that_cannot_be_read_is_named(
    reader: CellReader, values: dict[str, str], columns: set[str]
) -> None:
    with pytest.raises(EntryRefused) as refusal:
        deal(reader, Row(2, values))
    assert set(refusal.value.fields) == columns


def test_lists_are_taken_apart(reader: CellReader) -> None:
    row = Row(2, {"kind": "PERSON", "emails": "a@b.ch; c@d.ch", "tags": "x,y|z,", "created_at": ""})
    cells = client(reader, row)
    assert (cells.kind, cells.emails, cells.tags) == (
        "person",
        ["a@b.ch", "c@d.ch"],
        ["x", "y", "z"],
    )
    assert cells.created_at == NOW
    with pytest.raises(EntryRefused):
        client(reader, Row(2, {"kind": "robot"}))


def test_an_expected_close_may_lie_in_the_future(reader: CellReader) -> None:
    cells = deal(reader, Row(2, {"expected_close_date": "2027-01-01"}))
    assert cells.expected_close_date == date(2027, 1, 1)
