"""The soft gate: how far the members' scores may move a deal away from the plain win rate.

logit p = logit(anchor) + shift + slope * (score - centre), with shift and slope learnt from scores
of deals that came after the member's past, and pulled to zero. On data without signal the slope is
zero and everybody gets the win rate: a model that knows nothing does no harm.
"""

from dataclasses import dataclass

import numpy as np

from analytics.science.win_features import Floats
from analytics.science.win_linear import logit, penalised_newton

SPREAD = np.array([0.5, 1.0])  # prior spread of shift and slope
RECENT = 0.25  # share of the deals that counts as recent
BLOCKS = 10


@dataclass(frozen=True, slots=True)
class Gate:
    """Anchor rate, shift, slope and centre; `covariance` [2, 2] of shift and slope."""

    anchor: float
    shift: float
    slope: float
    centre: float
    covariance: Floats

    @property
    def start(self) -> float:
        """Log-odds of a deal with an average score."""
        return float(logit(self.anchor)) + self.shift

    def open(self, score: Floats) -> Floats:
        """Log-odds [n] from scores [n]."""
        return self.start + self.slope * (score - self.centre)


def shrunk_rate(wins: float, n: float, towards: float = 0.5) -> float:
    """Win rate pulled to `towards` by two pseudo-deals."""
    return (wins + 2.0 * towards) / (n + 2.0)


def choose_anchor(won: Floats) -> float:
    """Long-run win rate, or the recent one if it foretold better by one standard error.

    Both are tried in forward blocks; the error is that of the mean difference between blocks, since
    deals of one season rise and fall together.
    """
    n = len(won)
    long_run = shrunk_rate(float(won.sum()), n)
    recent_n = max(round(n * RECENT), 1)
    recent = shrunk_rate(float(won[-recent_n:].sum()), recent_n, long_run)
    if n < 100:
        return long_run
    gains = []
    for start, stop in zip(*_forward_blocks(n), strict=True):
        window = max(round(start * RECENT), 1)
        old = shrunk_rate(float(won[:start].sum()), start)
        new = shrunk_rate(float(won[start - window : start].sum()), window, old)
        block = won[start:stop]
        gains.append(float(np.mean((block - old) ** 2 - (block - new) ** 2)))
    error = float(np.std(gains, ddof=1)) / len(gains) ** 0.5
    return recent if float(np.mean(gains)) > error else long_run


def _forward_blocks(n: int) -> tuple[list[int], list[int]]:
    edges = np.linspace(n * 0.25, n, BLOCKS + 1).astype(int).tolist()
    return edges[:-1], edges[1:]


def fit_gate(anchor: float, score: Floats, won: Floats) -> Gate:
    """Shift and slope from forward scores [m] and their outcomes [m].

    A ridge pulls both to zero; on top, the slope is shrunk by its own uncertainty with the positive
    part of James and Stein (1961): slope * max(0, 1 - 1 / z^2), z its size in standard errors.
    """
    centre = float(score.mean()) if len(score) else 0.0
    if len(score) < 5 or float(np.std(score)) < 1e-9:
        return Gate(anchor, 0.0, 0.0, centre, np.diag([0.0, 0.0]))
    rows = np.column_stack([np.ones(len(score)), score - centre])
    beta, covariance = penalised_newton(rows, won, float(logit(anchor)), 1 / SPREAD**2)
    z_squared = float(beta[1] ** 2 / covariance[1, 1])
    keep = max(0.0, 1.0 - 1.0 / max(z_squared, 1e-12)) if beta[1] > 0 else 0.0
    if keep == 0.0:
        beta, _ = penalised_newton(rows[:, :1], won, float(logit(anchor)), 1 / SPREAD[:1] ** 2)
        z_shift = float(beta[0] ** 2 / covariance[0, 0])
        shift = float(beta[0]) * max(0.0, 1.0 - 1.0 / max(z_shift, 1e-12))
        return Gate(anchor, shift, 0.0, centre, covariance)
    return Gate(anchor, float(beta[0]), float(beta[1]) * keep, centre, covariance)
