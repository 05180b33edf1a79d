"""Prophet as one voice: its own preparation and formula, with Stan held on a short leash.

Prophet (Taylor and Letham, 2018) hands its optimisation to a compiled Stan program. One to six in
a hundred fits take seconds and the worst took 58, so the program runs in a process group of its
own that is killed as a group when the time is up. It is called directly rather than through
cmdstanpy, whose wrapping costs ten times the fit itself. BFGS replaces Newton for the same reason:
same optimum, a tenth of the time.
"""

import contextlib
import dataclasses
import json
import logging
import os
import signal
import subprocess
import tempfile
import time
from importlib import resources
from pathlib import Path as FilePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.science.forecast_members import Path

Floats = NDArray[np.float64]

DAYS_PER_MONTH = 365.25 / 12


def _settings(months: int) -> dict[str, Any]:
    """Few bends and shrunken seasons, learnt on the development sample: months are few and noisy.

    Two years cannot tell a bend from noise, so theirs are pulled harder.
    """
    bends = 0.2 if months > 24 else 0.05
    return {
        "n_changepoints": 6,
        "changepoint_prior_scale": bends,
        "seasonality_prior_scale": 0.05,
    }


def available() -> bool:
    """Whether Prophet and its compiled Stan program are installed; imports Prophet."""
    _quiet()
    try:
        import prophet  # noqa: F401
    except ImportError:
        return False
    return _program().exists()


def fit(
    history: Floats, horizon: int, season: int, *, seconds: float, tuned: bool = True
) -> Path | None:
    """Prophet's path for the next `horizon` months, or None when `seconds` ran out.

    Args:
        history: shape (n,), finite, oldest first; n >= 3.
        season: months per season; 1 leaves the season out.
        seconds: wall time Stan may take; at the end its whole process group is killed.
        tuned: the shrunken settings of the ensemble; False for the library's defaults.
    """
    if seconds <= 0 or len(history) < 3:
        return None
    if float(np.ptp(history)) == 0.0:
        return Path(np.full(horizon, history[-1]), np.zeros(horizon))
    # As in Prophet itself: a season needs two turns before it is believed.
    believed = season if len(history) >= 2 * season else 1
    model = _model(believed, _settings(len(history)) if tuned else {})
    dates = _dates(len(history) + horizon)
    inputs = model.preprocess(_frame(dates[: len(history)], history))
    start = model.calculate_initial_params(inputs.K)
    parameters = _optimise(model, inputs, start, seconds)
    if parameters is None:
        return None
    mean = _predict(model, parameters, dates[len(history) :])
    noise = float(parameters["sigma_obs"][0]) * float(model.y_scale)
    return Path(mean, np.full(horizon, noise)) if np.all(np.isfinite(mean)) else None


# ---------------------------------------------------------------- Prophet's own parts


def _quiet() -> None:
    """It complains of what is missing for its pictures."""
    for name in ("prophet", "prophet.plot", "cmdstanpy"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _model(season: int, settings: dict[str, Any]) -> Any:
    _quiet()
    from prophet import Prophet

    class WithoutBackend(Prophet):
        """Prophet that does not load its Stan wrapper, which costs 0.2 s and is not used."""

        def _load_stan_backend(self, stan_backend: str | None) -> None:
            self.stan_backend = None

    model = WithoutBackend(
        yearly_seasonality=False,
        weekly_seasonality=False,
        daily_seasonality=False,
        uncertainty_samples=0,
        **settings,
    )
    # Prophet's own yearly term has order 10: more waves than twelve months can carry.
    order = min(3, season // 2) if settings else 10
    if season > 1:
        model.add_seasonality("season", period=season * DAYS_PER_MONTH, fourier_order=order)
    return model


def _dates(months: int) -> Any:
    import pandas as pd

    return pd.date_range("2000-01-01", periods=months, freq="MS")


def _frame(dates: Any, values: Floats) -> Any:
    import pandas as pd

    return pd.DataFrame({"ds": dates, "y": values})


def _predict(model: Any, parameters: dict[str, Floats], dates: Any) -> Floats:
    """Trend plus season at `dates`: Prophet's formula without its components table (a tenth)."""
    import pandas as pd

    frame = model.setup_dataframe(pd.DataFrame({"ds": dates}))
    trend = model.piecewise_linear(
        frame["t"].to_numpy(),
        parameters["delta"],
        float(parameters["k"][0]),
        float(parameters["m"][0]),
        model.changepoints_t,
    )
    scaled: Floats = np.asarray(trend, dtype=np.float64)
    for season in model.seasonalities.values():
        waves = model.fourier_series(frame["ds"], season["period"], season["fourier_order"])
        scaled = scaled + waves @ parameters["beta"]
    return scaled * float(model.y_scale)


# ---------------------------------------------------------------- Stan


def _program() -> FilePath:
    return FilePath(str(resources.files("prophet"))) / "stan_model" / "prophet_model.bin"


def _optimise(model: Any, inputs: Any, start: Any, seconds: float) -> dict[str, Floats] | None:
    with tempfile.TemporaryDirectory(prefix="prophet-") as folder:
        data, init, output = (FilePath(folder) / name for name in ("data", "init", "output"))
        data.with_suffix(".json").write_text(_json(dataclasses.asdict(inputs)))
        init.with_suffix(".json").write_text(_json(dataclasses.asdict(start)))
        remaining = budget(seconds)
        for algorithm in ("bfgs", "newton"):  # BFGS loses its way in one series of twenty
            command = [
                str(_program()),
                *("optimize", f"algorithm={algorithm}", "iter=10000"),
                *("random", "seed=1"),
                *("data", f"file={data}.json", f"init={init}.json"),
                *("output", f"file={output}.csv", "sig_figs=18"),
            ]
            if run_in_group(command, remaining.left(), folder):
                return _read(output.with_suffix(".csv"))
        return None


def run_in_group(command: list[str], seconds: float, folder: str) -> bool:
    """Run `command` in its own process group; False when it failed or had to be killed.

    The group, not the process, is killed: Stan may start threads or helpers of its own.
    """
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        command, cwd=folder, stdin=quiet, stdout=quiet, stderr=quiet, process_group=0
    )
    try:
        return process.wait(timeout=seconds) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _json(values: dict[str, Any]) -> str:
    def plain(value: Any) -> Any:
        if hasattr(value, "to_numpy"):
            value = value.to_numpy()
        return value.tolist() if hasattr(value, "tolist") else value

    return json.dumps({key: plain(value) for key, value in values.items()})


def _read(path: FilePath) -> dict[str, Floats] | None:
    """Stan's CSV: comments, one header (`beta.1`, `beta.2`, ...), one row of numbers."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    if len(lines) < 2:
        return None
    parts: dict[str, list[float]] = {}
    for name, value in zip(lines[0].split(","), lines[-1].split(","), strict=True):
        parts.setdefault(name.split(".")[0], []).append(float(value))
    return {name: np.asarray(values) for name, values in parts.items()}


class _Budget:
    """Seconds left of a deadline; Stan's runs of one forecast share it."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        return max(0.0, self._end - time.monotonic())


def budget(seconds: float) -> _Budget:
    """A deadline `seconds` from now."""
    return _Budget(seconds)
