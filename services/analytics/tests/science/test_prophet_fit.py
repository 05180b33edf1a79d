"""Prophet on a leash: its answer, its deadline, and nothing left running."""

import time
from pathlib import Path

import numpy as np
import pytest

from analytics.science import prophet_fit
from analytics.science.forecast import forecast_line, forecast_monthly

SEASONAL = 100 + np.arange(48) + 20 * np.sin(np.arange(48) * 2 * np.pi / 12)


def _is_running(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_whole_group_dies_at_the_deadline(tmp_path: Path) -> None:
    child = tmp_path / "child"
    command = ["/bin/sh", "-c", f"sleep 60 & echo $! > {child}; wait"]
    started = time.monotonic()
    assert prophet_fit.run_in_group(command, 0.5, str(tmp_path)) is False
    assert time.monotonic() - started < 10
    deadline = time.monotonic() + 5
    while _is_running(int(child.read_text())) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _is_running(int(child.read_text()))


def test_a_program_that_fails_is_no_answer(tmp_path: Path) -> None:
    assert prophet_fit.run_in_group(["/bin/sh", "-c", "exit 3"], 5, str(tmp_path)) is False


@pytest.fixture
def endless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fit that never ends. However short its time, Stan's own may be over when we look."""
    program = tmp_path / "endless"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o700)
    monkeypatch.setattr(prophet_fit, "_program", lambda: program)


@pytest.mark.usefixtures("endless")
def test_no_time_no_answer() -> None:
    assert prophet_fit.fit(SEASONAL, 6, 12, seconds=0) is None
    assert prophet_fit.fit(SEASONAL, 6, 12, seconds=0.2) is None


@pytest.mark.usefixtures("endless")
def test_a_missed_deadline_leaves_the_ensemble_as_it_is() -> None:
    without = forecast_monthly(SEASONAL, 6, deadline_s=0)
    late = forecast_monthly(SEASONAL, 6, deadline_s=0.2)
    assert "Prophet" not in late.members
    assert late.mean.tolist() == without.mean.tolist()


def test_prophet_follows_trend_and_season_and_is_repeatable() -> None:
    path = prophet_fit.fit(SEASONAL, 12, 12, seconds=60)
    again = prophet_fit.fit(SEASONAL, 12, 12, seconds=60)
    assert path is not None
    assert again is not None
    assert path.mean.tobytes() == again.mean.tobytes()
    truth = 100 + np.arange(48, 60) + 20 * np.sin(np.arange(48, 60) * 2 * np.pi / 12)
    assert path.mean == pytest.approx(truth, rel=0.08)


def test_a_constant_history_needs_no_stan() -> None:
    path = prophet_fit.fit(np.full(30, 5.0), 3, 12, seconds=1e-9)
    assert path is not None
    assert path.mean.tolist() == [5.0] * 3


def test_the_gate_admits_a_good_prophet_and_the_line_shows_it_alone() -> None:
    answer = forecast_monthly(SEASONAL, 6, deadline_s=60)
    assert "Prophet" in answer.members
    assert "Prophet" in answer.method
    line = forecast_line("prophet", SEASONAL, 6, deadline_s=60)
    assert line.method == "Prophet"
    assert line.backtest.n == 18


@pytest.mark.slow
def test_the_direct_path_equals_prophet_itself() -> None:
    """Our shortcut around cmdstanpy and the components table must not change the answer."""
    import pandas as pd
    from prophet import Prophet

    dates = pd.date_range("2000-01-01", periods=60, freq="MS")
    model = Prophet(
        yearly_seasonality=False, weekly_seasonality=False, daily_seasonality=False,
        n_changepoints=6, changepoint_prior_scale=0.2, seasonality_prior_scale=0.05,
    )  # fmt: skip
    model.add_seasonality("season", period=365.25, fourier_order=3)
    model.fit(pd.DataFrame({"ds": dates[:48], "y": SEASONAL}), seed=1)
    theirs = model.predict(pd.DataFrame({"ds": dates[48:]}))["yhat"].to_numpy()
    ours = prophet_fit.fit(SEASONAL, 12, 12, seconds=60)
    assert ours is not None
    assert ours.mean == pytest.approx(theirs, rel=5e-3)
