"""What earlier projections of the same deals missed by, and the ranges that follow from it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analytics.science.deals_table import Deals
from analytics.science.forecast_members import normal_quantile
from analytics.science.revenue_parts import Parts, parts, workspace

Floats = NDArray[np.float64]

ORIGINS = 6
STEP = 30
"""Days between the moments projected from again; six of them are half a year."""

MIN_HISTORY = 60
"""Days of recorded closings a past moment needs before it may be projected from."""

DOUBT = 20.0
"""Misses of doubt: own misses weigh n / (n + DOUBT) against the usual ones."""

USUAL_WIDENING = 1.3
"""A normal range needs this much more without a past to learn from."""

CORRECTION_DOUBT = 2.0
"""Past moments of doubt before the survival part is corrected by what earlier ones came to."""


@dataclass(frozen=True, slots=True)
class Misses:
    """Earlier projections against what came, one entry per owner and moment, shape (n,).

    `ratios` is (actual - projected) / spread, ascending. `wape` and `bias` are over all of them
    together. `correction` is what survival projections from now on are multiplied by.
    """

    origins: int
    ratios: Floats
    wape: float
    bias: float
    correction: float = 1.0

    @property
    def n(self) -> int:
        return len(self.ratios)

    @property
    def words(self) -> str:
        """The result in one sentence."""
        if self.n == 0:
            return "No earlier moment could be projected from; the range is a usual one."
        return (
            f"Projected again from {self.origins} earlier "
            f"{'moment' if self.origins == 1 else 'moments'}"
            f"{_compared(self.n, self.origins)}: off by {self.wape:.0%} of what came in. "
            "The range follows those misses."
        )


def _compared(comparisons: int, origins: int) -> str:
    """How often, where it is not once a moment."""
    return "" if comparisons == origins else f" ({comparisons} comparisons)"


NO_PAST = Misses(0, np.zeros(0), float("nan"), float("nan"))


@dataclass(frozen=True, slots=True)
class _Moment:
    """One earlier moment: its day, each owner's parts as seen then, and what each won after."""

    day: float
    pieces: list[Parts]
    won: Floats


def look_back(whole: Deals, days: int, *, by_owner: bool) -> Misses:
    """Project again from earlier moments whose window has passed by day 0.

    With `by_owner` every owner is projected alone, as the projection itself will be. Each moment is
    corrected only by moments whose windows had passed by then.
    """
    if not np.any(~whole.open):
        return NO_PAST
    first = float(np.nanmin(whole.closed))
    days_back = [-float(days + turn * STEP) for turn in range(ORIGINS)]
    moments = [
        _replay(whole, day, days, by_owner=by_owner)
        for day in sorted(days_back)
        if day - first >= MIN_HISTORY
    ]
    if not moments:
        return NO_PAST
    pieces = [
        replace(piece, correction=_correction([m for m in moments if m.day + days <= then.day]))
        for then in moments
        for piece in then.pieces
    ]
    won = np.concatenate([m.won for m in moments])
    return _misses(len(moments), pieces, won, _correction(moments))


def _replay(whole: Deals, day: float, days: int, *, by_owner: bool) -> _Moment:
    then = whole.known_at(day)
    lent = workspace(then)
    came = whole.keep(whole.is_won & (whole.closed > day) & (whole.closed <= day + days))
    if not by_owner:
        return _Moment(day, [parts(then, lent, days)], np.array([came.value.sum()]))
    owners = np.unique(then.owner)
    pieces = [parts(then.keep(then.owner == owner), lent, days) for owner in owners]
    won = [float(came.value[came.owner == owner].sum()) for owner in owners]
    return _Moment(day, pieces, np.array(won))


def _correction(moments: list[_Moment]) -> float:
    """What survival projections came to, over what they said, shrunk to one."""
    if not moments:
        return 1.0
    said = float(sum(piece.survival for m in moments for piece in m.pieces))
    came = float(sum(m.won.sum() for m in moments))
    doubt = CORRECTION_DOUBT * said / len(moments)
    if said <= 0:
        return 1.0
    return float(np.clip((came + doubt) / (said + doubt), 0.5, 2.0))


def _misses(origins: int, pieces: list[Parts], won: Floats, correction: float) -> Misses:
    said = np.array([piece.mean for piece in pieces])
    spread = np.array([piece.spread for piece in pieces])
    off, total, nan = won - said, float(np.abs(won).sum()), float("nan")
    known = spread > 0
    return Misses(
        origins,
        np.sort(off[known] / spread[known]),
        float(np.abs(off).sum()) / total if total > 0 else nan,
        -float(off.sum()) / total if total > 0 else nan,
        correction,
    )


def ranges(
    mean: float, spread: float, misses: Misses, levels: list[int], floor: float
) -> tuple[dict[int, float], dict[int, float]]:
    """Lower and upper per level, nested, holding the mean, never below `floor`."""
    lower: dict[int, float] = {}
    upper: dict[int, float] = {}
    below = above = 0.0
    for level in levels:
        low, high = _quantiles(misses, level)
        below, above = max(below, -low), max(above, high)
        lower[level] = max(mean - spread * below, floor)
        upper[level] = max(mean + spread * above, floor)
    return lower, upper


def _quantiles(misses: Misses, level: int) -> tuple[float, float]:
    """Lower and upper quantile of past misses, blended with a usual normal's.

    Each side takes its own conformal quantile: income has a long right tail. Misses of one moment
    share its luck, so m moments widen the range by sqrt(1 + 1/m), the predictive factor of a mean
    of m, and weigh m / (m + 1) of what their number alone would.
    """
    n, moments = misses.n, misses.origins
    usual = USUAL_WIDENING * normal_quantile(level)
    if n == 0 or moments == 0:
        return -usual, usual
    tail = (1 - level / 100) / 2
    weight = n / (n + DOUBT) * moments / (moments + 1)
    place = min(n, int(np.ceil((1 - tail) * (n + 1)))) - 1
    wide = float(np.sqrt(1 + 1 / moments))
    high = weight * wide * float(misses.ratios[place]) + (1 - weight) * usual
    low = weight * wide * float(misses.ratios[n - 1 - place]) - (1 - weight) * usual
    return min(low, 0.0), max(high, 0.0)
