"""Why a forecast says what it says, in words and in the unit of the values."""

import numpy as np
from numpy.typing import NDArray

from analytics.science.forecast_history import History
from analytics.science.types import Factor

Floats = NDArray[np.float64]


def method(members: list[str]) -> str:
    """'AutoETS' or 'median of AutoETS, theta and SES'."""
    if len(members) == 1:
        return members[0]
    return "median of " + ", ".join(members[:-1]) + " and " + members[-1]


def factors(history: History, season: int) -> list[Factor]:
    """Trend, season, last level, outliers and months used; at most five, money per month."""
    values = history.values * history.unit
    found = [_last_level(values), _trend(values), _season(values, season)]
    if history.outliers:
        months = _count(history.outliers, "month")
        words = f"{months} far off the neighbours; kept, and may echo a year later"
        found.append(Factor("outliers", words, 0.0))
    found.append(_months_used(history))
    return [factor for factor in found if factor is not None][:5]


def too_few(history: History) -> list[Factor]:
    """The reason there is no curve."""
    n = len(history)
    known = "no month" if n == 0 else f"only {_count(n, 'month')}"
    words = f"There is {known} of history; a curve needs 4. Look at the open pipeline instead."
    return [Factor("months_used", words, 0.0)]


def _last_level(values: Floats) -> Factor:
    recent = values[-3:]
    level = float(recent.mean())
    if not np.any(values[-12:]):
        words = f"Nothing in the last {_count(min(len(values), 12), 'month')}"
    else:
        words = f"The last {_count(len(recent), 'month')} came to {_money(level)} a month"
    return Factor("last_level", words, level)


def _trend(values: Floats) -> Factor:
    """Median of all pairwise slopes, deaf to single odd months. Theil (1950), Sen (1968)."""
    window = values[-24:]
    later, earlier = np.triu_indices(len(window), 1)[::-1]
    slope = float(np.median((window[later] - window[earlier]) / (later - earlier)))
    span = _count(len(window), "month")
    if abs(slope) * 12 < 0.02 * float(np.mean(np.abs(window))) or slope == 0.0:
        return Factor("trend", f"Level over the last {span}", slope)
    word = "Rising" if slope > 0 else "Falling"
    return Factor("trend", f"{word} by {_money(abs(slope))} a month over the last {span}", slope)


def _season(values: Floats, season: int) -> Factor | None:
    """Best and worst month of the year against the months around; None before two years."""
    if season < 2 or len(values) < 2 * season:
        return None
    kernel = np.full(season, 1 / season)
    centred = np.convolve(values, kernel, mode="valid")
    start = season // 2
    off = values[start : start + len(centred)] - centred
    place = (np.arange(start, start + len(centred)) - len(values)) % season
    effect = np.array([float(off[place == month].mean()) for month in range(season)])
    effect -= effect.mean()
    best, worst = int(np.argmax(effect)), int(np.argmin(effect))
    if effect[best] - effect[worst] < 0.02 * float(np.mean(np.abs(values))):
        return None
    words = (
        f"Best month of the year: {_ahead(best)} (+{_money(effect[best])}); "
        f"weakest: {_ahead(worst)} (−{_money(-effect[worst])})"
    )
    return Factor("season", words, float(effect[best] - effect[worst]))


def _months_used(history: History) -> Factor:
    words = f"{_count(len(history), 'month')} of history used"
    if history.missing:
        words += f", {history.missing} of them unknown and filled from their neighbours"
    return Factor("months_used", words, 0.0)


def _ahead(place: int) -> str:
    return "next month" if place == 0 else f"in {_count(place + 1, 'month')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _money(amount: float) -> str:
    return f"{amount:,.0f}" if abs(amount) >= 100 else f"{amount:,.3g}"
