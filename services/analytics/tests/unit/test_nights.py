"""When a workspace's models are fitted, through the nights on which clocks change."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from analytics.domain.nights import MINUTES, next_night

AT_HALF_PAST_TWO = UUID(int=60)
SPRING, AUTUMN = datetime(2026, 3, 7, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "nowhere"])
@pytest.mark.parametrize("minute", [0, 60, MINUTES - 1])
@pytest.mark.parametrize("changes", [SPRING, AUTUMN])
def test_the_next_night_is_still_to_come(zone: str, minute: int, changes: datetime) -> None:
    for quarter in range(25 * 24 * 4):
        now = changes + quarter * timedelta(minutes=15)
        ahead = next_night(UUID(int=minute), zone, now) - now
        assert timedelta() < ahead <= timedelta(hours=25), now


def test_in_the_hour_that_comes_twice_its_time_is_over_once_it_was() -> None:
    """Or models would be fitted again and again until the clock has passed it a second time."""
    second = datetime(2026, 10, 25, 2, 10, fold=1, tzinfo=ZoneInfo("Europe/Berlin"))
    night = next_night(AT_HALF_PAST_TWO, "Europe/Berlin", second.astimezone(UTC))
    assert night == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)
