"""The forecast as a whole: every edge of life, the promises of its ranges, its honesty."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.science.forecast import LINES, Forecast, evidence, forecast_line, forecast_monthly

SEASONAL = 1000 + 10 * np.arange(40) + 200 * np.sin(np.arange(40) * 2 * np.pi / 12)


def quick(values: object, horizon: int = 6, **options: object) -> Forecast:
    return forecast_monthly(values, horizon, deadline_s=0, **options)  # type: ignore[arg-type]


def words(forecast: Forecast) -> str:
    return " ".join(factor.words for factor in forecast.factors)


def assert_sound(forecast: Forecast, horizon: int = 6) -> None:
    assert forecast.mean.shape == (horizon,)
    assert np.all(np.isfinite(forecast.mean))
    levels = sorted(forecast.lower)
    for level in levels:
        assert np.all(forecast.lower[level] <= forecast.mean)
        assert np.all(forecast.mean <= forecast.upper[level])
    for inner, outer in pairwise(levels):
        assert np.all(forecast.lower[outer] <= forecast.lower[inner])
        assert np.all(forecast.upper[inner] <= forecast.upper[outer])
    assert 0 <= forecast.confidence <= 1
    assert 1 <= len(forecast.factors) <= 5


@pytest.mark.parametrize("values", [[], [100.0], [1.0, 2.0, 3.0], [float("nan")] * 9])
def test_below_four_months_there_is_no_curve_and_a_reason(values: list[float]) -> None:
    answer = quick(values)
    assert answer.mean.shape == (0,)
    assert answer.lower[80].shape == (0,)
    assert answer.evidence == "none"
    assert answer.confidence == 0
    assert "curve needs 4" in words(answer)


@pytest.mark.parametrize("months", [4, 8, 9, 17, 18, 23, 24, 25, 40])
def test_every_rung_answers(months: int) -> None:
    answer = quick(SEASONAL[-months:])
    assert_sound(answer)
    assert answer.n_used == months
    assert f"{months} months of history used" in words(answer)
    assert answer.method.startswith("median of ")


def test_a_constant_income_stays_and_its_range_is_not_zero() -> None:
    answer = quick([500.0] * 30)
    assert_sound(answer)
    assert answer.mean == pytest.approx([500.0] * 6, rel=0.01)
    assert np.all(answer.upper[80] > answer.mean)
    assert "Level over the last 24 months" in words(answer)


def test_nothing_ever_earned_is_zero_without_confidence() -> None:
    answer = quick([0.0] * 24)
    assert answer.mean.tolist() == [0.0] * 6
    assert answer.confidence == 0.0
    assert "Nothing in the last 12 months" in words(answer)


def test_a_year_of_silence_is_believed() -> None:
    answer = quick([1000.0] * 24 + [0.0] * 12)
    assert_sound(answer)
    assert answer.mean == pytest.approx([0.0] * 6, abs=1.0)
    assert "Nothing in the last 12 months" in words(answer)


def test_negative_months_and_refunds_lift_the_floor() -> None:
    refunds = np.array([100.0, -50.0, 80.0, -20.0] * 4)
    assert_sound(quick(refunds))
    assert quick(refunds).lower[95].min() < 0
    assert quick(np.abs(refunds)).lower[95].min() >= 0


def test_unknown_months_are_filled_and_told() -> None:
    values = SEASONAL.copy()
    values[[0, 10, 11, 39]] = np.nan
    answer = quick(values)
    assert_sound(answer)
    assert answer.data_quality == {"months": 39, "missing": 3, "outliers": 0}
    assert "3 of them unknown" in words(answer)


def test_outliers_are_told_and_echo_well_below_their_size() -> None:
    spoilt = SEASONAL.copy()
    spoilt[20] *= 8
    answer = quick(spoilt)
    assert answer.data_quality["outliers"] == 1
    assert "1 month far off" in words(answer)
    assert float(np.median(answer.mean)) < 1.3 * float(np.median(quick(SEASONAL).mean))
    assert answer.mean.max() < 0.6 * spoilt[20]


def test_only_ten_years_are_read() -> None:
    rng = np.random.default_rng(0)
    old = rng.uniform(1, 2, 200)
    assert quick(old).n_used == 120
    assert quick(old).mean == pytest.approx(quick(old[-120:]).mean)


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([[1.0, 2.0]], {}, "one dimension"),
        (["a"] * 8, {}, "numbers"),
        ([1.0, np.inf, 1.0, 1.0], {}, "infinite number at position 1"),
        ([1.0] * 8, {"horizon": 0}, "horizon"),
        ([1.0] * 8, {"horizon": 2.5}, "horizon"),
        ([1.0] * 8, {"season": 0}, "season"),
        ([1.0] * 8, {"levels": (100,)}, "levels"),
    ],
)
def test_what_no_history_could_answer_is_refused_by_name(
    values: object, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        quick(values, **options)  # type: ignore[arg-type]


@given(
    values=st.lists(st.floats(-1e6, 1e9) | st.just(float("nan")), max_size=8),
    horizon=st.integers(1, 14),
)
@settings(max_examples=60, deadline=None)
def test_few_months_of_anything_never_fail(values: list[float], horizon: int) -> None:
    answer = quick(values, horizon)
    if len(answer.mean):
        assert_sound(answer, horizon)


@given(seed=st.integers(0, 10_000), months=st.integers(9, 60), share=st.floats(0, 0.9))
@settings(max_examples=12, deadline=None)
def test_any_length_and_any_gaps_never_fail(seed: int, months: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    values = rng.lognormal(7, 1, months) * (rng.random(months) > share)
    assert_sound(quick(values))


@pytest.mark.parametrize("months", [6, 16, 40])
@pytest.mark.parametrize("factor", [0.01, 3.0, 1e6])
def test_scaling_money_scales_the_forecast(months: int, factor: float) -> None:
    plain, scaled = quick(SEASONAL[-months:]), quick(SEASONAL[-months:] * factor)
    assert scaled.mean == pytest.approx(plain.mean * factor, rel=1e-6)
    assert scaled.upper[90] == pytest.approx(plain.upper[90] * factor, rel=1e-6)
    assert scaled.confidence == pytest.approx(plain.confidence)
    assert scaled.backtest.wape == pytest.approx(plain.backtest.wape, rel=1e-6, nan_ok=True)


def test_more_months_never_lower_the_evidence() -> None:
    order = ("none", "prior", "low", "medium", "high")
    places = [order.index(evidence(months)) for months in range(200)]
    assert places == sorted(places)
    assert all(places[n] <= order.index("prior") for n in range(4))


def test_confidence_is_the_own_hit_rate_not_the_fit_of_a_trend() -> None:
    """The forerunner showed R squared: a steep trend with a break scored near one.

    Here a clean trend that broke down six months ago has an R squared of .9 over its history, and
    missed every range since; its confidence must be lower than that of honest noise it predicts.
    """
    rng = np.random.default_rng(5)
    trend = np.concatenate([np.linspace(100, 1000, 42), np.full(6, 300.0)])
    trend = trend + rng.normal(0, 5, 48)
    noise = 500 + rng.normal(0, 60, 48)
    time = np.arange(42)
    assert np.corrcoef(time, trend[:42])[0, 1] ** 2 > 0.9
    assert np.corrcoef(np.arange(48), noise)[0, 1] ** 2 < 0.2
    assert quick(trend).backtest.coverage[80] <= 0.5
    assert quick(trend).confidence < quick(noise).confidence


def test_the_backtest_reports_its_own_size_and_errors() -> None:
    answer = quick(SEASONAL)
    assert (answer.backtest.origins, answer.backtest.horizon, answer.backtest.n) == (3, 6, 18)
    assert answer.backtest.errors.shape == (3, 6)
    assert answer.backtest.mae == pytest.approx(float(np.abs(answer.backtest.errors).mean()))
    assert set(answer.backtest.coverage) == {80, 90, 95}
    assert "18 comparisons" in answer.backtest.words
    assert "Too few months" in quick([1.0] * 4).backtest.words


def test_season_and_trend_are_named() -> None:
    told = words(quick(SEASONAL))
    assert "Rising by" in told
    assert "Best month of the year" in told


@pytest.mark.parametrize("line", ["linear", "seasonal_naive"])
def test_lines_carry_their_own_backtest(line: str) -> None:
    answer = forecast_line(line, SEASONAL, 6)
    assert_sound(answer)
    assert answer.backtest.n == 18
    assert answer.method in LINES[line]


def test_the_linear_line_is_the_least_squares_line() -> None:
    answer = forecast_line("linear", [10.0, 20.0, 30.0, 40.0], 2)
    assert answer.mean == pytest.approx([50.0, 60.0])


def test_lines_that_cannot_answer_say_why() -> None:
    assert "needs 12 months" in words(forecast_line("seasonal_naive", [1.0] * 6, 3))
    assert "did not finish in time" in words(forecast_line("prophet", SEASONAL, 3, deadline_s=0))
    with pytest.raises(ValueError, match="line must be one of"):
        forecast_line("arima", SEASONAL, 3)


def test_levels_are_those_asked_for() -> None:
    answer = quick(SEASONAL, levels=(50, 99))
    assert set(answer.lower) == {50, 99}
    assert_sound(answer)
    assert quick(SEASONAL, levels=()).lower == {}


def test_importing_the_forecast_loads_no_heavy_library() -> None:
    code = (
        "import sys, analytics.science.forecast, analytics.science.revenue, "
        "analytics.science.velocity, analytics.__main__\n"
        "heavy = {'pandas', 'prophet', 'statsforecast', 'sklearn', 'scipy', 'polars', 'numba'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_same_history_gives_the_same_answer_in_any_process() -> None:
    code = (
        "import numpy as np\n"
        "from analytics.science.forecast import forecast_monthly\n"
        "x = np.random.default_rng(4).lognormal(7, .4, 40)\n"
        "f = forecast_monthly(x, 12, deadline_s=0)\n"
        "print(f.mean.tobytes().hex(), f.upper[95].tobytes().hex())"
    )
    other = subprocess.run(
        [sys.executable, "-c", code],
        check=True, capture_output=True, text=True, env={"PYTHONHASHSEED": "7", "PATH": ""},
    ).stdout.split()  # fmt: skip
    here = quick(np.random.default_rng(4).lognormal(7, 0.4, 40), 12)
    assert other == [here.mean.tobytes().hex(), here.upper[95].tobytes().hex()]
