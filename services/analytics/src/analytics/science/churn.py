"""How likely each client is to stay away, in four levels, with evidence and reasons.

The answer is the probability of no purchase within the horizon. Only a client who never bought has
no score; a client who never lost a deal falls silent like any other.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from analytics.science.churn_ledger import Floats, Ledger, read_ledger, standing
from analytics.science.churn_model import ChurnModel, learn
from analytics.science.types import EVIDENCE

if TYPE_CHECKING:
    import pandas as pd

LEVELS = ("low", "watch", "high", "critical")
CUTS = (0.25, 0.5, 0.75)
SHORTEST_HORIZON = 90
PRIOR_BELOW_CLIENTS, PRIOR_BELOW_DAYS = 20, 120
LOW_BELOW, MEDIUM_BELOW = 50, 300  # clients with a repeat purchase


@dataclass(frozen=True, slots=True)
class LevelRate:
    """What became of the clients of one level in the back-test: said and observed share."""

    level: str
    clients: int
    said: float
    observed: float


def level(probability: float) -> str:
    """Level of a probability, cut at 25, 50 and 75 %; "no score" when there is none."""
    if np.isnan(probability):
        return "no score"
    return LEVELS[int(np.searchsorted(CUTS, probability, "right"))]


def horizon(purchases: "pd.DataFrame", as_of: object) -> int:
    """Days ahead to ask about: 90, or twice the clients' median gap if that is longer."""
    ledger, _, _ = read_ledger(purchases, as_of)
    same = ledger.client[1:] == ledger.client[:-1]
    gaps = np.diff(ledger.day)[same]
    if len(gaps) == 0:
        return SHORTEST_HORIZON
    return max(SHORTEST_HORIZON, round(2 * float(np.median(gaps))))


def score(
    purchases: "pd.DataFrame", as_of: object, horizon_days: int, *, model: ChurnModel | None = None
) -> "pd.DataFrame":
    """Score every client of `purchases` (client_id, date, value) on the day `as_of`.

    Args:
        purchases: one row per purchase in any order; refunds are negative, a prospect is a row
            without a date. Rows after `as_of` are not looked at.
        as_of: the day on which to stand, a date or a text that reads as one.
        horizon_days: how far ahead to ask.
        model: a model of the same horizon learnt before; without it one is learnt here.

    Returns:
        One row per client in order of appearance: client_id, probability of no purchase within the
        horizon (NaN for a prospect), own_rhythm_days (mean gap, NaN before the second purchase),
        days_silent, evidence, factors (tuples, written when read; weights in log-odds).

    Raises:
        ValueError: a column is missing or unreadable, the horizon is below one day, or `model` was
            learnt for another horizon.
    """
    import pandas as pd

    from analytics.science.churn_words import FactorsArray, Narrator

    _check(horizon_days, model)
    ledger, ids, today = read_ledger(purchases, as_of)
    model = model or learn(ledger, today, horizon_days)
    known = standing(ledger, today)
    there = known.count > 0
    probability = np.where(there, model.probability(known), np.nan)
    silent = np.where(there, known.silent_days, np.nan)
    table = pd.DataFrame(
        {
            "client_id": ids,
            "probability": probability,
            "own_rhythm_days": known.rhythm_days,
            "days_silent": silent,
            "evidence": evidence(model, known.count),
            "factors": FactorsArray(Narrator(model, known), np.arange(len(ids))),
        }
    )
    table.attrs.update(
        method="BG/NBD" if model.share == 0 else "BG/NBD and logistic",
        n_used=model.clients,
        horizon_days=horizon_days,
    )
    return table


def fit(purchases: "pd.DataFrame", as_of: object, horizon_days: int) -> ChurnModel:
    """Learn a model to keep; `score` takes it. Raises ValueError like `score`."""
    _check(horizon_days, None)
    ledger, _, today = read_ledger(purchases, as_of)
    return learn(ledger, today, horizon_days)


def _check(horizon_days: int, model: ChurnModel | None) -> None:
    if horizon_days < 1:
        raise ValueError(f"horizon_days must be at least 1, not {horizon_days}")
    if model is not None and model.horizon_days != horizon_days:
        raise ValueError(f"the model asks about {model.horizon_days} days, not {horizon_days}")


def evidence(model: ChurnModel, count: ArrayLike) -> "pd.Categorical":
    """Evidence level of clients with `count` purchases [n]: the workspace's, and the client's own.

    One purchase tells no rhythm, so such a client is never above "low".
    """
    import pandas as pd

    whole = EVIDENCE.index(workspace_evidence(model))
    bought = np.asarray(count)
    place = np.where(bought == 0, 0, np.where(bought == 1, min(whole, 2), whole))
    return pd.Categorical.from_codes(place.astype(np.int8), list(EVIDENCE), ordered=True)


def workspace_evidence(model: ChurnModel) -> str:
    """Evidence level of a workspace; never falls as purchases are added."""
    if model.clients == 0:
        return "none"
    if (
        model.clients < PRIOR_BELOW_CLIENTS
        or model.history_days < PRIOR_BELOW_DAYS
        or model.repeaters == 0
    ):
        return "prior"
    if model.repeaters < LOW_BELOW:
        return "low"
    return "medium" if model.repeaters < MEDIUM_BELOW else "high"


def backtest(purchases: "pd.DataFrame", as_of: object, horizon_days: int) -> list[LevelRate]:
    """What each level said one horizon ago, and the share that did stay away since.

    The model of that day knew nothing later. Levels nobody was in are left out.
    """
    _check(horizon_days, None)
    ledger, _, today = read_ledger(purchases, as_of)
    then = today - horizon_days
    past = _until(ledger, then)
    known = standing(past, then)
    there = known.count > 0
    if not there.any():
        return []
    said = learn(past, then, horizon_days).probability(known)[there]
    since = ledger.client[ledger.day > then]
    stayed_away = np.bincount(since, minlength=ledger.clients)[there] == 0
    return _rates(said, stayed_away.astype(np.float64))


def _until(ledger: Ledger, day: int) -> Ledger:
    rows = ledger.day <= day
    return Ledger(ledger.client[rows], ledger.day[rows], ledger.value[rows], ledger.clients)


def _rates(said: Floats, left: Floats) -> list[LevelRate]:
    place = np.searchsorted(CUTS, said, "right")
    return [
        LevelRate(name, int(mask.sum()), float(said[mask].mean()), float(left[mask].mean()))
        for i, name in enumerate(LEVELS)
        if (mask := place == i).any()
    ]
