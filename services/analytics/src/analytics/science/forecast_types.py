"""What a monthly forecast says and what it rests on."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from analytics.science.types import Factor

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Backtest:
    """How the same method did on this very series, at earlier origins, blind to what followed.

    `errors` is actual minus forecast, shape (origins, horizon), in the unit of the series; NaN
    where the series ends before the horizon does. `coverage` is the share of those outcomes inside
    the interval of each level as it would have been drawn then. `mase` divides the mean absolute
    error by the seasonal naive's error inside the history.
    """

    origins: int
    horizon: int
    n: int
    errors: Floats
    mae: float
    mase: float
    wape: float
    coverage: dict[int, float]

    @property
    def words(self) -> str:
        """The result in one sentence."""
        if self.n == 0:
            return "Too few months to test the method on your own past."
        hit = self.coverage.get(80, next(iter(self.coverage.values()), float("nan")))
        return (
            f"Tried at {self.origins} earlier {'month' if self.origins == 1 else 'months'} of your "
            f"own history ({self.n} comparisons): off by {self.mae:,.4g} a month on average"
            + (f", {hit:.0%} inside the 80% range." if 80 in self.coverage else ".")
        )


@dataclass(frozen=True, slots=True)
class Forecast:
    """A monthly forecast, or the honest absence of one.

    `mean` and each array of `lower` and `upper` have shape (horizon,), or (0,) when there are too
    few months for a curve; their unit is that of the values. `members` holds the path of each voice
    in the median. `confidence` is 0 to 1: the hit rate of this series' own intervals over what they
    promised, divided by one plus their relative half-width. It is never R squared, which rises
    with a trend and says nothing about the months to come.
    """

    mean: Floats
    lower: dict[int, Floats]
    upper: dict[int, Floats]
    method: str
    members: dict[str, Floats]
    n_used: int
    backtest: Backtest
    confidence: float
    factors: list[Factor]
    evidence: str
    data_quality: dict[str, int] = field(default_factory=dict)
    model_version: str = "forecast-1"
