"""What the win odds and churn scores are held against: simple rules, written out here.

All probabilities have shape (n,). The seed formulas are the ones the project began with, as we read
them; their faults are known (see docs/accuracy.md) and they stay for comparison only.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def naive_bayes(past: dict[str, list[str]], won: Floats, deals: dict[str, list[str]]) -> Floats:
    """Naive Bayes over categories, as open-source CRM does it: one count of doubt per cell.

    P(won | x) from P(x_j | outcome) multiplied over the columns; a value never seen says nothing.
    """
    wins, losses = float(np.sum(won == 1)), float(np.sum(won == 0))
    odds = np.full(_length(deals), np.log((wins + 1) / (losses + 1)))
    for name, texts in past.items():
        table: dict[str, list[float]] = {}
        for text, outcome in zip(texts, won, strict=True):
            table.setdefault(text, [0.0, 0.0])[int(outcome == 1)] += 1
        size = len(table)
        log_odds = {
            text: np.log((hit + 1) / (wins + size)) - np.log((miss + 1) / (losses + size))
            for text, (miss, hit) in table.items()
        }
        odds = odds + np.array([log_odds.get(text, 0.0) for text in deals[name]])
    return _expit(odds)


def seed_win(
    value: Floats, client: list[str], past_client: list[str], past_won: Floats, usual_value: float
) -> Floats:
    """The seed: 0.5 x value x client history, each within ten and fifty percent of one.

    Value counts 1.1 up to the usual value and 0.9 above; history counts 0.5 + half the client's win
    rate, one for a client without history. It cannot exceed 0.55.
    """
    hits: dict[str, list[float]] = {}
    for name, outcome in zip(past_client, past_won, strict=True):
        hits.setdefault(name, []).append(outcome)
    rate = {name: float(np.mean(outcomes)) for name, outcomes in hits.items()}
    history = np.array([0.5 + 0.5 * rate.get(name, 1.0) for name in client])
    return np.asarray(0.5 * np.where(value <= usual_value, 1.1, 0.9) * history)


def seed_churn(days_silent: Floats, horizon_days: int) -> Floats:
    """The seed: (1 - win rate) x silence over the horizon, with the win rate fixed at one half.

    With real win rates a client who never lost a deal would score 0 for ever.
    """
    return np.asarray(0.5 * np.minimum(1.0, days_silent / horizon_days))


def days_over_horizon(days_silent: Floats, horizon_days: int) -> Floats:
    """The study's recency rule: silence in shares of the horizon, 1 from its end on.

    On CDNOW it comes to the study's own figures: Brier .1574 for all clients and .2552 for those
    who bought twice, 180 days ahead. The limits of analytics.md §9 are held against it.
    """
    return np.asarray(np.minimum(1.0, days_silent / horizon_days))


def day_thresholds(days_silent: Floats) -> Floats:
    """The recency rule of a CRM's settings page: 10, 30, 60, 90 % up to 30, 90, 180 days and on."""
    return np.array([0.1, 0.3, 0.6, 0.9])[np.searchsorted([30, 90, 180], days_silent)]


def isotonic_rule(past_x: Floats, past_y: Floats, x: Floats) -> Floats:
    """A rule that only rises with `x`, learnt by pooling adjacent violators.

    Ayer et al. (1955). Used for recency: the share that stayed away, by days of silence.
    """
    order = np.argsort(past_x, kind="stable")
    xs, ys = past_x[order], past_y[order]
    level: list[float] = []
    weight: list[float] = []
    for y in ys:
        level.append(float(y))
        weight.append(1.0)
        while len(level) > 1 and level[-2] >= level[-1]:
            both = weight[-2] + weight[-1]
            level[-2] = (level[-2] * weight[-2] + level[-1] * weight[-1]) / both
            weight[-2] = both
            level.pop()
            weight.pop()
    fitted = np.repeat(level, np.array(weight, dtype=np.int64))
    return np.asarray(np.interp(x, xs, fitted)) if len(xs) else np.full(len(x), 0.5)


def _length(columns: dict[str, list[str]]) -> int:
    return len(next(iter(columns.values()))) if columns else 0


def _expit(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -30, 30))))
