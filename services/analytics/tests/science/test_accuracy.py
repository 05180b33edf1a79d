"""The goals of the design on the sets that come with the repository; the long form is slow."""

import pytest

from analytics.evaluate import accuracy, forecast
from analytics.evaluate.datasets import m3_monthly, repository
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


def verdicts(title: str) -> dict[str, bool]:
    """Goal -> met, as docs/accuracy.md says under `title`."""
    page = (repository() / "docs" / "accuracy.md").read_text()
    section = page.split(f"### {title}\n", 1)[1].split("\n### ", 1)[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if "| " in line]
    return {row[0]: row[-1] == "met" for row in rows if row[-1] in ("met", "**missed**")}


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_page_says_which_goals_are_met_and_which_are_missed() -> None:
    for _, report in accuracy.reports(every=1):
        assert {goal.name: goal.met for goal in report.goals} == verdicts(report.title)
