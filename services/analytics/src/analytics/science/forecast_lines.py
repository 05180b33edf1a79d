"""Single methods to look at beside the ensemble, judged the same way."""

import numpy as np
from numpy.typing import NDArray

from analytics.science import forecast_members as members
from analytics.science import prophet_fit
from analytics.science.forecast_backtest import HORIZON, Origin, pasts
from analytics.science.forecast_ladder import Rung, Voices
from analytics.science.forecast_members import Member, Path

Floats = NDArray[np.float64]

LINES = {
    "linear": "Linear regression",
    "prophet": "Prophet",
    "seasonal_naive": "Seasonal naive: the same month of last year",
}

_MEMBERS: dict[str, Member] = {
    "linear": members.linear_regression,
    "seasonal_naive": members.seasonal_naive,
}


def draw(
    line: str, history: Floats, horizon: int, season: int, seconds: float
) -> tuple[Voices, list[Origin]] | None:
    """The line today and at each origin, or None when the method cannot answer (in time)."""
    budget = prophet_fit.budget(seconds) if line == "prophet" else None

    def path(past: Floats, ahead: int) -> Path | None:
        if budget is None:
            return _MEMBERS[line](past, ahead, season, "")
        return prophet_fit.fit(past, ahead, season, seconds=budget.left())

    today = path(history, horizon)
    if today is None:
        return None
    origins = []
    for past, actual in pasts(history):
        then = path(past, HORIZON)
        if then is not None:
            origins.append(Origin(past, _alone(line, then), actual))
    return _alone(line, today), origins


def why_missing(line: str, months: int, season: int) -> str:
    """Why `draw` had no answer, in words."""
    if line == "seasonal_naive":
        return f"The same month of last year needs {season} months; there are {months}."
    return f"{LINES[line]} did not finish in time."


def _alone(line: str, path: Path) -> Voices:
    return Voices(Rung(line, ()), {LINES[line].split(":")[0]: path})
