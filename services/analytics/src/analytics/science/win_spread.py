"""How far a deal's true log-odds may lie from the ones shown."""

import numpy as np

from analytics.science.win_features import Floats, Table, Vocabulary
from analytics.science.win_fit import Fitted, news

# Deals differ even where nothing was learnt about them: spread of the log-odds around the win
# rate, and what of it remains once the columns have spoken.
UNSEEN_SPREAD = 0.8
REMAINING_SPREAD = 0.3
POOLED = 4.0  # how many pasts the average spread of all deals counts for


def score_spread(fitted: Fitted, table: Table, vocabulary: Vocabulary) -> Floats:
    """Standard deviation [n] of the log-odds of deals: the fit, the gate, and what is not seen."""
    gate, pasts = fitted.gate, fitted.pasts
    score = fitted.member.score(table, vocabulary)
    own = news(fitted.member, pasts, table, vocabulary)
    fit = (len(pasts) * own + POOLED * fitted.typical_news) / (len(pasts) + POOLED)
    design = np.column_stack([np.ones(len(table)), score - gate.centre])
    calibration = np.einsum("ij,jk,ik->i", design, gate.covariance, design)
    return np.asarray(np.sqrt(gate.slope**2 * fit + calibration + REMAINING_SPREAD**2))
