"""What to do with a deal: Focus, Review or Reconsider, and what the open deals are worth together.

Fixed cuts fail both ways: a funnel that wins one deal in ten would have everything to reconsider,
a rule whose odds end at 55 % could never say Focus. Advice is therefore relative to the workspace:

    priority = odds(p) / odds(base rate) * sqrt(value per open day / the median of the open deals)

Focus from 1.5, Reconsider below 1 / 1.5.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analytics.science.win_linear import Floats

ADVICE = ("reconsider", "review", "focus")
CUT = 1.5
MONEY_RANGE = 4.0  # value per day may lift or sink a deal by the root of this much
DRAWS, BATCH = 4000, 256
DICED = 2000  # deals; what others add is small beside these, and its sum as good as normal


@dataclass(frozen=True, slots=True)
class Expected:
    """Sum of p times value of open deals, and the simulated range that holds it in `level` %."""

    mean: float
    lower: float
    upper: float
    level: float
    deals: int


def value_per_open_day(probability: ArrayLike, value: ArrayLike, open_days: ArrayLike) -> Floats:
    """Expected value per day open [n]: p * value / max(days, 1); NaN without a value above zero."""
    p, v, days = (np.asarray(x, dtype=np.float64) for x in (probability, value, open_days))
    worth = np.where(v > 0, v, np.nan)
    return np.asarray(p * worth / np.maximum(np.nan_to_num(days, nan=1.0), 1.0))


def priority(
    probability: ArrayLike, base_rate: float, value: ArrayLike, open_days: ArrayLike
) -> Floats:
    """Priority [n] of open deals; 1 is a usual deal. A deal without a value counts as usual worth.

    Raises:
        ValueError: `base_rate` does not lie between 0 and 1.
    """
    if not 0 < base_rate < 1:
        raise ValueError(f"base_rate must lie between 0 and 1, not {base_rate}")
    p = np.clip(np.asarray(probability, dtype=np.float64), 0.01, 0.99)
    # Beyond 5 to 95 % no deal could stand out against the rate any more.
    base = min(max(base_rate, 0.05), 0.95)
    odds = p / (1 - p) / (base / (1 - base))
    worth = value_per_open_day(p, value, open_days)
    known = worth[~np.isnan(worth)]
    if len(known) == 0:
        return np.asarray(odds)
    relative = np.nan_to_num(worth / float(np.median(known)), nan=1.0)
    return np.asarray(odds * np.sqrt(np.clip(relative, 1 / MONEY_RANGE, MONEY_RANGE)))


def advise(
    probability: ArrayLike, base_rate: float, value: ArrayLike, open_days: ArrayLike
) -> NDArray[np.str_]:
    """ "focus", "review" or "reconsider" [n] for open deals. Raises ValueError like `priority`."""
    rank = priority(probability, base_rate, value, open_days)
    place = 1 + (rank >= CUT).astype(np.int64) - (rank < 1 / CUT).astype(np.int64)
    return np.array(ADVICE)[place]


def expected_value(probability: ArrayLike, value: ArrayLike, level: float = 80.0) -> Expected:
    """Expected sum of open deals and its range over simulated outcomes, each deal on its own.

    A deal without a value adds nothing. The dice are fixed: the same deals give the same range.
    Of very many deals those that move the sum most are diced, the others add normal noise.

    Raises:
        ValueError: `level` does not lie between 0 and 100.
    """
    if not 0 < level < 100:
        raise ValueError(f"level must lie between 0 and 100, not {level}")
    p = np.asarray(probability, dtype=np.float64)
    v = np.nan_to_num(np.asarray(value, dtype=np.float64))
    rng = np.random.default_rng(0)
    total = np.zeros(DRAWS)
    variance = p * (1 - p) * v**2
    by_weight = np.argsort(-variance, kind="stable")
    diced, others = np.sort(by_weight[:DICED]), by_weight[DICED:]
    for i in range(0, len(diced), BATCH):
        batch = diced[i : i + BATCH]
        won = rng.random((DRAWS, len(batch))) < p[batch]
        total += won @ v[batch]
    if len(others):
        noise = rng.standard_normal(DRAWS) * np.sqrt(variance[others].sum())
        total += p[others] @ v[others] + noise
    tail = (100 - level) / 2
    lower, upper = np.percentile(total, [tail, 100 - tail])
    return Expected(float(p @ v), float(lower), float(upper), level, len(p))
