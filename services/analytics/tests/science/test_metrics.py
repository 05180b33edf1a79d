"""Each yardstick against a value worked out by hand."""

import math

import numpy as np
import pytest

from analytics.science import metrics


def test_seasonal_scale_is_the_mean_step_over_a_season() -> None:
    assert metrics.seasonal_scale([1, 2, 3, 4], season=2) == 2.0


def test_seasonal_scale_falls_back_to_steps_then_to_the_level() -> None:
    assert metrics.seasonal_scale([1, 4], season=12) == 3.0
    assert metrics.seasonal_scale([5, 5, 5], season=2) == 5.0
    assert metrics.seasonal_scale([], season=12) > 0


def test_point_errors() -> None:
    assert metrics.mase([1, 2], [2, 4], scale=1.0) == 1.5
    assert metrics.smape([1, 0], [3, 0]) == 50.0  # 200 * 2 / 4 and a pair of zeros
    assert metrics.wape([10, 0], [5, 5]) == 1.0
    assert metrics.bias([10, 10], [15, 10]) == 0.25
    assert math.isnan(metrics.wape([0], [1]))
    assert math.isnan(metrics.bias([0], [1]))


def test_intervals() -> None:
    assert metrics.coverage([1, 2, 3], [1, 0, 4], [1, 1, 5]) == pytest.approx(1 / 3)


def test_probabilities() -> None:
    assert metrics.brier([1, 0], [0.8, 0.4]) == pytest.approx(0.1)
    assert metrics.log_loss([1], [0.5]) == pytest.approx(math.log(2))
    # One pair won, one tied, for each of the two positives.
    assert metrics.auc([0, 1, 1, 0], [0.1, 0.5, 0.5, 0.5]) == 0.75
    assert math.isnan(metrics.auc([1, 1], [0.1, 0.9]))
    assert metrics.ece([0, 0, 1, 1], [0.1, 0.1, 0.9, 0.9]) == pytest.approx(0.1)
    assert metrics.lift_top([1, 0, 0, 0], [0.9, 0.1, 0.2, 0.3], share=0.25) == 4.0


def test_calibration_line_of_true_probabilities_is_one_and_zero() -> None:
    outcome = [1, 0, 0, 0, 0, 1, 1, 1, 1, 0]
    slope, intercept = metrics.calibration_line(outcome, [0.2] * 5 + [0.8] * 5)
    assert slope == pytest.approx(1.0, abs=1e-6)
    assert intercept == pytest.approx(0.0, abs=1e-6)


def test_calibration_line_of_boasting_is_flat() -> None:
    slope, _ = metrics.calibration_line([1, 0, 1, 0], [0.1, 0.1, 0.9, 0.9])
    assert slope == pytest.approx(0.0, abs=1e-6)
    assert math.isnan(metrics.calibration_line([1, 0], [0.5, 0.5])[0])


def test_mean_of_skips_what_is_not_known() -> None:
    assert metrics.mean_of([1.0, float("nan"), 3.0]) == 2.0
    assert np.isnan(metrics.mean_of([]))
