"""How far a deal's true log-odds may lie from the ones shown."""

import numpy as np

from analytics.science.win_features import Floats, Table, Vocabulary
from analytics.science.win_fit import Fitted, news
from analytics.science.win_gate import shrunk_rate

# Deals differ even where nothing was learnt about them. TOTAL is the spread of their true log-odds
# before any column has spoken; what the model tells apart is taken off it, but never all, for the
# best model of 1,500 simulated deals still missed by REMAINING. Both were set so that intervals of
# simulated studios of 10 to 1,500 deals cover what they claim; ADR 0034 has the table.
TOTAL_SPREAD = 1.0
REMAINING_SPREAD = 0.3
RATE_SPREAD = 1.15  # the same where no model is fitted, and the rate itself may be drifting
POOLED = 4.0  # how many pasts the average spread of all deals counts for


def score_spread(fitted: Fitted, table: Table, vocabulary: Vocabulary, score: Floats) -> Floats:
    """Standard deviation [n] of the log-odds of deals: the fit, the gate, and what is not seen.

    `score` [n] is what the member on all rows says of them.
    """
    gate, pasts = fitted.gate, fitted.pasts
    own = news(fitted.member, pasts, table, vocabulary, score)
    fit = (len(pasts) * own + POOLED * fitted.typical_news) / (len(pasts) + POOLED)
    design = np.column_stack([np.ones(len(table)), score - gate.centre])
    calibration = np.einsum("ij,jk,ik->i", design, gate.covariance, design)
    told = float(np.var(fitted.forward))
    unseen = max(TOTAL_SPREAD**2 - told, REMAINING_SPREAD**2)
    return np.asarray(np.sqrt(gate.slope**2 * fit + calibration + unseen))


def rate_spread(wins: int, n: int) -> float:
    """Standard deviation of the log-odds when every deal gets the win rate: rate and deals."""
    rate = shrunk_rate(wins, n)
    return float((1 / ((n + 2) * rate * (1 - rate)) + RATE_SPREAD**2) ** 0.5)
