"""The members' formulas on histories short enough to work out by hand."""

import numpy as np
import pytest

from analytics.science import forecast_members as members


def test_naive_repeats_the_last_month_and_spreads_like_a_random_walk() -> None:
    path = members.naive(np.array([1.0, 3.0, 2.0]), 4, 12)
    assert path.mean.tolist() == [2.0] * 4
    step = np.sqrt((4 + 1) / 2)
    assert path.sigma == pytest.approx([step, step * np.sqrt(2), step * np.sqrt(3), step * 2])


def test_seasonal_naive_repeats_the_same_month() -> None:
    path = members.seasonal_naive(np.array([1.0, 2.0, 3.0, 5.0]), 3, 2)
    assert path is not None
    assert path.mean.tolist() == [3.0, 5.0, 3.0]
    # Errors 2 and 3; the third step is a second season ahead.
    assert path.sigma == pytest.approx(np.sqrt(6.5) * np.sqrt([1, 1, 2]))
    assert members.seasonal_naive(np.array([1.0]), 3, 2) is None


def test_recent_mean_takes_twelve_months() -> None:
    history = np.array([100.0, *range(1, 13)])
    assert members.recent_mean(history, 2, 12).mean.tolist() == [6.5, 6.5]


def test_ses_of_few_months_uses_three_tenths() -> None:
    # 1, then 1 + .3 (2 - 1) = 1.3, then 1.3 + .3 (3 - 1.3) = 1.81
    level, alpha, rms = members.ses_level(np.array([1.0, 2.0, 3.0]))
    assert (level, alpha) == pytest.approx((1.81, 0.3))
    assert rms == pytest.approx(np.sqrt((1 + 1.7**2) / 2))


def test_ses_of_many_months_follows_a_step_and_stays_calm_on_noise() -> None:
    step = np.array([1.0] * 12 + [2.0] * 12)
    noise = 1 + 0.1 * np.random.default_rng(1).standard_normal(48)
    assert members.ses_level(step)[0] == pytest.approx(2.0, abs=0.05)
    assert members.ses_level(noise)[1] < 0.3


def test_linear_regression_by_hand() -> None:
    # Slope .5 through 0, 2, 1; residuals -.5, 1, -.5; s = sqrt(1.5); at t = 2 times sqrt(10/3).
    path = members.linear_regression(np.array([0.0, 2.0, 1.0]), 1, 12)
    assert path.mean == pytest.approx([2.0])
    assert path.sigma == pytest.approx([np.sqrt(5.0)])


def test_month_ridge_learns_a_season_and_shrinks_it() -> None:
    history = np.tile([0.0, 2.0], 12)
    free = members.month_ridge(history, 2, 2, pull=1e-9).mean
    pulled = members.month_ridge(history, 2, 2, pull=6.0).mean
    assert free == pytest.approx([0.0, 2.0], abs=1e-3)
    assert 0 < pulled[0] < pulled[1] < 2


@pytest.mark.parametrize("months", [13, 24, 40])
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_members_say_what_the_library_says(months: int, level: float) -> None:
    # They spare the library its look further ahead, which must change nothing.
    from statsforecast.models import AutoCES, AutoETS, DynamicOptimizedTheta

    noise = np.random.default_rng(months).standard_normal(months)
    history = level + np.abs(np.sin(np.arange(months))) + 0.1 * noise
    seen = 12 if months >= 24 else 1
    theirs = DynamicOptimizedTheta(
        season_length=seen,
        decomposition_type="multiplicative" if (history > 0).all() else "additive",
    )
    for ours, library in (
        (members.auto_ets, AutoETS(season_length=seen)),
        (members.auto_ces, AutoCES(season_length=seen)),
        (members.optimised_theta, theirs),
    ):
        path = ours(history, 6, 12)
        assert path is not None
        assert path.mean.tolist() == library.fit(history).predict(h=6)["mean"].tolist()


def test_ces_repeats_what_never_changed() -> None:
    path = members.auto_ces(np.full(30, 7.0), 3, 12)
    assert path is not None
    assert path.mean.tolist() == [7.0] * 3


def test_ets_form_survives_the_round_trip() -> None:
    rng = np.random.default_rng(3)
    history = 1 + 0.02 * np.arange(48) + 0.2 * np.tile(rng.standard_normal(12), 4)
    searched = members.auto_ets(history, 6, 12)
    assert searched is not None
    again = members.auto_ets(history, 6, 12, searched.form)
    assert again is not None
    assert again.form == searched.form
    assert again.mean == pytest.approx(searched.mean)


@pytest.mark.parametrize("slope", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("multiplied", [False, True])
def test_ets_settles_on_the_form_of_the_full_search(slope: float, *, multiplied: bool) -> None:
    # A steep trend hides the season from every form without a trend.
    from statsforecast.ets import ets_f

    rng = np.random.default_rng(5)
    season = np.tile(rng.standard_normal(12), 5)
    line = 20 + slope * np.arange(60)
    history = (line * (1 + season / 20) if multiplied else line + season) + 0.1 * rng.random(60)
    path = members.auto_ets(history, 12, 12)
    assert path is not None
    full = ets_f(history, m=12, model="ZZZ", nmse=1)
    again = members.auto_ets(history, 12, 12, path.form)
    assert again is not None
    assert path.form == members._ets_form(full["method"])
    assert path.form[2] != "N"


@pytest.mark.parametrize("months", range(4, 14))
def test_ets_answers_for_a_level_where_months_are_too_few_for_a_trend(months: int) -> None:
    history = 5 + np.random.default_rng(months).standard_normal(months)
    path = members.auto_ets(history, 3, 12)
    assert path is None or path.form[1] == "N" or months > 8
    if months >= 8:
        assert path is not None


def test_libraries_that_give_up_are_left_out() -> None:
    zeros = np.zeros(30)
    for member in (members.auto_ets, members.auto_ces, members.optimised_theta):
        path = member(zeros, 3, 12, "")
        assert path is None or np.all(np.isfinite(path.mean))
