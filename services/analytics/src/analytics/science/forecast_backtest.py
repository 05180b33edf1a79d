"""The series' own past as judge: rolling origins, the Prophet gate, the errors of each range."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analytics.science.forecast_intervals import Scales
from analytics.science.forecast_ladder import MIN_MONTHS, Voices, ask, rung_for
from analytics.science.forecast_types import Backtest
from analytics.science.metrics import seasonal_scale

Floats = NDArray[np.float64]

HORIZON = 6
CUTS = (6, 9, 12)
"""Months before the end at which the past is replayed, each time for six months."""

GATE = 1.2
"""Prophet joins the median while its past error is below this multiple of the ensemble's."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One earlier moment: what was known then, what was said, what came.

    `extra` is Prophet's path once it has joined the median.
    """

    history: Floats
    voices: Voices
    actual: Floats
    extra: Floats | None = None

    @property
    def error(self) -> Floats:
        return self.actual - self.voices.mean(self.extra)

    @property
    def sigma(self) -> Floats:
        return self.voices.sigma(self.history)

    @property
    def rung(self) -> str:
        return self.voices.rung.name


def pasts(history: Floats) -> list[tuple[Floats, Floats]]:
    """(known then, the six months that came) at each cut that leaves enough to say anything."""
    ends = [len(history) - cut for cut in CUTS]
    return [(history[:end], history[end : end + HORIZON]) for end in ends if end >= MIN_MONTHS]


def look_back(history: Floats, season: int, today: Voices) -> list[Origin]:
    """Replay the ladder at each cut of `history`; the forms found today are kept on the same rung.

    Searching the forms again at every origin would triple the cost of a forecast; keeping them
    costs a little honesty, which the shipped scales, learnt the same way, include.
    """
    forms = {name: path.form for name, path in today.paths.items()}
    origins = []
    for past, actual in pasts(history):
        same = rung_for(past, season).name == today.rung.name
        voices = ask(past, HORIZON, season, forms=forms if same else None)
        origins.append(Origin(past, voices, actual))
    return origins


def admits(origins: list[Origin], paths: list[Floats]) -> bool:
    """Whether Prophet's `paths` at the same origins were good enough to join the median.

    Joining a median needs less than winning: replacing the ensemble whenever Prophet was better
    lost 2 to 8 % in our measurements, joining below 1.2 times its error gained 1 %.
    """
    if not origins or len(paths) != len(origins):
        return False
    ensemble = float(np.mean([np.abs(o.error) for o in origins]))
    prophet = float(
        np.mean([np.abs(o.actual - path) for o, path in zip(origins, paths, strict=True)])
    )
    return prophet < GATE * ensemble


def joined(origins: list[Origin], paths: list[Floats]) -> list[Origin]:
    """The same origins had Prophet's `paths` been voices in their medians."""
    return [replace(o, extra=path) for o, path in zip(origins, paths, strict=True)]


def ratios(origins: list[Origin], rung: str, scales: Scales) -> Floats:
    """|error| over the shipped 80 % half-width of that step, all origins on `rung` in one row.

    Errors of another rung are those of another method and say nothing about this one's ranges.
    """
    parts = [
        np.abs(o.error) / np.maximum(o.sigma * scales.at(o.rung, 80, HORIZON), 1e-12)
        for o in origins
        if o.rung == rung
    ]
    return np.concatenate(parts) if parts else np.zeros(0)


def untested() -> Backtest:
    """The back-test of a history too short to have one."""
    nan = float("nan")
    return Backtest(0, HORIZON, 0, np.zeros((0, HORIZON)), nan, nan, nan, {})


def summarise(
    origins: list[Origin],
    history: Floats,
    season: int,
    levels: Sequence[int],
    scales: Scales,
    unit: float,
) -> Backtest:
    """Errors and coverage over the origins, in money; ranges as shipped, without own errors."""
    if not origins:
        return untested()
    errors = np.array([o.error for o in origins])
    size = float(np.abs([o.actual for o in origins]).sum())
    mae = float(np.mean(np.abs(errors)))
    widths = {
        level: np.array([o.sigma * scales.at(o.rung, level, HORIZON) for o in origins])
        for level in levels
    }
    return Backtest(
        origins=len(origins),
        horizon=HORIZON,
        n=errors.size,
        errors=errors * unit,
        mae=mae * unit,
        mase=mae / seasonal_scale(history, season),
        wape=float(np.abs(errors).sum()) / size if size > 0 else float("nan"),
        coverage={k: float(np.mean(np.abs(errors) <= w + 1e-12)) for k, w in widths.items()},
    )
