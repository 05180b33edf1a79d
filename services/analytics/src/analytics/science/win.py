"""Win odds of open deals, with their evidence, their interval and their reasons.

The ladder: below 20 closed deals, or with one outcome only, every deal gets the shrunk win rate;
from 20 on a shrunk logistic regression on point-in-time features may speak; from 200 on boosting
joins it. All of them only through the soft gate of `win_gate`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from analytics.science.types import EVIDENCE, Factor
from analytics.science.win_advice import Expected, advise, expected_value, priority
from analytics.science.win_explain import explain_deals
from analytics.science.win_features import (
    Columns,
    Floats,
    Table,
    Vocabulary,
    check_columns,
    learn_vocabulary,
    read_table,
)
from analytics.science.win_fit import Fitted, brier, fit_members
from analytics.science.win_gate import shrunk_rate
from analytics.science.win_linear import expit, logit, one_thread
from analytics.science.win_spread import rate_spread, score_spread

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Columns", "Expected", "WinModel", "advise", "expected_value", "fit", "priority"]

MODEL_FROM = 20
LOWEST, HIGHEST = 0.01, 0.99


@dataclass(frozen=True, slots=True)
class WinModel:
    """A fitted win model; `n` closed deals of which `wins` were won.

    `backtest` compares the forward Brier score of the model with that of the win rate alone.
    """

    columns: Columns
    n: int
    wins: int
    base_rate: float
    evidence: str
    method: str
    vocabulary: Vocabulary
    fitted: Fitted | None
    backtest: dict[str, float]

    def probability(self, deals: "pd.DataFrame") -> Floats:
        """Win probability [n] of each deal, between 1 % and 99 %."""
        return self.probability_in(read_table(deals, self.vocabulary))

    def probability_in(self, table: Table) -> Floats:
        """The same of deals that have been read already."""
        return np.clip(expit(self._log_odds(table, self._score(table))), LOWEST, HIGHEST)

    def odds(self, deals: "pd.DataFrame", level: float) -> tuple[Floats, Floats]:
        """`probability` and `interval` for the price of one."""
        table = read_table(deals, self.vocabulary)
        score = self._score(table)
        told = self._log_odds(table, score)
        probability = np.clip(expit(told), LOWEST, HIGHEST)
        return probability, self._interval(table, told, level, score)

    def interval(self, deals: "pd.DataFrame", level: float) -> Floats:
        """Lower and upper bound [n, 2] that hold the true probability in `level` % of cases."""
        return self.odds(deals, level)[1]

    def _interval(self, table: Table, told: Floats, level: float, score: Floats | None) -> Floats:
        from scipy.special import ndtri  # a third of what scipy.stats costs

        if not 0 < level < 100:
            raise ValueError(f"level must lie between 0 and 100, not {level}")
        centre = np.clip(told, logit(LOWEST), logit(HIGHEST))
        reach = float(ndtri(0.5 + level / 200)) * self._spread(table, score)
        return np.column_stack([expit(centre - reach), expit(centre + reach)])

    def explain(self, deals: "pd.DataFrame", top: int = 5) -> list[list[Factor]]:
        """Reasons per deal whose weights add up to the log-odds of `probability`."""
        return explain_deals(self, deals, top)

    def _score(self, table: Table) -> Floats | None:
        """What the model on all deals says, before the gate; None where the win rate speaks."""
        if self.fitted is None:
            return None
        return self.fitted.member.score(table, self.vocabulary)

    def _log_odds(self, table: Table, score: Floats | None) -> Floats:
        if self.fitted is None or score is None:
            return np.full(len(table), float(logit(self.base_rate)))
        return self.fitted.gate.open(score)

    def _spread(self, table: Table, score: Floats | None) -> Floats:
        """Standard deviation [n] of the log-odds: the fit, the gate, and what no column tells."""
        if self.fitted is None or score is None:
            return np.full(len(table), rate_spread(self.wins, self.n))
        return score_spread(self.fitted, table, self.vocabulary, score)


def _evidence(n: int, wins: int) -> str:
    """Evidence level by closed deals and by the rarer outcome; never falls as deals close."""
    rarer = min(wins, n - wins)
    if n == 0:
        return EVIDENCE[0]
    if n < MODEL_FROM or rarer == 0:
        return EVIDENCE[1]
    if n < 200 or rarer < 20:
        return EVIDENCE[2]
    return EVIDENCE[3] if n < 1000 or rarer < 100 else EVIDENCE[4]


def fit(closed: "pd.DataFrame", won: ArrayLike, columns: Columns) -> WinModel:
    """Learn from closed deals, oldest first.

    Args:
        closed: one row per deal with what was known when it was scored.
        won: 1 or 0 per row; NaN marks a deal still open, which is left out.
        columns: which columns to learn from.

    Raises:
        ValueError: lengths differ, a column is missing or holds text for a number, or an outcome
            is neither 0, 1 nor NaN.
    """
    outcome = np.asarray(won, dtype=np.float64)
    if outcome.ndim != 1 or len(outcome) != len(closed):
        raise ValueError(f"{len(closed)} deals but outcomes of shape {outcome.shape}")
    ended = ~np.isnan(outcome)
    if not np.isin(outcome[ended], (0.0, 1.0)).all():
        raise ValueError("outcomes must be 0, 1, or NaN for a deal that is still open")
    check_columns(closed, columns)
    vocabulary, table = learn_vocabulary(closed.loc[ended], columns)
    outcome = outcome[ended]
    n, wins = len(outcome), int(outcome.sum())
    if n < MODEL_FROM or wins in (0, n):
        rate = shrunk_rate(wins, n)
        return WinModel(
            columns, n, wins, rate, _evidence(n, wins), "win rate", vocabulary, None, {}
        )
    with one_thread():
        fitted = fit_members(table, vocabulary, outcome)
    backtest = _backtest(fitted, outcome)
    method = "logistic" if fitted.member.tree_share == 0 else "logistic and boosting"
    if fitted.gate.slope == 0:
        method = "win rate"
    return WinModel(
        columns,
        n,
        wins,
        fitted.gate.anchor,
        _evidence(n, wins),
        method,
        vocabulary,
        fitted,
        backtest,
    )


def _backtest(fitted: Fitted, won: Floats) -> dict[str, float]:
    m = len(fitted.forward)
    rates = shrunk_rate(float(won[: len(won) - m].sum()), len(won) - m)
    base = float(np.mean((fitted.forward_won - rates) ** 2))
    return {"n": float(m), "brier": brier(fitted.forward, fitted.forward_won), "base_brier": base}
