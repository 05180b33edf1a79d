"""How good statements were, once their outcomes are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.science import metrics

BINS = 10


def of_odds(
    probability: Sequence[float], outcome: Sequence[bool], base: Sequence[float]
) -> dict[str, Any]:
    """Brier score beside that of the rate alone, calibration error, and said against observed."""
    p, y = np.asarray(probability, dtype=np.float64), np.asarray(outcome, dtype=np.float64)
    return {
        "n": len(p),
        "brier": metrics.brier(y, p),
        "base_brier": metrics.brier(y, np.asarray(base, dtype=np.float64)),
        "calibration_error": metrics.ece(y, p),
        "bins": _bins(p, y),
    }


def of_months(
    mean: Sequence[float], lower: Sequence[float], upper: Sequence[float], actual: Sequence[float]
) -> dict[str, Any]:
    """Errors and the share of outcomes inside the 80 % range."""
    wape, bias = metrics.wape(actual, mean), metrics.bias(actual, mean)
    off = np.abs(np.asarray(actual) - np.asarray(mean))
    return {
        "n": len(mean),
        "coverage80": metrics.coverage(actual, lower, upper),
        "mean_error": float(off.mean()),
        "wape": None if np.isnan(wape) else wape,
        "bias": None if np.isnan(bias) else bias,
    }


def _bins(p: NDArray[np.float64], y: NDArray[np.float64]) -> list[dict[str, Any]]:
    place = np.minimum((p * BINS).astype(np.int64), BINS - 1)
    return [
        {
            "from": at / BINS,
            "to": (at + 1) / BINS,
            "n": int(inside.sum()),
            "said": float(p[inside].mean()),
            "observed": float(y[inside].mean()),
        }
        for at in range(BINS)
        if (inside := place == at).any()
    ]
