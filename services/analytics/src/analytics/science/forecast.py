"""Monthly forecasts: a ladder of members by months of history, their median, honest ranges.

`forecast_monthly` is the recommended answer; `forecast_line` shows one simple method alone
(linear regression, Prophet, seasonal naive) with the same back-test, for those who ask for it.
The reasons and the measurements are in docs/adr/0020 to 0022 and docs/accuracy.md.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analytics.science import forecast_backtest as backtest
from analytics.science import forecast_lines as lines
from analytics.science import forecast_words as words
from analytics.science import prophet_fit
from analytics.science.forecast_backtest import HORIZON, Origin
from analytics.science.forecast_history import History, check_request, clean
from analytics.science.forecast_intervals import own_multiplier, ranges, shipped_scales
from analytics.science.forecast_ladder import MIN_MONTHS, Voices, ask
from analytics.science.forecast_lines import LINES
from analytics.science.forecast_types import Backtest, Forecast
from analytics.science.types import Factor

__all__ = ["LINES", "Backtest", "Forecast", "forecast_line", "forecast_monthly"]

Floats = NDArray[np.float64]


def forecast_monthly(
    values: ArrayLike,
    horizon: int,
    *,
    season: int = 12,
    levels: Sequence[int] = (80, 90, 95),
    deadline_s: float = 5.0,
) -> Forecast:
    """Forecast the next `horizon` months of a monthly series.

    Args:
        values: shape (n,), money per month, oldest first; NaN is a month that is not known.
        horizon: months ahead, 1 or more.
        season: months after which the year repeats, 1 to 24; 1 for none.
        levels: percentages the ranges claim to cover.
        deadline_s: wall seconds Prophet may take in all; 0 leaves it out.

    Below four months there is no curve (`mean` has shape (0,)) and the factor says why. Raises
    ValueError for another shape, an infinite value, or a horizon, season or level out of range.
    """
    check_request(horizon, season, levels)
    history = clean(values)
    if len(history) < MIN_MONTHS:
        return _no_curve(history, levels, words.too_few(history))
    today, origins, extra = listen(history.values, horizon, season, deadline_s)
    return _assemble(history, season, levels, today, origins, extra)


def forecast_line(
    line: str,
    values: ArrayLike,
    horizon: int,
    *,
    season: int = 12,
    levels: Sequence[int] = (80, 90, 95),
    deadline_s: float = 5.0,
) -> Forecast:
    """One method alone, named in `LINES`, with its own back-test.

    Arguments and errors as in `forecast_monthly`; an unknown name raises ValueError. When the
    method cannot answer (Prophet out of time, less than a season) there is no curve and it says so.
    """
    check_request(horizon, season, levels)
    if line not in LINES:
        raise ValueError(f"line must be one of {', '.join(LINES)}, not {line!r}")
    history = clean(values)
    if len(history) < MIN_MONTHS:
        return _no_curve(history, levels, words.too_few(history))
    drawn = lines.draw(line, history.values, horizon, season, deadline_s)
    if drawn is None:
        why = lines.why_missing(line, len(history), season)
        return _no_curve(history, levels, [Factor("months_used", why, 0.0)])
    return _assemble(history, season, levels, *drawn, None)


def listen(
    history: Floats, horizon: int, season: int, seconds: float
) -> tuple[Voices, list[Origin], Floats | None]:
    """The voices today, the same at each origin, and Prophet's path if it joined them."""
    today = ask(history, horizon, season)
    origins = backtest.look_back(history, season, today)
    extra, origins = _consult_prophet(history, horizon, season, today, origins, seconds)
    return today, origins, extra


def _consult_prophet(
    history: Floats,
    horizon: int,
    season: int,
    today: Voices,
    origins: list[Origin],
    seconds: float,
) -> tuple[Floats | None, list[Origin]]:
    """Prophet's path if it may join, and the origins as they would have been with it."""
    if today.rung.prophet == "no" or seconds <= 0 or not prophet_fit.available():
        return None, origins
    budget = prophet_fit.budget(seconds)
    if today.rung.prophet == "joins":
        path = prophet_fit.fit(history, horizon, season, seconds=budget.left())
        return (None if path is None else path.mean), origins
    past: list[Floats] = []
    for origin in origins:
        then = prophet_fit.fit(origin.history, HORIZON, season, seconds=budget.left())
        if then is None:
            return None, origins
        past.append(then.mean)
    if not backtest.admits(origins, past):
        return None, origins
    path = prophet_fit.fit(history, horizon, season, seconds=budget.left())
    if path is None:
        return None, origins
    return path.mean, backtest.joined(origins, past)


def _assemble(
    history: History,
    season: int,
    levels: Sequence[int],
    today: Voices,
    origins: list[Origin],
    extra: Floats | None,
) -> Forecast:
    """Ranges, confidence and words around the median of the voices."""
    scales = shipped_scales()
    unit, rung = history.unit, today.rung.name
    mean = np.maximum(today.mean(extra), history.floor)
    spread = today.sigma(history.values)
    spread = spread * own_multiplier(backtest.ratios(origins, rung, scales), scales.doubt)
    half = {level: spread * scales.at(rung, level, len(mean)) for level in levels}
    lower, upper = ranges(mean, half, history.floor)
    members = {name: path.mean * unit for name, path in today.paths.items()}
    if extra is not None:
        members["Prophet"] = extra * unit
    hits = backtest.summarise(origins, history.values, season, (*levels, 80), scales, unit)
    return Forecast(
        mean=mean * unit,
        lower={level: low * unit for level, low in lower.items()},
        upper={level: high * unit for level, high in upper.items()},
        method=words.method(list(members)),
        members=members,
        n_used=len(history),
        backtest=hits,
        confidence=_confidence(hits, mean, spread * scales.at(rung, 80, len(mean))),
        factors=words.factors(history, season),
        evidence=evidence(len(history)),
        data_quality=_quality(history),
    )


def _confidence(hits: Backtest, mean: Floats, half_width_80: Floats) -> float:
    """Own hit rate over the promised 80 %, divided by one plus the relative half-width; 0 to 1.

    Six promised comparisons are added to the own ones, so that few of them move it little.
    """
    level = float(np.mean(np.abs(mean)))
    if level <= 0:
        return 0.0
    hit = (hits.n * hits.coverage.get(80, 0.0) + 6 * 0.8) / (hits.n + 6)
    return min(1.0, hit / 0.8) / (1.0 + float(np.mean(half_width_80)) / level)


def evidence(months: int) -> str:
    """The evidence level of a curve from so many months; more months never lower it."""
    if months < MIN_MONTHS:
        return "none"
    if months < 12:
        return "low"
    return "medium" if months < 36 else "high"


def _quality(history: History) -> dict[str, int]:
    return {"months": len(history), "missing": history.missing, "outliers": history.outliers}


def _no_curve(history: History, levels: Sequence[int], why: list[Factor]) -> Forecast:
    nothing = np.zeros(0)
    return Forecast(
        mean=nothing,
        lower={level: nothing for level in levels},
        upper={level: nothing for level in levels},
        method="No curve",
        members={},
        n_used=len(history),
        backtest=backtest.untested(),
        confidence=0.0,
        factors=why,
        evidence="none",
        data_quality=_quality(history),
    )
