"""When the next one of a series is due."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.repetition import Repetition, next_due, zone_of

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("repetition", "due", "after", "expected"),
    [
        (Repetition.DAILY, "2026-03-04 09:00", "2026-03-04 09:05", "2026-03-05 09:00"),
        (Repetition.DAILY, "2026-03-04 09:00", "2026-03-03 18:00", "2026-03-05 09:00"),
        (Repetition.DAILY, "2026-03-04 09:00", "2026-03-20 08:00", "2026-03-20 09:00"),
        (Repetition.WEEKDAYS, "2026-03-06 09:00", "2026-03-06 10:00", "2026-03-09 09:00"),
        (Repetition.WEEKLY, "2026-03-06 09:00", "2026-03-06 10:00", "2026-03-13 09:00"),
        (Repetition.BIWEEKLY, "2026-03-06 09:00", "2026-03-06 10:00", "2026-03-20 09:00"),
        (Repetition.MONTHLY, "2026-03-31 09:00", "2026-03-31 10:00", "2026-04-30 09:00"),
        (Repetition.YEARLY, "2026-03-31 09:00", "2026-03-31 10:00", "2027-03-31 09:00"),
    ],
)
def test_missed_turns_are_not_made_up_for(
    repetition: Repetition, due: str, after: str, expected: str
) -> None:
    found = next_due(repetition, at(due), first=at(due), after=at(after), zone=BERLIN)
    assert found == at(expected)


def test_the_last_day_of_a_month_comes_back() -> None:
    due = first = at("2026-01-31 09:00")
    days = []
    for _ in range(4):
        due = next_due(Repetition.MONTHLY, due, first=first, after=due, zone=BERLIN)
        days.append(f"{due.astimezone(BERLIN):%m-%d %H:%M}")
    assert days == ["02-28 09:00", "03-31 09:00", "04-30 09:00", "05-31 09:00"]


def test_the_hour_is_the_same_when_clocks_change() -> None:
    due = at("2026-03-28 09:00")  # the night after it is an hour shorter
    found = next_due(Repetition.DAILY, due, first=due, after=due, zone=BERLIN)
    assert (found - due, found.astimezone(BERLIN).hour) == (timedelta(hours=23), 9)


@pytest.mark.parametrize(
    ("zone", "first", "day"),
    [("Europe/Berlin", "2026-03-27 02:30", "03-29"), ("Africa/Cairo", "2026-04-22 00:00", "04-24")],
)
def test_an_hour_that_a_day_leaves_out_comes_back_on_the_next(
    zone: str, first: str, day: str
) -> None:
    here = ZoneInfo(zone)
    due = begun = datetime.fromisoformat(first).replace(tzinfo=here)
    shown = []
    for _ in range(4):
        due = next_due(Repetition.DAILY, due, first=begun, after=due, zone=here)
        shown.append(f"{due.astimezone(here):%m-%d %H:%M}")
    assert shown[1][:5] == day
    hours = [one[6:] for one in shown]
    assert hours[0] == hours[2] == hours[3] == first[11:] != hours[1]


@given(
    st.sampled_from([r for r in Repetition if r]),
    st.integers(0, 30_000),
    st.integers(-400, 400),
)
def test_the_next_turn_is_always_later(repetition: Repetition, hours: int, days: int) -> None:
    due = datetime(2026, 1, 31, tzinfo=UTC) + timedelta(hours=hours)
    after = due + timedelta(days=days)
    assert next_due(repetition, due, first=due, after=after, zone=BERLIN) > max(due, after)


def test_an_unknown_zone_is_utc() -> None:
    assert zone_of("Atlantis/Capital") == zone_of("") == ZoneInfo("UTC")
