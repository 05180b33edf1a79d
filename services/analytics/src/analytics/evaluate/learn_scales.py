"""Learn the interval scales that ship with the forecast.

    python -m analytics learn-scales

For every rung, level and step ahead: the multiplier of the members' spread that makes the range
hold the stated share of outcomes on series set aside for learning. Deterministic; about ten
minutes on one core.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analytics.evaluate.datasets import Series, m3_monthly, repository
from analytics.evaluate.datasets_lumpy import lumpy_series
from analytics.evaluate.forecast import PATIENCE
from analytics.evaluate.report import bar
from analytics.science import forecast_lines
from analytics.science.forecast import listen
from analytics.science.forecast_backtest import Origin, ratios
from analytics.science.forecast_history import clean
from analytics.science.forecast_intervals import Scales, own_multiplier

Floats = NDArray[np.float64]
Progress = Callable[[Sequence[Series], str], Iterable[Series]]

COMMAND = "python -m analytics learn-scales"
LEVELS = (50, 80, 90, 95)
SEASON = 12
HORIZON = 12
DOUBT = 20.0
"""Own errors weigh n / (n + DOUBT); chosen for the lowest interval score on the learning part."""

SHORT_LENGTHS = (4, 5, 6, 7, 8, 9, 12, 15, 18, 21, 24)
ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Case:
    """One forecast made while learning: claimed spread, what it missed by, its own past."""

    rung: str
    sigma: Floats
    error: Floats
    origins: list[Origin]


def learn(progress: Progress, doubt: float = DOUBT) -> dict[str, object]:
    """The scale document: {"scales": {rung: {level: [horizon]}}, "doubt", and its origin}."""
    cases = collect(progress)
    scales = fit(cases, doubt)
    counts: dict[str, int] = {}
    for case in cases:
        counts[case.rung] = counts.get(case.rung, 0) + 1
    return {
        "made_by": COMMAND,
        "made_from": "M3 monthly (part skip=0; short samples skip=200), CDNOW groups for lumpy",
        "series": counts,
        "doubt": doubt,
        "scales": {
            rung: {str(level): [round(float(x), 4) for x in row] for level, row in table.items()}
            for rung, table in scales.items()
        },
    }


def write(document: dict[str, object], path: Path) -> None:
    """Write the document in a stable order, so that a rerun is the same file."""
    path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")


def collect(progress: Progress) -> list[Case]:
    """Every rung's and every line's forecasts on the series set aside for learning."""
    cases = []
    for series in progress(list(_series()), "ladder"):
        past = clean(series.history)
        voices, origins, extra = listen(past.values, HORIZON, SEASON, PATIENCE)
        mean = np.maximum(voices.mean(extra), past.floor)
        error = _missed(series, past.unit, mean)
        cases.append(Case(voices.rung.name, voices.sigma(past.values), error, origins))
    for line in forecast_lines.LINES:
        for series in progress(m3_monthly(skip=0), line):
            past = clean(series.history)
            drawn = forecast_lines.draw(line, past.values, HORIZON, SEASON, PATIENCE)
            if drawn is not None:
                error = _missed(series, past.unit, drawn[0].mean())
                cases.append(Case(line, drawn[0].sigma(past.values), error, drawn[1]))
    return cases


def _series() -> Iterator[Series]:
    yield from m3_monthly(skip=0)
    names = {series.name for series in m3_monthly(skip=0)}
    others = m3_monthly(skip=0, take=10_000, seed=43, lengths=(26, 30, 42, 54, 84))
    yield from (series for series in others if series.name in names)
    for months in SHORT_LENGTHS:
        yield from m3_monthly(skip=200, take=200, seed=100 + months, lengths=(months,))
    yield from lumpy_series()


def _missed(series: Series, unit: float, mean: Floats) -> Floats:
    """Absolute error per step in units of the history, NaN past the known future."""
    error = np.full(HORIZON, np.nan)
    known = min(HORIZON, len(series.future))
    error[:known] = np.abs(series.future[:known] / unit - mean[:known])
    return error


def fit(cases: list[Case], doubt: float) -> dict[str, dict[int, Floats]]:
    """Scales at which every rung covers what it says, own errors already blended in.

    The blend needs the 80 % scale and the scale needs the blend: a few rounds settle it.
    """
    rungs = sorted({case.rung for case in cases})
    ones = {level: np.ones(HORIZON) for level in LEVELS}
    scales = Scales({rung: ones for rung in rungs}, doubt)
    for turn in range(ROUNDS):
        blend = doubt if turn else np.inf
        found = {rung: _quantiles([c for c in cases if c.rung == rung], scales, blend)
                 for rung in rungs}  # fmt: skip
        scales = Scales(found, doubt)
    return scales.by_rung


def _quantiles(cases: list[Case], scales: Scales, doubt: float) -> dict[int, Floats]:
    own = [own_multiplier(ratios(c.origins, c.rung, scales), doubt) for c in cases]
    spread = np.array([c.sigma * m for c, m in zip(cases, own, strict=True)])
    errors = np.array([c.error for c in cases])
    table: dict[int, Floats] = {}
    for level in LEVELS:
        row = np.array([_quantile(e, s, level) for e, s in zip(errors.T, spread.T, strict=True)])
        table[level] = _smooth(row)
    return table


def _quantile(errors: Floats, spread: Floats, level: int) -> float:
    """The conformal quantile of |error| / spread at one step, NaN where no future is known."""
    ratio = np.sort((errors / np.maximum(spread, 1e-9))[~np.isnan(errors)])
    if len(ratio) == 0:
        return float("nan")
    return float(ratio[min(len(ratio), int(np.ceil(level / 100 * (len(ratio) + 1)))) - 1])


def _smooth(row: Floats) -> Floats:
    """Mean of three neighbouring steps; unknown steps repeat the last known one."""
    known = row[~np.isnan(row)]
    filled = np.concatenate([known, np.full(len(row) - len(known), known[-1])])
    padded = np.pad(filled, 1, mode="edge")
    smooth: Floats = np.convolve(padded, np.full(3, 1 / 3), mode="valid")
    return smooth


def main(arguments: Sequence[str]) -> int:
    """Learn and write the file into the package's source."""
    if arguments:
        sys.stderr.write("learn-scales takes no arguments\n")
        return 2
    target = repository() / "services/analytics/src/analytics/science/data/forecast_scales.json"
    write(learn(bar), target)
    return 0
