"""A workspace's past replayed, strictly forwards: what would have been said, and what came of it.

At the start of earlier months everything that came later is taken away, the models are learnt anew,
and say what they say. Nothing of it was ever shown: it is a back-test, and called one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.science import churn, deal_scores, forecast
from analytics.science import workspace_series as series
from analytics.science.facts import DAY, OPEN, WON, Facts, local_months

ORIGINS = 9
LEAST_CLOSED = 20
LEAST_BUYERS = 5
AHEAD = 6
LARGE = 10_000
"""Closed deals from which on every third origin is enough: each has hundreds of statements."""


@dataclass(frozen=True, slots=True)
class SaidOdds:
    """One statement on a deal or a client; `due` is when it can be judged, NaN for a deal's end."""

    kind: str
    subject: str
    at: float
    probability: float
    lower: float
    upper: float
    base_rate: float
    evidence: str
    due: float
    outcome: bool


@dataclass(frozen=True, slots=True)
class SaidMonth:
    """One statement on a month, in the unit of the metric; months since January 1970."""

    metric: str
    origin: int
    month: int
    mean: float
    lower: float
    upper: float
    method: str
    actual: float


def origins(facts: Facts) -> list[float]:
    """The starts of this and earlier months, oldest first."""
    current = int(local_months(np.array([facts.at]), facts.zone)[0])
    return [series.month_start(current - back, facts.zone) for back in range(ORIGINS - 1, -1, -1)]


def replay_odds(facts: Facts) -> list[SaidOdds]:
    """Odds of the deals that were open at each origin and have closed since."""
    last = facts.last()
    ended = {int(d): bool(t == WON) for d, t in zip(last.deal, last.type, strict=True) if t != OPEN}
    said = []
    starts = origins(facts)[:: 3 if len(ended) >= LARGE else 1]
    for moment in starts:
        then = facts.until(moment)
        if int(np.sum(then.last().type != OPEN)) < LEAST_CLOSED:
            continue
        model = deal_scores.fit(then)
        found = deal_scores.score(model, then)
        for at, deal in enumerate(found.moments.states.deal):
            if int(deal) in ended:
                said.append(
                    SaidOdds(
                        "win",
                        str(found.ids[at]),
                        moment,
                        float(found.probability[at]),
                        float(found.lower[at]),
                        float(found.upper[at]),
                        model.base_rate,
                        model.evidence,
                        float("nan"),
                        ended[int(deal)],
                    )
                )
    return said


def replay_risks(facts: Facts, clients: list[str]) -> list[SaidOdds]:
    """Risks of the clients that had bought by each origin, once their horizon is over."""
    said = []
    for moment in origins(facts):
        then = facts.until(moment)
        table = series.purchases(then, clients)
        if table["date"].notna().sum() < LEAST_BUYERS:
            continue
        day = np.datetime64(int(then.day(np.array([moment]))[0]), "D")
        days = churn.horizon(table, str(day))
        due = moment + days * DAY
        if due > facts.at:
            continue
        later = _bought_between(facts, moment, due)
        found = churn.score(table, str(day), days).dropna(subset="probability")
        left = np.array([client not in later for client in found["client_id"]])
        rate = float(left.mean()) if len(left) else 0.0
        for row, gone in zip(found.itertuples(), left, strict=True):
            p = float(row.probability)
            nothing = float("nan")
            said.append(
                SaidOdds(
                    "churn", str(row.client_id), moment, p, nothing, nothing,
                    rate, str(row.evidence), due, bool(gone),
                )
            )  # fmt: skip
    return said


def replay_months(facts: Facts, metric: str) -> list[SaidMonth]:
    """Forecasts from each origin for the months that are over."""
    months = series.monthly(facts, metric)
    said = []
    for back in range(ORIGINS - 1, 0, -1):
        origin = months.current - back
        past = months.values[: max(origin - months.first, 0)]
        curve = forecast.forecast_monthly(past, AHEAD, levels=(80,), deadline_s=0.0)
        said += [
            SaidMonth(
                metric,
                origin,
                origin + step,
                float(curve.mean[step]),
                float(curve.lower[80][step]),
                float(curve.upper[80][step]),
                curve.method,
                float(months.values[origin + step - months.first]),
            )
            for step in range(min(len(curve.mean), back))
        ]
    return said


def _bought_between(facts: Facts, begin: float, end: float) -> set[str]:
    last = facts.last()
    bought = (last.type == WON) & (last.client >= 0) & (last.closed > begin) & (last.closed <= end)
    return {str(name) for name in facts.clients[last.client[bought]]}
