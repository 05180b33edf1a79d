"""The odds of every open deal of a workspace, with all that a row about them says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.science import win
from analytics.science.deal_features import COLUMNS, Moments, closed_before, open_now
from analytics.science.deals_table import read_deals
from analytics.science.facts import Facts, Floats, Ints, Names
from analytics.science.revenue_parts import workspace
from analytics.science.types import Factor
from analytics.science.win import Expected, WinModel
from analytics.science.workspace_series import deals_table, month_ends

LEVEL = 80.0
MONTHS = 24
SURELY = 1e-9
LEARNT_FROM = 20_000
"""The newest closed deals: more change odds in the third digit only, and cost minutes."""


@dataclass(frozen=True, slots=True)
class DealScores:
    """Open deals with their odds, arrays [n]; `arrivals` [n, MONTHS] is the chance to be won by the
    end of this and each following month."""

    ids: Names
    moments: Moments
    probability: Floats
    lower: Floats
    upper: Floats
    advice: Names
    priority: Floats
    arrivals: Floats
    expected: Expected

    def __len__(self) -> int:
        return len(self.ids)


def fit(facts: Facts) -> WinModel:
    """Learn from the closed deals."""
    moments, won = closed_before(facts, LEARNT_FROM)
    return win.fit(moments.table(facts), won, COLUMNS)


def score(model: WinModel, facts: Facts, *, whole: Facts | None = None) -> DealScores:
    """Score the open deals; `whole` says when deals close, if `facts` holds only some of them."""
    moments = open_now(facts)
    table = moments.table(facts)
    probability, bounds = model.odds(table, LEVEL)
    value = moments.states.value
    days = np.maximum(moments.age, 1.0)
    return DealScores(
        ids=facts.deals[moments.states.deal].astype(np.str_),
        moments=moments,
        probability=probability,
        lower=bounds[:, 0],
        upper=bounds[:, 1],
        advice=win.advise(probability, model.base_rate, value, days),
        priority=win.priority(probability, model.base_rate, value, days),
        arrivals=arrivals(whole or facts, moments.age, probability),
        expected=win.expected_value(probability, value, LEVEL),
    )


def explain(
    model: WinModel, facts: Facts, scores: DealScores, rows: Ints, top: int = 5
) -> list[list[Factor]]:
    """Reasons for the odds of some of the deals."""
    if len(rows) == 0:
        return []
    return model.explain(scores.moments.take(rows).table(facts), top)


def arrivals(whole: Facts, ages: Floats, probability: Floats) -> Floats:
    """The chance that deals of this age and these odds are won by the end of each month.

    Shape [n, MONTHS]. The odds say whether, the hazards of all deals say when: of the deals of an
    age that are ever won, the share won by then.
    """
    import pandas as pd

    if len(ages) == 0:
        return np.zeros((0, MONTHS))
    moment = pd.Timestamp(whole.at, unit="s", tz="UTC")
    hazards = workspace(read_deals(deals_table(whole), moment)).hazards
    ends = month_ends(whole, MONTHS)
    known, place = np.unique(np.clip(ages, 0, 730), return_inverse=True)
    by_day = hazards.win_within(known, int(max(ends[-1], 1)))
    ever = np.maximum(by_day[-1], SURELY)
    share = (by_day[ends - 1] / ever).T
    return np.asarray(probability[:, None] * share[place])
