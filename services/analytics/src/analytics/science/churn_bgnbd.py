"""BG/NBD: clients buy at their own rate and may leave after any purchase.

Fader, Hardie and Lee (2005), "Counting your customers the easy way". A client's rate is gamma(r,
alpha), the chance to leave after a purchase beta(a, b). x repeat purchases, the last at t_x, in T
days since the first say what is known. A weak log-normal prior keeps small workspaces sane.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Buying:
    """Parameters of BG/NBD, time in days."""

    r: float
    alpha: float
    a: float
    b: float

    def logs(self) -> Floats:
        """Natural logarithms of r, alpha, a, b."""
        return np.asarray(np.log(np.array([self.r, self.alpha, self.a, self.b])))


def log_likelihood(logs: Floats, x: Floats, t_x: Floats, age: Floats) -> Floats:
    """Log-likelihood [n] per client, equation 6 of the paper, in a form that cannot overflow."""
    from scipy.special import betaln, gammaln

    r, alpha, a, b = np.exp(logs)
    # What depends on whole counts alone is looked up: special functions are the costly part.
    counts, of = np.arange(int(x.max(initial=0)) + 1.0), x.astype(np.int64)
    shared = (gammaln(r + counts) - gammaln(r) + r * np.log(alpha) - betaln(a, b))[of]
    stayed = betaln(a, b + counts)[of] - (r + x) * np.log(alpha + age)
    again = betaln(a + 1, b + np.maximum(counts, 1.0) - 1)[of]
    left = again - (r + x) * np.log(alpha + t_x)
    return np.asarray(shared + np.where(x > 0, np.logaddexp(stayed, left), stayed))


def fit(x: Floats, t_x: Floats, age: Floats, prior: Buying, spread: Floats) -> Buying:
    """Most plausible parameters under log-normal priors around `prior` with `spread` [4] in logs.

    Arrays are [n]: repeat purchases, day of the last one and days known, both since the first.
    """
    from scipy.optimize import minimize

    rows, weight = np.unique(np.column_stack([x, t_x, age]), axis=0, return_counts=True)
    centre = prior.logs()

    def loss(logs: Floats) -> float:
        likelihood = float(weight @ log_likelihood(logs, *rows.T)) if len(rows) else 0.0
        return 0.5 * float(np.sum(((logs - centre) / spread) ** 2)) - likelihood

    bounds = [(c - 6.0, c + 6.0) for c in centre]
    found = minimize(loss, centre, method="L-BFGS-B", bounds=bounds)
    return Buying(*(float(v) for v in np.exp(found.x)))


def alive(buying: Buying, x: Floats, t_x: Floats, age: Floats) -> Floats:
    """Probability [n] that a client has not left; 1 by definition before the first repeat."""
    b, exponent = buying.b, buying.r + x
    odds_left = buying.a / (b + np.maximum(x, 1.0) - 1)
    ratio = exponent * (np.log(buying.alpha + age) - np.log(buying.alpha + t_x))
    return np.asarray(np.where(x > 0, 1 / (1 + odds_left * np.exp(np.minimum(ratio, 500.0))), 1.0))


def no_purchase(buying: Buying, x: Floats, t_x: Floats, age: Floats, days: float) -> Floats:
    """Probability [n] of no purchase in the next `days`.

    Gone, or alive and silent: an alive client's rate is gamma(r + x, alpha + T), which stays silent
    for `days` with probability ((alpha + T) / (alpha + T + days))^(r + x).
    """
    quiet = np.exp((buying.r + x) * -np.log1p(days / (buying.alpha + age)))
    return np.asarray(1 - alive(buying, x, t_x, age) * (1 - quiet))
