"""The velocity formula, by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from analytics.domain.errors import DateInvalid, RangeEmpty
from analytics.domain.pace import DEFINITIONS, Pace, pace_in_words, trend
from analytics.domain.period import Period

NOW = datetime(2026, 3, 29, 22, 30, tzinfo=UTC)  # Monday already in Berlin, and summer time
PACE = Pace(opportunities=40, won=6, lost=4, mean_value_minor=250_000, cycle_days=30)


def test_the_formula() -> None:
    # 40 deals × 2,500.00 × 0.6 ÷ 30 days = 2,000.00 a day
    assert PACE.win_rate == 0.6
    assert PACE.value_per_day_minor == pytest.approx(200_000)


def test_open_deals_do_not_lower_the_win_rate() -> None:
    assert replace(PACE, opportunities=4000).win_rate == 0.6


def test_a_missing_part_leaves_no_pace() -> None:
    nothing = Pace(opportunities=5, won=0, lost=0, mean_value_minor=None, cycle_days=None)
    assert (nothing.win_rate, nothing.value_per_day_minor) == (None, None)
    assert "no pace" in pace_in_words(nothing, 90)
    unvalued = replace(nothing, lost=3, cycle_days=8)
    assert (unvalued.win_rate, unvalued.value_per_day_minor) == (0.0, None)
    assert "no pace" in pace_in_words(unvalued, 90)


def test_without_a_deal_alive_nothing_moves() -> None:
    assert replace(PACE, opportunities=0, mean_value_minor=None).value_per_day_minor == 0
    assert "3 open deals are too old" in pace_in_words(replace(PACE, stalled=3), 90)


def test_a_deal_won_on_its_first_day_took_a_day() -> None:
    assert replace(PACE, cycle_days=0.0).value_per_day_minor == pytest.approx(6_000_000)


def test_the_trend_compares_with_the_period_before() -> None:
    assert trend(PACE, replace(PACE, opportunities=20)) == pytest.approx(1.0)
    assert trend(PACE, replace(PACE, mean_value_minor=None)) is None
    assert trend(replace(PACE, mean_value_minor=None), PACE) is None
    assert trend(PACE, replace(PACE, opportunities=0)) is None


def test_few_deals_are_said_to_be_few() -> None:
    assert "That is little" in pace_in_words(PACE, 90)
    assert "That is little" not in pace_in_words(replace(PACE, won=60), 90)


def test_every_part_is_defined() -> None:
    assert set(DEFINITIONS) >= {"opportunities", "mean_value", "win_rate", "cycle_days"}


def test_days_are_the_workspaces_own() -> None:
    period = Period.read("", "", zone="Europe/Berlin", now=NOW)
    assert period.last == date(2026, 3, 30)
    assert period.days == 90
    # The day of the change to summer time has 23 hours.
    sunday = Period.read("2026-03-29", "2026-03-29", zone="Europe/Berlin", now=NOW)
    assert (sunday.end - sunday.start).total_seconds() == 23 * 3600
    assert sunday.before().last == date(2026, 3, 28)
    assert sunday.before().end == sunday.start


def test_what_is_no_period_is_refused() -> None:
    with pytest.raises(DateInvalid) as refusal:
        Period.read("2026-02-30", "", zone="UTC", now=NOW)
    assert "from" in refusal.value.fields
    with pytest.raises(DateInvalid):
        Period.read("", "soon", zone="UTC", now=NOW)
    with pytest.raises(RangeEmpty):
        Period.read("2026-03-02", "2026-03-01", zone="UTC", now=NOW)
