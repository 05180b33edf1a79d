"""The two methods behind a revenue projection, for one owner or a whole workspace."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.science.deals_table import Deals
from analytics.science.revenue_survival import (
    Hazards,
    at_risk,
    estimate,
    expected_wins,
    recorded_since,
)

Floats = NDArray[np.float64]

WINDOW = 90
"""Days of recent income and inflow that stand for the present: a quarter, so that quarter ends,
which swing win rates from .5 to .8 in the CRM export, are always inside once."""

PACE_DOUBT = 8.0
"""Expected wins of doubt about an owner winning quicker or slower than the workspace."""

VALUE_DOUBT = 3.0
"""Wins of doubt about an owner's mean won value; the workspace's stands in for them."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The pieces of one projection, all in money.

    `sigma` is the standard deviation counting alone would give, `disagreement` half the distance of
    the two methods. `correction` multiplies the survival part by what earlier ones came to.
    """

    run_rate: float
    pipeline: float
    inflow: float
    sigma: float
    run_days: int
    floor: float
    correction: float = 1.0

    @property
    def survival(self) -> float:
        return self.correction * (self.pipeline + self.inflow)

    @property
    def mean(self) -> float:
        return max((self.run_rate + self.survival) / 2, self.floor)

    @property
    def disagreement(self) -> float:
        return abs(self.run_rate - self.survival) / 2

    @property
    def spread(self) -> float:
        """Counting and disagreement together: two methods apart are a sign of a changed regime."""
        return float(np.hypot(self.sigma, self.disagreement))


@dataclass(frozen=True, slots=True)
class Workspace:
    """What the whole workspace lends to one owner's projection, computed once per moment."""

    hazards: Hazards
    cumulated: Floats
    since: float
    mean_won: float
    square_won: float
    run_days: int


def workspace(whole: Deals) -> Workspace:
    """Hazards, usual won value and the look-back of the run rate from all deals known at day 0."""
    since = recorded_since(whole)
    hazards = estimate(whole, since)
    values = whole.value[whole.is_won] if np.any(whole.is_won) else whole.value
    mean = float(values.mean()) if len(values) else 0.0
    square = float((values**2).mean()) if len(values) else 0.0
    cumulated = hazards.cumulated_wins()
    return Workspace(hazards, cumulated, since, mean, square, _watched_days(whole))


def parts(own: Deals, whole: Workspace, days: int) -> Parts:
    """Project the deals of `own` over `days`, with what `whole` lends."""
    quick = whole.hazards.times(_pace(own, whole))
    chance = quick.win_by(-own.created[own.open], days)
    value = own.value[own.open]
    # A deal opened u days from now has days - u days left: one term per day of the window.
    wins_from_new = _opened_per_day(own) * float(quick.win_within(np.zeros(1), days).sum())
    mean_won, square_won = _won_value(own, whole)
    recent = own.value[own.is_won & (own.closed > -whole.run_days)]
    share = days / whole.run_days
    variance = (
        float(np.sum(chance * (1 - chance) * value**2))
        + wins_from_new * square_won
        # The run rate is itself a count: its error in the window is that of so many wins.
        + float(np.sum(recent**2)) * share**2
    ) / 2
    floor = 0.0 if len(own) == 0 or float(own.value.min()) >= 0 else -np.inf
    return Parts(
        run_rate=float(recent.sum()) * share,
        pipeline=float(np.sum(chance * value)),
        inflow=wins_from_new * mean_won,
        sigma=float(np.sqrt(variance)),
        run_days=whole.run_days,
        floor=floor,
    )


def _pace(own: Deals, whole: Workspace) -> float:
    """Own wins over those the workspace's hazards would give, shrunk to one (gamma-Poisson)."""
    if len(own) == 0:
        return 1.0
    expected = expected_wins(whole.cumulated, *at_risk(own, whole.since))
    return (float(own.is_won.sum()) + PACE_DOUBT) / (expected + PACE_DOUBT)


def _opened_per_day(own: Deals) -> float:
    """Deals opened per day over the window, or over all days since the first when fewer."""
    if len(own) == 0:
        return 0.0
    days = min(WINDOW, max(30.0, -float(own.created.min())))
    return float(np.sum(own.created > -days)) / days


def _watched_days(whole: Deals) -> int:
    """Days the run rate looks back: ninety, fewer when closings are on record for less."""
    if not np.any(~whole.open):
        return WINDOW
    return int(min(WINDOW, max(30.0, np.ceil(-float(np.nanmin(whole.closed))))))


def _won_value(own: Deals, whole: Workspace) -> tuple[float, float]:
    """Mean won value and mean square of it, own wins shrunk to the workspace's."""
    mine = own.value[own.is_won]
    weight = len(mine) + VALUE_DOUBT
    mean = (float(mine.sum()) + VALUE_DOUBT * whole.mean_won) / weight
    square = (float((mine**2).sum()) + VALUE_DOUBT * whole.square_won) / weight
    return mean, square
