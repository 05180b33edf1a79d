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
LARGE, EACH_OF_LARGE = 10_000, 3
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


def origin(facts: Facts, back: int) -> float:
    """The start of the month `back` months before the facts' own."""
    current = int(local_months(np.array([facts.at]), facts.zone)[0])
    return series.month_start(current - back, facts.zone)


def has_past(facts: Facts) -> bool:
    """Whether anything happened before the latest origin; otherwise none says anything."""
    return bool(np.any(facts.states.happened < origin(facts, 0)))


def odds(facts: Facts, back: int) -> list[SaidOdds]:
    """Odds of the deals that were open at an origin and have closed since."""
    last = facts.last()
    closed = last.type != OPEN
    if int(closed.sum()) >= LARGE and (ORIGINS - 1 - back) % EACH_OF_LARGE:
        return []
    moment = origin(facts, back)
    then = facts.until(moment)
    if int(np.sum(then.last().type != OPEN)) < LEAST_CLOSED:
        return []
    ended = np.full(len(facts.deals), OPEN)
    ended[last.deal[closed]] = last.type[closed]
    model = deal_scores.fit(then)
    found = deal_scores.score(model, then)
    outcomes = ended[found.moments.states.deal]
    return [
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
            bool(outcomes[at] == WON),
        )
        for at in np.flatnonzero(outcomes != OPEN)
    ]


def risks(facts: Facts, back: int, clients: list[str]) -> list[SaidOdds]:
    """Risks of the clients that had bought by an origin, once their horizon is over."""
    moment = origin(facts, back)
    then = facts.until(moment)
    table = series.purchases(then, clients)
    if table["date"].notna().sum() < LEAST_BUYERS:
        return []
    day = np.datetime64(int(then.day(np.array([moment]))[0]), "D")
    days = churn.horizon(table, str(day))
    due = moment + days * DAY
    if due > facts.at:
        return []
    later = _bought_between(facts, moment, due)
    found = churn.score(table, str(day), days).dropna(subset="probability")
    left = np.array([client not in later for client in found["client_id"]])
    rate = float(left.mean()) if len(left) else 0.0
    nothing = float("nan")
    return [
        SaidOdds(
            "churn", str(row.client_id), moment, float(row.probability), nothing, nothing,
            rate, str(row.evidence), due, bool(gone),
        )
        for row, gone in zip(found.itertuples(), left, strict=True)
    ]  # fmt: skip


def months(facts: Facts, back: int) -> list[SaidMonth]:
    """Forecasts of each metric from an origin for the months that are over."""
    said = []
    for metric in series.METRICS:
        known = series.monthly(facts, metric)
        first = known.current - back
        past = known.values[: max(first - known.first, 0)]
        curve = forecast.forecast_monthly(past, AHEAD, levels=(80,), deadline_s=0.0)
        said += [
            SaidMonth(
                metric,
                first,
                first + step,
                float(curve.mean[step]),
                float(curve.lower[80][step]),
                float(curve.upper[80][step]),
                curve.method,
                float(known.values[first + step - known.first]),
            )
            for step in range(min(len(curve.mean), back))
        ]
    return said


def _bought_between(facts: Facts, begin: float, end: float) -> set[str]:
    last = facts.last()
    bought = (last.type == WON) & (last.client >= 0) & (last.closed > begin) & (last.closed <= end)
    return {str(name) for name in facts.clients[last.client[bought]]}
