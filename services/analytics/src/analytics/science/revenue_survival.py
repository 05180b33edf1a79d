"""When deals close and how: hazards by age for each outcome, and what they make of open deals.

Cause-specific piecewise-constant hazards with the usual estimate, events over exposure
(Kalbfleisch and Prentice 2002, chapter 8), each shrunk to the hazard over all ages so that an age
few deals have reached does not speak alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.science.deals_table import Deals

Floats = NDArray[np.float64]

EDGES = np.array([0, 2, 4, 7, 10, 14, 21, 30, 45, 60, 75, 90, 105, 120, 150, 180, 270, 365, 730.0])
"""Bounds of the age bins in days; the last bin has no end."""

OLDEST = 730
"""Past two years of age the hazard is held constant."""

PRIOR_EVENTS = 2.0
"""Events of doubt that pull each bin to the hazard over all ages."""


@dataclass(frozen=True, slots=True)
class Hazards:
    """Daily hazards at each whole day of age 0 .. `OLDEST`: shape (OLDEST + 1,) per outcome."""

    won: Floats
    lost: Floats

    def times(self, factor: float) -> Hazards:
        """The same with winning `factor` times as quick."""
        return Hazards(self.won * factor, self.lost)

    def cumulated_wins(self) -> Floats:
        """Integral of the hazard of winning from age 0 to each whole day."""
        cumulated: Floats = np.concatenate([[0.0], np.cumsum(self.won)])
        return cumulated

    def win_within(self, ages: Floats, days: int) -> Floats:
        """Chance to be won within 1 .. `days` days, for deals open at each of `ages` days.

        Shape (days, len(ages)): summed over days, the survival so far times the day's chance to
        leave times winning's share of it; the survival falls by both hazards.
        """
        first = np.clip(ages, 0, OLDEST).astype(np.int64)
        whole = np.minimum(first[None, :] + np.arange(days)[:, None], OLDEST)
        both = (self.won + self.lost)[whole]
        survival = np.exp(-(np.cumsum(both, axis=0) - both))
        share = self.won[whole] / np.maximum(both, 1e-300)
        chances: Floats = np.cumsum(survival * -np.expm1(-both) * share, axis=0)
        return chances

    def win_by(self, ages: Floats, days: int) -> Floats:
        """The last row of `win_within`, computed once for each whole day of age there is."""
        whole, place = np.unique(np.clip(ages, 0, OLDEST).astype(np.int64), return_inverse=True)
        chance: Floats = self.win_within(whole.astype(np.float64), days)[-1][place]
        return chance


def estimate(deals: Deals, since: float = -np.inf) -> Hazards:
    """Hazards from all deals known at day 0, watched from day `since`; zero before any closing."""
    if not np.any(~deals.open):
        return Hazards(np.zeros(OLDEST + 1), np.zeros(OLDEST + 1))
    begin, end = at_risk(deals, since)
    exposure = _exposure(begin, end)
    closed = ~deals.open
    rates = [_rates(end[closed & (deals.won == k)], exposure) for k in (1.0, 0.0)]
    return Hazards(*rates)


def recorded_since(deals: Deals) -> float:
    """The day from which closings were written down, or -inf when that is all along.

    An export often begins with the deals that were open then: none that had closed is in it, and
    counting those days would make every deal look slow. The closings so far fall by chance all
    after the first one with probability (share of deal-days after it)^(n - 1); below one in a
    thousand, with twenty closings or more, chance is not believed.
    """
    closed = ~deals.open
    count = int(closed.sum())
    if count < 20:
        return -np.inf
    first = float(np.nanmin(deals.closed))
    before, end = np.clip(first - deals.created, 0.0, None), at_risk(deals, -np.inf)[1]
    total = float(end.sum())
    after = float((end - np.minimum(before, end)).sum())
    if after <= 0 or (count - 1) * np.log(after / total) > np.log(1e-3):
        return -np.inf
    return first


def at_risk(deals: Deals, since: float) -> tuple[Floats, Floats]:
    """Ages between which each deal was watched, shape (n,) each."""
    end = np.where(deals.open, 0.0, deals.closed) - deals.created
    return np.minimum(np.clip(since - deals.created, 0.0, None), end), end


def expected_wins(cumulated: Floats, begin: Floats, end: Floats) -> float:
    """Wins deals watched between these ages should have had, from `Hazards.cumulated_wins`."""
    ages = np.arange(len(cumulated))
    return float((np.interp(end, ages, cumulated) - np.interp(begin, ages, cumulated)).sum())


def _exposure(begin: Floats, end: Floats) -> Floats:
    """Days spent in each age bin, shape (bins,); half a day at least for what closed at once."""
    # Bin by bin: all bins of a hundred thousand deals at once would be the largest array there is.
    spans = zip(EDGES, np.append(EDGES[1:], np.inf), strict=True)
    days = np.array(
        [
            np.clip(np.minimum(end, high) - np.maximum(begin, low), 0.0, None).sum()
            for low, high in spans
        ]
    )
    days[0] += 0.5 * float(np.sum(end - begin < 0.5))
    return days


def _rates(ages_at_event: Floats, exposure: Floats) -> Floats:
    """Shrunk events over exposure, spread to whole days of age."""
    place = np.clip(np.searchsorted(EDGES, ages_at_event, side="right") - 1, 0, len(EDGES) - 1)
    events = np.bincount(place, minlength=len(EDGES)).astype(np.float64)
    total = float(exposure.sum())
    overall = float(events.sum()) / total if total > 0 else 0.0
    if overall <= 0:
        return np.zeros(OLDEST + 1)
    rates = (events + PRIOR_EVENTS) / (exposure + PRIOR_EVENTS / overall)
    bins = np.searchsorted(EDGES, np.arange(OLDEST + 1), side="right") - 1
    daily: Floats = rates[bins]
    return daily
