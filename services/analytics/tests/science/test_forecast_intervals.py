"""Ranges: scales between levels, own errors, nesting; and the ladder's cuts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.science.forecast_intervals import Scales, own_multiplier, ranges, shipped_scales
from analytics.science.forecast_ladder import rung_for
from analytics.science.forecast_members import normal_quantile

SCALES = Scales({"full": {80: np.array([1.0, 2.0]), 90: np.array([3.0, 4.0])}}, doubt=20.0)


def test_known_levels_are_read_and_late_steps_reuse_the_last() -> None:
    assert SCALES.at("full", 80, 4).tolist() == [1.0, 2.0, 2.0, 2.0]


def test_other_levels_follow_the_normal_quantile() -> None:
    assert SCALES.at("full", 99, 1)[0] == pytest.approx(
        3.0 * normal_quantile(99) / normal_quantile(90)
    )
    assert SCALES.at("full", 50, 1)[0] == pytest.approx(normal_quantile(50) / normal_quantile(80))
    assert 1.0 < SCALES.at("full", 85, 1)[0] < 3.0


def test_shipped_scales_hold_every_rung_and_widen_with_the_level() -> None:
    shipped = shipped_scales()
    for rung in ("short", "early", "young", "full", "lumpy", "linear", "prophet", "seasonal_naive"):
        rows = [shipped.at(rung, level, 12) for level in (50, 80, 90, 95)]
        assert np.all(np.diff(rows, axis=0) > 0), rung


def test_own_errors_speak_from_twelve_on() -> None:
    assert own_multiplier(np.full(11, 2.0), doubt=20) == 1.0
    assert own_multiplier(np.full(12, 2.0), doubt=20) == pytest.approx(2.0 ** (12 / 32))
    assert own_multiplier(np.full(18, 1.0), doubt=20) == 1.0
    assert own_multiplier(np.full(18, 99.0), doubt=0) == 10.0
    assert own_multiplier(np.zeros(18), doubt=0) == 0.3
    # The conformal place of 18 errors is the 16th: ceil(.8 * 19).
    ratios = np.array([1.0] * 15 + [4.0] * 3)
    assert own_multiplier(ratios, doubt=0) == pytest.approx(4.0)


@given(
    mean=st.lists(st.floats(0, 1e6), min_size=1, max_size=12),
    widths=st.tuples(*[st.floats(0, 1e6)] * 3),
)
def test_ranges_are_nested_and_hold_the_mean(
    mean: list[float], widths: tuple[float, float, float]
) -> None:
    centre = np.array(mean)
    half = {k: np.full(len(mean), w) for k, w in zip((95, 80, 90), widths, strict=True)}
    low, high = ranges(centre, half, floor=0.0)
    for inner, outer in ((80, 90), (90, 95)):
        assert np.all(low[outer] <= low[inner])
        assert np.all(high[outer] >= high[inner])
    assert np.all(low[80] <= centre)
    assert np.all(centre <= high[80])
    assert np.all(low[95] >= 0)


@pytest.mark.parametrize(
    ("months", "rung"),
    [
        (0, "none"), (3, "none"), (4, "short"), (8, "short"), (9, "early"), (17, "early"),
        (18, "young"), (23, "young"), (24, "young"), (25, "full"), (120, "full"),
    ],
)  # fmt: skip
def test_the_ladder_cuts_where_the_study_says(months: int, rung: str) -> None:
    assert rung_for(np.ones(months), 12).name == rung


def test_only_two_years_and_more_hear_prophet() -> None:
    assert [rung_for(np.ones(n), 12).prophet for n in (23, 24, 25)] == ["no", "joins", "gate"]


def test_a_quarter_of_empty_months_is_lumpy() -> None:
    history = np.ones(40)
    history[:9] = 0
    assert rung_for(history, 12).name == "full"
    history[:10] = 0
    assert rung_for(history, 12).name == "lumpy"
