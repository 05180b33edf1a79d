"""Errors, ids, time, money and page tokens: what always holds."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zlib import crc32

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import money
from kit.bus.subjects import partition_of, subject, subjects_of, type_of
from kit.clock import Clock, FakeClock, SystemClock, from_timestamp, to_timestamp
from kit.errors import STATUS, DomainError, ErrorKind, InvalidInput
from kit.ids import new_id, parse_id
from kit.money import Money
from kit.paging import PageTokenInvalid, PageTokens, page_size

CURRENCIES = st.sampled_from(["EUR", "USD", "JPY", "KWD", "CLF", "HUF"])
AMOUNTS = st.integers(-(2**63) + 1, 2**63 - 1)
INSTANTS = st.datetimes(
    datetime(1, 1, 2),  # noqa: DTZ001 hypothesis adds the time zone
    datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def test_every_kind_of_error_has_its_statuses() -> None:
    assert set(STATUS) == set(ErrorKind)
    assert all(hasattr(grpc.StatusCode, status.grpc) for status in STATUS.values())


def test_an_error_carries_what_a_client_may_switch_on() -> None:
    class LostReasonMissing(DomainError):
        kind, reason = ErrorKind.INVALID, "LOST_REASON_MISSING"

    error = LostReasonMissing("Say why.", fields={"lost_reason_id": "Choose one."}, deal="7")
    assert (error.message, error.fields) == ("Say why.", {"lost_reason_id": "Choose one."})
    assert error.details == {"deal": "7"}


def test_ids_are_version_7_rise_and_tell_their_time() -> None:
    before = datetime.now(UTC)
    ids = [new_id() for _ in range(10_000)]
    assert ids == sorted(set(ids))
    assert {(one.version, one.variant) for one in ids} == {(7, "specified in RFC 4122")}
    told = datetime.fromtimestamp((ids[0].int >> 80) / 1000, UTC)
    assert abs(told - before) < timedelta(minutes=1)


def test_ids_of_many_threads_never_meet() -> None:
    with ThreadPoolExecutor(8) as threads:
        batches = list(threads.map(lambda _: [new_id() for _ in range(2000)], range(8)))
    assert len({one for batch in batches for one in batch}) == 16_000
    assert all(batch == sorted(batch) for batch in batches)


def test_ids_rise_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    now = new_id()
    monkeypatch.setattr("kit.ids.time.time_ns", lambda: 0)
    assert new_id() > now


@given(st.uuids())
def test_an_id_is_read_as_it_was_written(one: UUID) -> None:
    assert parse_id(str(one), "deal_id") == one


@given(st.text().filter(lambda text: len(text) != 32 and len(text) != 36))
def test_what_is_no_id_names_its_field(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_id(text, "deal_id")
    assert list(refusal.value.fields) == ["deal_id"]


@given(INSTANTS)
def test_an_instant_survives_the_wire(at: datetime) -> None:
    assert from_timestamp(to_timestamp(at)) == at


def test_an_instant_elsewhere_is_the_same_instant() -> None:
    at = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=5)))
    assert from_timestamp(to_timestamp(at)) == at


def test_a_naive_time_is_no_instant() -> None:
    with pytest.raises(ValueError, match="time zone"):
        to_timestamp(datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.fixture(params=["system", "fake"])
def clock(request: pytest.FixtureRequest) -> Clock:
    return SystemClock() if request.param == "system" else FakeClock(datetime.now(UTC))


def test_a_clock_tells_aware_time_that_never_goes_back(clock: Clock) -> None:
    first, second = clock.now(), clock.now()
    assert first.tzinfo is UTC
    assert first <= second


def test_a_fake_clock_goes_when_told() -> None:
    clock = FakeClock(datetime(2026, 1, 1, tzinfo=UTC))
    clock.advance(timedelta(days=1))
    assert clock.now() == datetime(2026, 1, 2, tzinfo=UTC)
    clock.set(datetime(2027, 1, 1, tzinfo=UTC))
    assert clock.now() == datetime(2027, 1, 1, tzinfo=UTC)


@given(AMOUNTS, CURRENCIES)
def test_money_is_read_as_it_is_shown(minor: int, currency: str) -> None:
    amount = Money(minor, currency)
    shown = f"{amount.amount:f}"
    assert money.parse(shown, currency) == amount
    assert str(amount).replace(",", "") == f"{shown} {currency}"


@given(st.decimals(-(10**9), 10**9, allow_nan=False, places=6), CURRENCIES)
def test_rounding_is_at_most_half_a_minor_unit(amount: Decimal, currency: str) -> None:
    rounded = Money(1, "EUR").converted(amount, currency)
    assert abs(rounded.amount_minor - amount) <= Decimal("0.5")


@pytest.mark.parametrize(
    ("factor", "minor"), [("0.125", 12), ("0.135", 14), ("-0.125", -12), ("0.005", 0)]
)
def test_halves_go_to_the_even_neighbour(factor: str, minor: int) -> None:
    assert Money(100, "USD").converted(Decimal(factor), "EUR").amount_minor == minor


@pytest.mark.parametrize(
    ("currency", "shown"),
    [("EUR", "12,345.67 EUR"), ("JPY", "1,234,567 JPY"), ("KWD", "1,234.567 KWD")],
)
def test_a_currency_has_its_own_minor_unit(currency: str, shown: str) -> None:
    assert str(Money(1_234_567, currency)) == shown


@pytest.mark.parametrize(
    "text",
    ["", "1,5", "1e5", "NaN", "Infinity", "0x1", "1.999", "--1", "٣", "9" * 20, "1." + "0" * 20],
)
def test_what_is_no_amount_is_refused_and_not_rounded(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        money.parse(text, "EUR", field="value")
    assert set(refusal.value.fields) == {"value"}


@pytest.mark.parametrize("made", [lambda: Money(1, "eur"), lambda: Money(2**63, "EUR")])
def test_no_money_out_of_bounds(made: Callable[[], Money]) -> None:
    with pytest.raises(InvalidInput):
        made()


KEYS = st.tuples(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**53), 2**53),
        st.text(),
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    INSTANTS,
    st.uuids(),
)
TOKENS = PageTokens("k" * 32)


@given(KEYS, st.text())
def test_a_page_token_gives_back_its_key(key: tuple[Any, ...], fingerprint: str) -> None:
    assert TOKENS.read(TOKENS.issue(key, fingerprint), fingerprint) == key


@given(KEYS, st.text(), st.text())
def test_a_page_token_of_another_list_is_refused(
    key: tuple[Any, ...], mine: str, yours: str
) -> None:
    if mine != yours:
        with pytest.raises(PageTokenInvalid):
            TOKENS.read(TOKENS.issue(key, mine), yours)


@given(KEYS, st.data())
def test_a_changed_page_token_is_refused(key: tuple[Any, ...], data: st.DataObject) -> None:
    token = TOKENS.issue(key, "deals")
    place = data.draw(st.integers(0, len(token) - 2))  # the last character may hold unused bits
    other = data.draw(st.sampled_from([c for c in "AbC-_9" if c != token[place]]))
    with pytest.raises(PageTokenInvalid):
        TOKENS.read(token[:place] + other + token[place + 1 :], "deals")


@given(st.text())
def test_rubbish_is_no_page_token(text: str) -> None:
    with pytest.raises(PageTokenInvalid) as refusal:
        TOKENS.read(text, "deals")
    assert list(refusal.value.fields) == ["cursor"]


def test_another_keys_page_token_is_refused() -> None:
    with pytest.raises(PageTokenInvalid):
        PageTokens("x" * 32).read(TOKENS.issue((1,), "deals"), "deals")


def test_only_plain_values_are_sort_keys() -> None:
    with pytest.raises(TypeError):
        TOKENS.issue((object(),), "deals")


@pytest.mark.parametrize(("asked", "given_"), [(0, 50), (1, 1), (200, 200), (10_000, 200)])
def test_a_page_is_bounded(asked: int, given_: int) -> None:
    assert page_size(asked) == given_


def test_a_page_of_less_than_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput):
        page_size(-1)


@pytest.mark.parametrize(
    ("workspace", "partition"),
    [
        ("00000000-0000-0000-0000-000000000000", 5),
        ("01920000-0000-7000-8000-000000000001", 5),
        ("01920000-0000-7000-8000-000000000002", 7),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", 2),
    ],
)
def test_partitions_are_the_same_for_ever(workspace: str, partition: int) -> None:
    assert partition_of(UUID(workspace)) == partition


@given(st.uuids())
def test_a_subject_is_told_apart_from_its_type_by_the_partition_only(workspace: UUID) -> None:
    told = subject("crm", workspace, "deal.v1.moved")
    assert told == f"crm.{crc32(workspace.bytes) % 8}.deal.v1.moved"
    assert type_of(told) == "crm.deal.v1.moved"
    assert subjects_of("crm.deal.v1.moved") == "crm.*.deal.v1.moved"
    imported = subject("crm", workspace, "deal.v1.moved", imported=True)
    assert imported == f"{told}.imported"
    assert type_of(imported) == "crm.deal.v1.moved"
    assert subjects_of("crm.deal.v1.moved", imported=True) == "crm.*.deal.v1.moved.imported"
