"""The yardsticks of every evaluation. NumPy only, except where a function says otherwise."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def _floats(values: ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)


# ---------------------------------------------------------------- point forecasts


def seasonal_scale(history: ArrayLike, season: int = 12) -> float:
    """Mean absolute error of the seasonal naive inside `history`, the denominator of MASE.

    Hyndman and Koehler (2006), "Another look at measures of forecast accuracy". A history shorter
    than one season, or one that repeats exactly, falls back to the naive error, then to the level.
    """
    past = _floats(history)
    for lag in (season, 1):
        if len(past) > lag:
            scale = float(np.mean(np.abs(past[lag:] - past[:-lag])))
            if scale > 0:
                return scale
    return max(float(np.mean(np.abs(past))) if len(past) else 0.0, 1e-9)


def mase(actual: ArrayLike, forecast: ArrayLike, scale: float) -> float:
    """Mean absolute error over `scale`; below 1 beats the seasonal naive of the history."""
    return float(np.mean(np.abs(_floats(actual) - _floats(forecast))) / scale)


def smape(actual: ArrayLike, forecast: ArrayLike) -> float:
    """Symmetric mean absolute percentage error, 0 to 200; a pair of zeros counts as no error."""
    y, f = _floats(actual), _floats(forecast)
    size = np.abs(y) + np.abs(f)
    safe = np.where(size == 0, 1.0, size)
    return float(np.mean(np.where(size == 0, 0.0, 200.0 * np.abs(y - f) / safe)))


def wape(actual: ArrayLike, forecast: ArrayLike) -> float:
    """Sum of absolute errors over the sum of absolute outcomes; NaN when nothing happened."""
    y, f = _floats(actual), _floats(forecast)
    total = float(np.abs(y).sum())
    return float(np.abs(y - f).sum() / total) if total > 0 else float("nan")


def bias(actual: ArrayLike, forecast: ArrayLike) -> float:
    """Signed error of the sum, as a share of the outcome: +0.1 promised a tenth too much."""
    y, f = _floats(actual), _floats(forecast)
    total = float(np.abs(y).sum())
    return float((f.sum() - y.sum()) / total) if total > 0 else float("nan")


# ---------------------------------------------------------------- intervals


def coverage(actual: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> float:
    """Share of outcomes inside [lower, upper], both ends included."""
    y = _floats(actual)
    return float(np.mean((y >= _floats(lower)) & (y <= _floats(upper))))


# ---------------------------------------------------------------- probabilities


def brier(outcome: ArrayLike, probability: ArrayLike) -> float:
    """Mean squared distance between probability and outcome (0 or 1). Brier (1950)."""
    return float(np.mean((_floats(probability) - _floats(outcome)) ** 2))


def log_loss(outcome: ArrayLike, probability: ArrayLike, eps: float = 1e-6) -> float:
    """Mean negative log-likelihood; probabilities are held `eps` away from 0 and 1."""
    p = np.clip(_floats(probability), eps, 1 - eps)
    y = _floats(outcome)
    return float(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))


def auc(outcome: ArrayLike, probability: ArrayLike) -> float:
    """Area under the ROC curve (Mann-Whitney, ties count half); NaN with one class only."""
    positive = _floats(outcome) > 0.5
    ones, zeros = int(positive.sum()), int((~positive).sum())
    if ones == 0 or zeros == 0:
        return float("nan")
    _, place, count = np.unique(_floats(probability), return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(count) - (count - 1) / 2
    rank_sum = float(mean_rank[place][positive].sum())
    return (rank_sum - ones * (ones + 1) / 2) / (ones * zeros)


def ece(outcome: ArrayLike, probability: ArrayLike, bins: int = 10) -> float:
    """Expected calibration error over equally filled bins. Naeini, Cooper, Hauskrecht (2015)."""
    y, p = _floats(outcome), _floats(probability)
    if len(y) == 0:
        return float("nan")
    parts = np.array_split(np.argsort(p, kind="stable"), min(bins, max(1, len(np.unique(p)))))
    return sum(abs(float((y[i] - p[i]).sum())) for i in parts if len(i)) / len(y)


def calibration_line(outcome: ArrayLike, probability: ArrayLike) -> tuple[float, float]:
    """Slope and intercept of the outcome's log-odds on the stated log-odds; (1, 0) is ideal.

    Cox (1958). Fitted by Newton steps on the two-parameter logistic likelihood. NaN when every
    probability is the same or only one class was seen.
    """
    y = _floats(outcome)
    p = np.clip(_floats(probability), 1e-4, 1 - 1e-4)
    if len(y) == 0 or float(np.std(p)) < 1e-9 or float(y.min()) == float(y.max()):
        return float("nan"), float("nan")
    rows = np.column_stack([np.log(p / (1 - p)), np.ones_like(p)])
    beta = np.zeros(2)  # where the information is largest, so that no step overshoots
    for _ in range(100):
        fitted = 1 / (1 + np.exp(-np.clip(rows @ beta, -30, 30)))
        information = (rows * (fitted * (1 - fitted))[:, None]).T @ rows + 1e-9 * np.eye(2)
        step = np.clip(np.linalg.solve(information, rows.T @ (y - fitted)), -2, 2)
        beta = beta + step
        if float(np.abs(step).max()) < 1e-10:
            break
    return float(beta[0]), float(beta[1])


def lift_top(outcome: ArrayLike, probability: ArrayLike, share: float = 0.1) -> float:
    """Positives among the highest-scored `share`, over the base rate."""
    y, p = _floats(outcome), _floats(probability)
    take = max(1, round(share * len(y)))
    top = np.argsort(-p, kind="stable")[:take]
    return float(y[top].mean() / max(float(y.mean()), 1e-12))


def mean_of(values: Sequence[float]) -> float:
    """Mean of what is not NaN; NaN when nothing is left."""
    known = [value for value in values if value == value]
    return float(np.mean(known)) if known else float("nan")
