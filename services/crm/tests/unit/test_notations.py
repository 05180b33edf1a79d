"""Numbers and dates, written as people and programs do, are read as they were meant."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.notations import (
    DateOrder,
    DecimalMark,
    Doubt,
    Evidence,
    doubt_of,
    plain_amount,
    read_date,
)

MIDNIGHT = time()
POINT, COMMA = DecimalMark
YMD, DMY, MDY = DateOrder
days = st.dates(date(1970, 1, 1), date(2069, 12, 31))
amounts = st.decimals(0, 10**9, places=2)
MONTHS = ("Jan", "February", "März", "avr", "Mai", "juin", "julio", "August", "Sept", "Oktober",
          "nov", "dic")  # fmt: skip


def amount_of(text: str, mark: DecimalMark) -> Decimal | None:
    try:
        return Decimal(plain_amount(text, mark).number)
    except ValueError:
        return None


def date_of(text: str, order: DateOrder) -> datetime | None:
    try:
        return read_date(text, order)
    except ValueError:
        return None


@given(
    amount=amounts,
    mark=st.sampled_from(DecimalMark),
    grouping=st.sampled_from(["", " ", "\u202f", "'", "other"]),
    form=st.sampled_from(["{}", "-{}", "− {}", "({})", "{} €", "€ {}", "$-{}", "{} CHF", "CHF {}"]),
)
def test_an_amount_is_what_was_meant(
    amount: Decimal, mark: DecimalMark, grouping: str, form: str
) -> None:
    between = {"other": "," if mark is POINT else "."}.get(grouping, grouping)
    whole, _, cents = f"{amount:,}".partition(".")
    text = form.format(whole.replace(",", between) + mark + cents)
    negative = any(sign in form for sign in "-−(")
    # With two decimals nothing is left open, whatever the rest of the file looks like.
    for assumed in DecimalMark:
        assert amount_of(text, assumed) == (-amount if negative else amount)
    assert doubt_of(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "much", "1.2.3,4", "1,2,3", "(5", "12.34.567", "1 €  2"),
        *("--5", "− −5", "-€-5", "(-5)", "(€ −5)", "---5", "+5-"),
    ],
)
def test_what_is_no_amount_is_none(text: str) -> None:
    assert [amount_of(text, mark) for mark in DecimalMark] == [None, None]


@given(st.text("0123456789.,", min_size=1, max_size=9))
def test_a_number_is_in_doubt_if_it_can_be_read_in_two_ways(text: str) -> None:
    differ = amount_of(text, POINT) != amount_of(text, COMMA)
    assert (doubt_of(text) is Doubt.MARK) == differ


@given(day=days, order=st.sampled_from(DateOrder), between=st.sampled_from("-/."))
def test_a_date_in_numbers_is_read_in_its_order(day: date, order: DateOrder, between: str) -> None:
    form = {YMD: "%Y{0}%m{0}%d", DMY: "%d{0}%m{0}%Y", MDY: "%m{0}%d{0}%Y"}[order]
    text = day.strftime(form.format(between))
    assert date_of(text, order) == datetime.combine(day, MIDNIGHT)
    short = day.strftime(form.format(between).replace("%Y", "%y"))
    if order is not YMD:
        assert date_of(short, order) == datetime.combine(day, MIDNIGHT)


@given(
    day=days,
    form=st.sampled_from(["{d}. {m} {y}", "{d}-{m}-{y}", "{m} {d}, {y}", "Fri, {d} {m} {y}"]),
)
def test_a_date_in_words_leaves_no_doubt(day: date, form: str) -> None:
    text = form.format(d=day.day, m=MONTHS[day.month - 1], y=day.year)
    for order in DateOrder:
        assert date_of(text, order) == datetime.combine(day, MIDNIGHT)
    assert doubt_of(text) is None


@given(
    day=days,
    clock=st.times().map(lambda clock: clock.replace(second=0, microsecond=0)),
    hours=st.sampled_from([None, 0, 2, -5]),
)
def test_a_time_is_that_of_its_clock_and_zone(day: date, clock: time, hours: int | None) -> None:
    at = datetime.combine(day, clock)
    zone = None if hours is None else timezone(timedelta(hours=hours))
    behind = "" if hours is None else "Z" if hours == 0 else f"{hours:+03}:00"
    for form in ("%Y-%m-%dT%H:%M", "%Y-%m-%d %I:%M %p", "%Y-%m-%d, %H:%M:00"):
        assert date_of(at.strftime(form) + behind, YMD) == at.replace(tzinfo=zone)


@pytest.mark.parametrize(
    "text",
    ["2026-02-30", "31/04/2026", "3 Foo 2026", "2026-01-01 13:00 pm", "2026-01-01 0:30 am", "x"],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert date_of(text, DMY) is None


@given(first=st.integers(1, 14), second=st.integers(1, 14), between=st.sampled_from("/-"))
def test_a_date_is_in_doubt_if_it_can_be_read_in_two_ways(
    first: int, second: int, between: str
) -> None:
    text = f"{first}{between}{second}{between}2026"
    one, other = date_of(text, DMY), date_of(text, MDY)
    in_doubt = one is not None and other is not None and one != other
    assert (doubt_of(text) is Doubt.ORDER) == in_doubt


@given(st.lists(days, min_size=1), st.sampled_from([DMY, MDY]))
def test_one_day_behind_the_twelfth_tells_the_order_of_all(
    some: list[date], order: DateOrder
) -> None:
    form = {DMY: "%d/%m/%Y", MDY: "%m/%d/%Y"}[order]
    evidence = Evidence()
    for day in some:
        evidence.see(day.strftime(form))
    told, certain = evidence.order(",")
    assert certain == any(day.day > 12 for day in some)
    assert not certain or told is order


def test_without_any_sign_the_delimiter_tells_where_a_file_is_from() -> None:
    evidence = Evidence()
    for cell in ("1.234", "03/04/2026", "word", "7"):
        evidence.see(cell)
    assert (evidence.mark(";"), evidence.order(";")) == ((COMMA, False), (DMY, False))
    assert (evidence.mark(","), evidence.order(",")) == ((POINT, False), (MDY, False))
    evidence.see("2026-03-04")  # leaves no doubt, and says nothing of the others
    assert evidence.order(";") == (YMD, True)


def test_utc_is_said_in_three_ways() -> None:
    found = {date_of(f"2026-03-04 10:00{blank}{zone}", YMD)
             for blank, zone in product(("", " "), ("Z", "UTC", "GMT", "+0000"))}  # fmt: skip
    assert found == {datetime(2026, 3, 4, 10, tzinfo=UTC)}
