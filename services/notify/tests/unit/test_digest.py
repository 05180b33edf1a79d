"""When digests are due, in any zone and through every change of its clocks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.domain.digest import HEADINGS, HOUR, SHOWN, Item, digest_day, next_digest, sections
from notify.domain.messages import Kind
from notify.domain.preferences import ONLY_INSIDE

ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",  # half an hour of summer time
        "Asia/Kathmandu",
        "Pacific/Kiritimati",
        "Pacific/Pago_Pago",
        "America/Sao_Paulo",  # changed at midnight
        "Africa/Casablanca",  # winter time in Ramadan
    ]
).map(ZoneInfo)
MOMENTS = st.integers(0, 20 * 365 * 86_400).map(
    lambda seconds: datetime(2015, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@given(ZONES, MOMENTS)
def test_what_comes_goes_out_on_the_next_morning(zone: ZoneInfo, now: datetime) -> None:
    due = next_digest(zone, now)
    assert now < due <= now + timedelta(hours=25)
    assert due.astimezone(zone).time() == HOUR
    assert digest_day(zone, due) == due.astimezone(zone).date()


@given(ZONES, MOMENTS)
def test_every_local_day_has_one_digest(zone: ZoneInfo, now: datetime) -> None:
    """A year of them: no day is left out, and none has two."""
    day = digest_day(zone, now)
    for later in range(1, 367):
        now = next_digest(zone, now)
        assert digest_day(zone, now) == day + timedelta(days=later)
        assert digest_day(zone, now - timedelta(microseconds=1)) == day + timedelta(days=later - 1)


def test_a_day_that_a_zone_left_out_has_none() -> None:
    apia = ZoneInfo("Pacific/Apia")  # went from the 29th to the 31st
    due = next_digest(apia, datetime(2011, 12, 29, 23, tzinfo=UTC))
    assert due == datetime(2011, 12, 30, 18, tzinfo=UTC)
    assert str(digest_day(apia, due)) == "2011-12-31"
    assert next_digest(apia, due) == due + timedelta(days=1)


def item(kind: str, page: str, title: str = "") -> Item:
    return Item(kind, title, "", page)


def test_what_is_about_one_record_stands_together() -> None:
    found = sections(
        [
            item("deal_moved", "deals/a", "1"),
            item("deal_moved", "deals/b", "2"),
            item("deal_won", "deals/b", "3"),
            item("deal_moved", "deals/a", "4"),
            item("of_tomorrow", "", "5"),
        ]
    )
    assert [(s.heading, "".join(i.title for i in s.items), s.more) for s in found] == [
        ("Deals won", "3", 0),
        ("Deals moved", "142", 0),
        ("Other", "5", 0),
    ]


def test_many_of_a_kind_are_counted() -> None:
    (found,) = sections(item("deal_moved", f"deals/{n}") for n in range(SHOWN + 3))
    assert (len(found.items), found.more) == (SHOWN, 3)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in ONLY_INSIDE])
def test_every_kind_that_goes_by_mail_has_a_heading(kind: Kind) -> None:
    assert HEADINGS[kind]
