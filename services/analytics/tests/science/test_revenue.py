"""The revenue projection: hazards by hand, every edge of life, ranges that hold."""

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.science.deals_table import read_deals
from analytics.science.revenue import Projection, project
from analytics.science.revenue_past import Misses, ranges
from analytics.science.revenue_survival import (
    OLDEST,
    PRIOR_EVENTS,
    Hazards,
    at_risk,
    estimate,
    recorded_since,
)

DAY = pd.Timestamp("2024-01-01")
NOW = DAY + pd.Timedelta(days=360)


def deals(
    opened: list[float], closed: list[float], won: list[float], value: list[float],
    owner: list[str] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Columns as `project` wants them; days count from 2024-01-01, NaN is open."""
    return pd.DataFrame(
        {
            "owner": owner or ["me"] * len(opened),
            "created": DAY + pd.to_timedelta(opened, unit="D"),
            "closed": DAY + pd.to_timedelta(closed, unit="D"),
            "won": np.array(won, dtype=float),
            "value": np.array(value, dtype=float),
        }
    )


def business(seed: int, days: int = 360, per_day: float = 0.5, owners: int = 1) -> pd.DataFrame:
    """Deals at a steady rate; half are won, after an exponential time of forty days on average."""
    rng = np.random.default_rng(seed)
    count = rng.poisson(days * per_day)
    opened = np.sort(rng.uniform(0, days, count))
    closed = opened + rng.exponential(40, count)
    won = (rng.random(count) < 0.5).astype(float)
    is_open = closed > days
    return deals(
        list(opened), list(np.where(is_open, np.nan, closed)),
        list(np.where(is_open, np.nan, won)), list(rng.lognormal(7, 0.5, count)),
        [f"owner {i}" for i in rng.integers(0, owners, count)],
    )  # fmt: skip


def assert_sound(answer: Projection) -> None:
    assert math.isfinite(answer.mean)
    levels = sorted(answer.lower)
    for level in levels:
        assert answer.lower[level] <= answer.mean <= answer.upper[level]
    for inner, outer in pairwise(levels):
        assert answer.lower[outer] <= answer.lower[inner]
        assert answer.upper[inner] <= answer.upper[outer]
    assert 1 <= len(answer.factors) <= 5


def test_constant_hazards_give_the_closed_form() -> None:
    # Two fifths of what leaves is won; 1 - exp(-.05 * 30) leaves within thirty days.
    flat = Hazards(np.full(OLDEST + 1, 0.02), np.full(OLDEST + 1, 0.03))
    chances = flat.win_within(np.array([0.0, 500.0, 9999.0]), 30)
    assert chances.shape == (30, 3)
    assert chances[-1] == pytest.approx([0.4 * (1 - math.exp(-1.5))] * 3)
    assert np.all(np.diff(chances, axis=0) > 0)


def test_hazards_are_shrunk_events_over_exposure() -> None:
    # One deal won and one lost, both at age 1: a day of exposure each, in the first bin.
    table = read_deals(deals([0, 9], [1, 10], [1, 0], [5, 5]), DAY + pd.Timedelta(days=20))
    overall = 1 / 2
    first = (1 + PRIOR_EVENTS) / (2 + PRIOR_EVENTS / overall)
    assert estimate(table).won[0] == pytest.approx(first)
    assert estimate(table).won[5] == pytest.approx(overall)


def test_days_before_the_first_closing_count_unless_closings_were_not_written_down() -> None:
    # Ten deals waited a hundred days and one closed yesterday: slow deals, not a short record.
    slow = deals([0] * 10, [99] + [math.nan] * 9, [1] + [math.nan] * 9, [1] * 10)
    assert recorded_since(read_deals(slow, DAY + pd.Timedelta(days=100))) == -math.inf
    # An export that begins on day 180: whatever closed before is missing from it.
    whole = business(2, per_day=2)
    table = read_deals(whole[~(whole.closed < DAY + pd.Timedelta(days=180))], NOW)
    since = recorded_since(table)
    assert since == pytest.approx(-180, abs=3)
    assert at_risk(table, since)[0].max() > 100
    truth = 0.5 / 40
    assert estimate(table, since).won[10:60].mean() == pytest.approx(truth, rel=0.25)
    assert estimate(table).won[10:60].mean() < 0.8 * truth


def test_hazards_find_the_truth_of_many_deals() -> None:
    hazards = estimate(read_deals(business(1, days=720, per_day=10), DAY + pd.Timedelta(days=720)))
    assert hazards.won[10:60].mean() == pytest.approx(0.5 / 40, rel=0.1)
    assert hazards.lost[10:60].mean() == pytest.approx(0.5 / 40, rel=0.1)


def test_the_run_rate_is_the_last_quarter_gone_on() -> None:
    closed = np.arange(2.0, 360.0, 3.0)
    table = deals(list(closed - 1), list(closed), [1.0] * len(closed), [100.0] * len(closed))
    answer = project(table, NOW, 30)
    assert answer.run_rate == pytest.approx(1000.0)
    assert answer.mean == pytest.approx(1000.0, rel=0.1)
    assert answer.pipeline_part == 0.0


def test_no_deal_is_zero_with_a_reason() -> None:
    answer = project(deals([], [], [], []), NOW, 30)
    assert (answer.mean, answer.lower[80], answer.upper[90]) == (0.0, 0.0, 0.0)
    assert answer.evidence == "none"
    assert "No deal is known" in answer.factors[0].words


@pytest.mark.parametrize(
    "table",
    [
        deals([300], [310], [1], [1000]),
        deals([300], [310], [0], [1000]),
        deals([300, 310, 320], [310, 320, 330], [1, 1, 1], [1, 1, 1]),
        deals([300, 310, 320], [310, 320, 330], [0, 0, 0], [1, 1, 1]),
        deals([300, 310], [310, math.nan], [1, math.nan], [0, 0]),
        deals([300, 310], [310, 320], [1, 1], [500, -200]),
        deals([300, 400], [310, 410], [1, 1], [500, 700]),
        deals([0, 1], [2, 3], [1, 1], [500, 700]),
        deals([-3650, -1800, 300], [-3600, -1790, 310], [1, 0, 1], [100, 100, 100]),
        deals([300, 301, 302], [310, 311, 312], [1, 1, 1], [9000, 500, 500]),
        deals([300, 300, 300], [310, 310, 310], [1, 1, 1], [100, 100, 100]),
        deals([340, 300, 320], [350, 310, 330], [1, 0, 1], [100, 100, 100]),
    ],
    ids=[
        "one won", "one lost", "only wins", "only losses", "nothing worth",
        "refund", "from the future", "a year of silence", "ten years", "one deal is ninety percent",
        "duplicates", "unsorted",
    ],
)  # fmt: skip
def test_every_edge_of_life_has_an_answer(table: pd.DataFrame) -> None:
    answer = project(table, NOW, 30, levels=(50, 80, 90, 95))
    assert_sound(answer)
    assert answer.evidence == "prior"


def test_open_deals_alone_tell_nothing() -> None:
    waiting = deals([300, 350], [math.nan, math.nan], [math.nan, math.nan], [1000, 2000])
    answer = project(waiting, NOW, 30)
    assert_sound(answer)
    assert answer.evidence == "none"
    others = deals([300, 301], [310, 311], [1, 0], [100, 100])
    assert project(waiting, NOW, 30, pool=pd.concat([waiting, others])).evidence == "prior"


def test_a_year_of_silence_brings_next_to_nothing() -> None:
    answer = project(deals([0, 1], [2, 3], [1, 1], [500, 700]), NOW, 30)
    assert answer.run_rate == 0.0
    assert answer.mean == 0.0


def test_below_twenty_closed_deals_nothing_claims_more_than_a_prior() -> None:
    table = business(3)
    closed = table[table.won.notna()]
    assert project(closed.head(19), NOW, 30).evidence == "prior"
    order = ("none", "prior", "low", "medium", "high")
    levels = [
        order.index(project(closed.head(n), NOW, 30).evidence) for n in range(0, len(closed), 12)
    ]
    assert levels == sorted(levels)


def test_dirty_rows_are_repaired_and_counted() -> None:
    table = deals(
        [300, 310, 320, 330], [310, 305, math.nan, 340], [1, 1, 1, math.nan], [9, 9, 9, 9]
    )
    table.loc[0, "value"] = math.nan
    table.loc[1, "created"] = pd.NaT
    answer = project(table, NOW, 30)
    assert_sound(answer)
    assert answer.data_quality == {
        "created_unknown": 1,
        "value_unknown": 1,
        "closed_before_created": 0,
        "outcome_or_date_unknown": 2,
    }


def test_what_came_after_the_moment_is_not_looked_at() -> None:
    whole = business(5, days=500)
    known = whole[whole.created <= NOW].copy()
    later = ~(known.closed <= NOW)
    known.loc[later, ["won"]] = np.nan
    known.loc[later, "closed"] = pd.NaT
    assert project(whole, NOW, 30).mean == project(known, NOW, 30).mean


def test_time_zones_and_texts_are_read_alike() -> None:
    plain = business(6)
    plain[["created", "closed"]] = plain[["created", "closed"]].apply(lambda c: c.dt.floor("D"))
    aware, text = plain.copy(), plain.copy()
    for name in ("created", "closed"):
        aware[name] = plain[name].dt.tz_localize("UTC")
        text[name] = plain[name].dt.strftime("%Y-%m-%d")
    expected = project(plain, NOW, 30).mean
    assert project(aware, NOW.tz_localize("UTC"), 30).mean == expected
    assert project(text, "2024-12-26", 30).mean == expected


@given(seed=st.integers(0, 999), factor=st.floats(0.01, 1e4))
@settings(max_examples=8, deadline=None)
def test_scaling_money_scales_the_projection(seed: int, factor: float) -> None:
    table = business(seed, per_day=0.3)
    scaled = table.assign(value=table.value * factor)
    plain, other = project(table, NOW, 30), project(scaled, NOW, 30)
    assert other.mean == pytest.approx(plain.mean * factor, rel=1e-9)
    assert other.upper[90] == pytest.approx(plain.upper[90] * factor, rel=1e-9)


@given(seed=st.integers(0, 999))
@settings(max_examples=8, deadline=None)
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    table = business(seed, per_day=0.3, owners=3)
    mixed = table.sample(frac=1, random_state=seed)
    mine = table[table.owner == "owner 1"]
    assert project(mixed, NOW, 60).mean == project(table, NOW, 60).mean
    one = project(mine, NOW, 60, pool=table)
    other = project(mixed[mixed.owner == "owner 1"], NOW, 60, pool=mixed)
    assert (one.mean, one.lower, one.upper) == (other.mean, other.lower, other.upper)


def test_ranges_cover_what_they_say_on_a_steady_business() -> None:
    inside = {80: 0, 90: 0}
    rounds = 60
    for seed in range(rounds):
        whole = business(seed, days=420, per_day=0.4)
        answer = project(whole, NOW, 30)
        closed = (whole.closed > NOW) & (whole.closed <= NOW + pd.Timedelta(days=30))
        came = float(whole.value[closed & (whole.won == 1)].sum())
        for level in inside:
            inside[level] += answer.lower[level] <= came <= answer.upper[level]
    assert inside[80] / rounds > 0.70
    assert inside[90] / rounds > 0.80


def test_misses_of_one_sign_move_that_side_only() -> None:
    steady = Misses(6, np.sort(np.linspace(0, 4, 60)), 0.5, 0.0)
    low, high = ranges(100.0, 10.0, steady, [80, 90], floor=0.0)
    assert 100 - low[80] < high[80] - 100
    assert ranges(10.0, 100.0, steady, [80], floor=0.0)[0][80] == 0.0


def test_a_broken_regime_is_told() -> None:
    before = business(8, days=330, per_day=1.0)
    quiet = before[before.created < DAY + pd.Timedelta(days=240)]
    told = " ".join(f.words for f in project(quiet, NOW, 30).factors)
    assert "disagree" in told or "too high" in told


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"won": [2.0]}, "won holds"),
        ({"value": ["a lot"]}, "value holds something that is not a number"),
        ({"value": [np.inf]}, "infinite"),
        ({"created": ["someday"]}, "created holds something that is not a date"),
    ],
)
def test_unreadable_columns_are_named(change: dict[str, list[object]], message: str) -> None:
    table = deals([1], [2], [1], [3]).astype(object).assign(**change)
    with pytest.raises(ValueError, match=message):
        project(table, NOW, 30)


def test_wrong_shapes_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="lack the column value"):
        project(deals([1], [2], [1], [3]).drop(columns="value"), NOW, 30)
    with pytest.raises(ValueError, match="days must be"):
        project(deals([1], [2], [1], [3]), NOW, 0)
    with pytest.raises(ValueError, match="levels are percentages"):
        project(deals([1], [2], [1], [3]), NOW, 30, levels=(120,))
