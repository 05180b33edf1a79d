"""The pace, worked out by hand, and its silence where the period cannot say."""

import math

import pandas as pd
import pytest

from analytics.science.velocity import DEFINITIONS, velocity

DAY = pd.Timestamp("2024-01-01")


def deals(*rows: tuple[int, int | None, float | None, float]) -> pd.DataFrame:
    """(opened on day, closed on day, won, value) with day 0 = 2024-01-01."""
    return pd.DataFrame(
        {
            "owner": ["me"] * len(rows),
            "created": [DAY + pd.Timedelta(days=o) for o, _, _, _ in rows],
            "closed": [pd.NaT if c is None else DAY + pd.Timedelta(days=c) for _, c, _, _ in rows],
            "won": [float("nan") if w is None else w for _, _, w, _ in rows],
            "value": [v for _, _, _, v in rows],
        }
    )


def on(day: int) -> pd.Timestamp:
    return DAY + pd.Timedelta(days=day)


QUARTER = deals(
    (0, 20, 1, 1000), (10, 50, 1, 2000), (20, 50, 0, 500), (40, 70, 0, 900),
    (60, None, None, 3000), (80, None, None, 1000),
)  # fmt: skip


def test_the_textbook_formula_by_hand() -> None:
    # Two open deals of 2,000 on average, two of four won, ages 20, 40, 30, 30.
    pace = velocity(QUARTER, on(0), on(90))
    assert (pace.n, pace.mean_value, pace.win_rate, pace.cycle_days) == (2, 2000.0, 0.5, 30.0)
    assert pace.value_per_day == pytest.approx(2 * 2000 * 0.5 / 30)
    assert (pace.closed, pace.days, pace.label) == (4, 90.0, "pace")
    assert set(pace.definitions) == {"n", "mean_value", "win_rate", "cycle_days", "value_per_day"}
    assert "open deals, which have no outcome yet, do not count" in DEFINITIONS["win_rate"]


def test_the_forerunners_win_rate_over_open_deals_is_gone() -> None:
    more_open = pd.concat([QUARTER, deals(*[(85, None, None, 10.0)] * 50)])
    assert velocity(more_open, on(0), on(90)).win_rate == 0.5


def test_the_forerunners_cycle_of_thirty_days_is_gone() -> None:
    quick = deals((0, 3, 1, 100), (1, 6, 1, 100), (5, None, None, 100))
    slow = deals((0, 80, 1, 100), (1, 86, 1, 100), (5, None, None, 100))
    assert velocity(quick, on(0), on(90)).cycle_days == 4.0
    assert velocity(slow, on(0), on(90)).cycle_days == 82.5


def test_only_the_period_counts_and_its_end_is_excluded() -> None:
    pace = velocity(QUARTER, on(0), on(50))
    assert (pace.closed, pace.n) == (1, 3)
    assert velocity(QUARTER, on(0), on(51)).closed == 3
    assert velocity(QUARTER, on(51), on(90)).win_rate == 0.0


def test_the_trend_compares_with_the_period_before() -> None:
    pace = velocity(QUARTER, on(45), on(90))
    assert pace.previous is not None
    assert pace.previous.days == 45
    assert pace.previous.value_per_day == pytest.approx(3 * (3400 / 3) * 1.0 / 20)
    assert pace.trend == pytest.approx(pace.value_per_day / pace.previous.value_per_day - 1)
    assert "than the period before" in pace.words


def test_stalled_deals_are_not_alive() -> None:
    closed = [(i, i + 10, 1.0, 100.0) for i in range(30)]
    pace = velocity(deals(*closed, (0, None, None, 9e9), (55, None, None, 100.0)), on(0), on(60))
    assert (pace.n, pace.stalled, pace.mean_value) == (1, 1, 100.0)


def test_silence_has_words_and_no_number() -> None:
    nothing = velocity(deals(), on(0), on(30))
    assert (nothing.n, nothing.closed) == (0, 0)
    assert math.isnan(nothing.value_per_day)
    assert "No deal was closed" in nothing.words
    idle = velocity(deals((0, None, None, 5.0)), on(0), on(30))
    assert math.isnan(idle.win_rate)
    done = velocity(deals((0, 5, 1, 5.0)), on(0), on(30))
    assert done.value_per_day == 0.0
    assert "No deal is alive" in done.words
    assert math.isnan(done.trend)


def test_a_deal_closed_the_day_it_opened_counts_one_day() -> None:
    assert velocity(deals((0, 0, 1, 5.0), (1, None, None, 5.0)), on(0), on(30)).cycle_days == 1.0


def test_a_period_must_end_after_it_starts() -> None:
    with pytest.raises(ValueError, match="must end after it starts"):
        velocity(QUARTER, on(5), on(5))
    with pytest.raises(ValueError, match="not a date"):
        velocity(QUARTER, on(5), "later")
