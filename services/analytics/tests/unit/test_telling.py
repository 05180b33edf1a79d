"""When a number is told: by thresholds, once, and without flickering."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.domain.telling import LEVELS, drop, revises, tells_odds, told_level

chances = st.floats(0.01, 0.99)
walks = st.lists(chances, min_size=1, max_size=40)


def level_of(probability: float) -> str:
    return next(name for name, _, highest in LEVELS if probability < highest)


@pytest.mark.parametrize(
    ("told", "now", "advised", "tells"),
    [
        (None, 0.5, True, True),
        (0.50, 0.509, True, False),
        (0.50, 0.51, True, True),
        (0.50, 0.49, True, True),
        (0.50, 0.50, False, True),  # another advice
    ],
)
def test_odds_are_told_by_the_point(
    told: float | None, now: float, advised: bool, tells: bool
) -> None:
    assert tells_odds(told, now, advised=advised) == tells


def test_a_fall_is_told_once_and_a_further_one_again() -> None:
    peak, told = None, []
    for probability in (0.6, 0.7, 0.6, 0.56, 0.55, 0.5, 0.45, 0.41, 0.40, 0.5):
        dropped, peak = drop(peak, probability)
        if dropped:
            told.append(probability)
    assert told == [0.55, 0.40]


@given(walks)
def test_no_fall_below_the_threshold_is_told(walk: list[float]) -> None:
    peak, highest = None, None
    for probability in walk:
        dropped, peak = drop(peak, probability)
        highest = probability if highest is None else max(highest, probability)
        if dropped:
            assert highest - probability >= 0.15 - 1e-9
            highest = probability


@given(walks)
def test_a_level_is_left_only_well_beyond_its_bound(walk: list[float]) -> None:
    told = None
    bounds = {name: (lowest, highest) for name, lowest, highest in LEVELS}
    for probability in walk:
        before, told = told, told_level(told, level_of(probability), probability)
        if before is None or told != before:
            assert told == level_of(probability)
        if before is not None and told != before:
            lowest, highest = bounds[before]
            assert not lowest - 0.03 < probability < highest + 0.03


@given(st.sampled_from([0.25, 0.5, 0.75]), st.lists(st.floats(-0.029, 0.029), min_size=2))
def test_no_level_flickers_around_a_bound(bound: float, steps: list[float]) -> None:
    told, said = None, []
    for step in steps:
        told = told_level(told, level_of(bound + step), bound + step)
        said.append(told)
    assert all(before == after for before, after in pairwise(said))


@pytest.mark.parametrize(
    ("told", "now", "tells"),
    [(None, 0, True), (1000, 1100, False), (1000, 1101, True), (1000, 899, True), (0, 0, False)],
)
def test_a_forecast_is_told_when_it_moved_by_a_tenth(
    told: int | None, now: int, tells: bool
) -> None:
    assert revises(told, now) == tells
