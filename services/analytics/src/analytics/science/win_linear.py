"""Logistic regression that can be pulled anywhere: the one fitter of the win and churn models."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TINY = 1e-12
TRUST = 0.5  # prior weight of a category's own log-odds
# Ridge of each kind of feature, in units of the ridge chosen for all.
PULL = {"te": 1.0, "effect": 1.0, "z": 2.0, "gap": 2.0, "seen": 2.0, "usual": 2.0, "is": 0.5}


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold linear algebra and boosting to one thread: sums then come out the same everywhere, and
    waiting threads do not eat the cores of their neighbours (measured: six times slower)."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield


def logit(p: Floats | float) -> Floats:
    """Log-odds of a probability."""
    q = np.clip(np.asarray(p, dtype=np.float64), TINY, 1 - TINY)
    return np.asarray(np.log(q / (1 - q)))


def expit(z: Floats | float) -> Floats:
    """Probability of a log-odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(np.asarray(z, dtype=np.float64), -40, 40))))


def penalised_newton(
    rows: Floats,
    won: Floats,
    offset: float | Floats,
    ridge: Floats,
    centre: Floats | float = 0.0,
    tolerance: float = 1e-7,
) -> tuple[Floats, Floats]:
    """Penalised logistic regression by Newton steps: coefficients [F] and their covariance [F, F].

    Minimises -log likelihood of `won` [n] under offset + rows @ w, plus sum(ridge (w - centre)^2)/2
    (le Cessie and van Houwelingen 1992, "Ridge estimators in logistic regression").
    """
    w = np.zeros(rows.shape[1]) + centre
    information: Floats = np.diag(ridge)
    for _ in range(40):
        p = expit(offset + rows @ w)
        information = (rows * (p * (1 - p))[:, None]).T @ rows + np.diag(ridge)
        step = np.linalg.solve(information, rows.T @ (won - p) - ridge * (w - centre))
        largest = float(np.abs(step).max()) if len(step) else 0.0
        w = w + step * min(1.0, 2.0 / max(largest, TINY))
        if largest < tolerance:
            break
    return w, np.asarray(np.linalg.inv(information), dtype=np.float64)


def fit_linear(
    features: Floats, won: Floats, kinds: Sequence[str], ridge: float, tolerance: float = 1e-5
) -> tuple[Floats, Floats, float]:
    """Feature means [F], weights [F] and intercept of the shrunk logistic regression.

    The weights of histories are pulled to TRUST, not to zero: a category's shrunk log-odds is
    already a calibrated voice, and only its overlap with the others is to be learnt.
    """
    mean = features.mean(axis=0)
    rows = np.hstack([features - mean, np.ones((len(won), 1))])
    centre = np.array([TRUST if kind in ("te", "effect") else 0.0 for kind in kinds] + [0.0])
    penalty = np.array([ridge * PULL[kind] for kind in kinds] + [1e-3])
    rate = float(logit((float(won.sum()) + 1) / (len(won) + 2)))
    w, _ = penalised_newton(rows, won, rate, penalty, centre, tolerance)
    return mean, w[:-1], rate + float(w[-1])
