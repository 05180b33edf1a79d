"""The goals of the design on the sets that come with the repository; the long form is slow."""

import numpy as np
import pytest

from analytics.evaluate import accuracy, forecast
from analytics.evaluate.datasets import m3_monthly
from analytics.science.metrics import mean_of


@pytest.mark.parametrize("months", [6, 12])
def test_short_histories_beat_the_seed(months: int) -> None:
    series = m3_monthly(skip=0, take=40, seed=100 + months, lengths=(months,))
    scores = forecast.compare(series, slow=False)
    ours = mean_of(scores["recommended"].mase[6])
    assert ours < 0.92 * mean_of(scores["linear regression (seed)"].mase[6])
    assert 0.8 <= mean_of(scores["recommended"].covered[90]) <= 1.0


def test_long_histories_beat_the_seed() -> None:
    scores = forecast.compare(m3_monthly(take=12), slow=False)
    ours = mean_of(scores["recommended"].mase[6])
    assert ours < 0.8 * mean_of(scores["linear regression (seed)"].mase[6])


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_every_goal_is_met() -> None:
    missed = [
        f"{report.title}: {goal.name} = {goal.value:.3f} ({goal.limit})"
        for _, report in accuracy.reports(every=1)
        for goal in report.goals
        if not goal.met and np.isfinite(goal.value)
    ]
    assert missed == []
