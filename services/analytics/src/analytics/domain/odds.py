"""What can be said of a deal before anything is known but how deals usually end.

The rate of a workspace is its share of won deals with two pseudo-deals added, one won and one lost:
the mean of a Beta(1 + won, 1 + lost) posterior. Its quantiles give the interval (Gelman et al.,
Bayesian Data Analysis, section 2.4).
"""

import math
from dataclasses import dataclass

LEAST, MOST = 0.01, 0.99
_STEPS = 60  # bisections: far below a ten-thousandth


@dataclass(frozen=True)
class Odds:
    """A probability of winning with its 80 % interval."""

    probability: float
    lower: float
    upper: float


def base_rate(won: int, lost: int) -> Odds | None:
    """The odds of any open deal; None while no deal has closed."""
    if won + lost == 0:
        return None
    a, b = 1.0 + won, 1.0 + lost
    return Odds(
        _clamped(a / (a + b)),
        _clamped(beta_quantile(0.1, a, b)),
        _clamped(beta_quantile(0.9, a, b)),
    )


def odds_in_words(won: int, lost: int) -> str:
    """What a person reads beside the number."""
    closed = won + lost
    if closed == 0:
        return "No deal has been won or lost yet, so nothing can be said of the odds."
    said = f"How deals usually end here: {won:,} of {closed:,} closed ones were won."
    return said + " Nothing particular to this deal is in it yet."


def beta_quantile(share: float, a: float, b: float) -> float:
    """The value below which `share` of a Beta(a, b) lies, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if beta_share(middle, a, b) < share else (low, middle)
    return (low + high) / 2


def beta_share(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function (NIST DLMF 8.17.22, as a continued fraction)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast only below
        return 1 - beta_share(1 - x, b, a)
    front = math.exp(
        a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    )
    return front * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    """Lentz's method."""
    tiny = 1e-30
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or tiny)
    found = d
    for m in range(1, 500):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / (1 + step * d or tiny)
            c = 1 + step / c or tiny
            found *= c * d
        if abs(c * d - 1) < 1e-12:
            break
    return found


def _clamped(p: float) -> float:
    return min(max(p, LEAST), MOST)
