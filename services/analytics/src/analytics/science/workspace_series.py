"""A workspace's deals as the tables that churn, revenue, velocity and forecasts read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analytics.science.facts import (
    DAY,
    OPEN,
    WON,
    Facts,
    Floats,
    Ints,
    local_days,
    local_months,
)

if TYPE_CHECKING:
    import pandas as pd

METRICS = ("won_value", "pipeline_value", "deals_won")
EARLY = 3
"""Days by which a month may have begun before the first record and still counts as whole."""
LEAST_STAYS = 5


@dataclass(frozen=True, slots=True)
class Series:
    """Complete months, oldest first, and what the month under way has so far.

    `first` is the first month of `values` and `current` the one under way, in months since January
    1970; `values` [current - first].
    """

    metric: str
    first: int
    current: int
    values: Floats
    so_far: float


def purchases(facts: Facts, clients: list[str]) -> pd.DataFrame:
    """A row per won deal (client_id, date, value), and one without a date per other client."""
    import pandas as pd

    last = facts.last()
    won = last.take((last.type == WON) & (last.client >= 0))
    won = won.take(np.lexsort((won.deal, won.closed)))
    alive = set(clients)
    ids = facts.clients[won.client]
    kept = np.array([name in alive for name in ids], dtype=np.bool_)
    ids, won = ids[kept], won.take(kept)
    dates = local_days(won.closed, facts.zone).astype("datetime64[D]").astype("datetime64[ns]")
    others = sorted(alive - set(ids.tolist()))
    return pd.DataFrame(
        {
            "client_id": np.concatenate([ids, np.array(others, dtype=np.str_)]),
            "date": np.concatenate([dates, np.full(len(others), np.datetime64("NaT"))]),
            "value": np.concatenate([won.value, np.full(len(others), np.nan)]),
        }
    )


def deals_table(facts: Facts) -> pd.DataFrame:
    """As `revenue.project` and `velocity.velocity` read deals."""
    import pandas as pd

    last = facts.last()
    closed = last.type != OPEN
    return pd.DataFrame(
        {
            "owner": pd.Categorical.from_codes(
                np.where(last.owner < 0, len(facts.owners), last.owner),
                categories=[*facts.owners, ""],
            ),
            "created": _stamps(last.created),
            "closed": _stamps(np.where(closed, last.closed, np.nan)),
            "won": np.where(closed, (last.type == WON).astype(np.float64), np.nan),
            "value": last.value,
        }
    )


def _stamps(seconds: Floats) -> pd.DatetimeIndex:
    """Seconds since 1970 as aware times, NaT for NaN.

    `pd.to_datetime(seconds, unit="s")` rounds what lay in memory where a number is NaN, and raises
    FloatingPointError when that is large.
    """
    import pandas as pd

    stamps = np.full(len(seconds), np.datetime64("NaT"), dtype="datetime64[ns]")
    known = ~np.isnan(seconds)
    stamps[known] = pd.to_datetime(seconds[known], unit="s").to_numpy()
    return pd.DatetimeIndex(stamps, tz="UTC")


def owned(facts: Facts, owner: str | None) -> Facts:
    """Only the deals that this owner had in the end; all of them for none."""
    if owner is None:
        return facts
    place = np.flatnonzero(facts.owners == owner)
    last = facts.last()
    mine = last.deal[last.owner == (place[0] if len(place) else -2)]
    return replace(facts, states=facts.states.take(np.isin(facts.states.deal, mine)))


def monthly(facts: Facts, metric: str) -> Series:
    """A metric per month of the workspace's own calendar. Raises ValueError for an unknown one."""
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}, not {metric!r}")
    current = int(local_months(np.array([facts.at]), facts.zone)[0])
    last = facts.last()
    first = _first_whole_month(facts, current)
    count = current - first
    if metric == "pipeline_value":
        ends = np.array([month_start(m + 1, facts.zone) for m in range(first, current)])
        values = pipeline_at(facts, np.append(ends, facts.at))
        return Series(metric, first, current, values[:-1], float(values[-1]))
    won = last.take(last.type == WON)
    month = local_months(won.closed, facts.zone)
    worth = np.nan_to_num(won.value) if metric == "won_value" else np.ones(len(won))
    place = month - first
    inside = (place >= 0) & (place <= count)
    at = place[inside].astype(np.int64)
    sums = np.bincount(at, worth[inside], minlength=count + 1).astype(np.float64)
    return Series(metric, first, current, sums[:count], float(sums[count]))


def pipeline_at(facts: Facts, moments: Floats) -> Floats:
    """Value of the open deals at each moment; deals without a known value add nothing."""
    states = facts.states
    until = np.append(states.happened[1:], np.inf)
    until[np.append(states.deal[1:] != states.deal[:-1], True)] = np.inf
    live = (states.type == OPEN) & ~states.deleted & ~np.isnan(states.value)
    worth, begin, end = states.value[live], states.happened[live], until[live]
    sums = np.zeros(len(moments))
    for sign, times in ((1.0, begin), (-1.0, end)):
        order = np.argsort(times, kind="stable")
        running = np.append(0.0, np.cumsum(worth[order]))
        sums += sign * running[np.searchsorted(times[order], moments, "left")]
    return np.round(sums, 6)


def month_start(month: int, zone: str) -> float:
    """The instant a month (since January 1970) begins in a time zone."""
    import pandas as pd

    date = np.datetime64(month, "M").astype("datetime64[D]")
    return float(
        pd.Timestamp(date)
        .tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
        .timestamp()
    )


def month_ends(facts: Facts, count: int) -> Ints:
    """Whole days from the facts' moment to the end of this and the following months, at least 1."""
    current = int(local_months(np.array([facts.at]), facts.zone)[0])
    ends = [month_start(current + k + 1, facts.zone) for k in range(count)]
    return np.array([max(1, round((end - facts.at) / DAY)) for end in ends], dtype=np.int64)


def stage_limits(facts: Facts) -> dict[str, dict[str, float]]:
    """Per stage the median and 90th percentile of the days of ended stays, from five on."""
    states = facts.states
    if len(states) < 2:
        return {}
    same = states.deal[1:] == states.deal[:-1]
    left = same & (states.entered[1:] > states.entered[:-1]) & (states.type[:-1] == OPEN)
    rows = np.flatnonzero(left)
    days = (states.entered[rows + 1] - states.entered[rows]) / DAY
    limits = {}
    for stage in np.unique(states.stage[rows]):
        stays = days[states.stage[rows] == stage]
        if len(stays) >= LEAST_STAYS:
            limits[str(facts.stages[stage])] = {
                "median": round(float(np.median(stays)), 1),
                "p90": round(float(np.percentile(stays, 90)), 1),
                "n": len(stays),
            }
    return limits


def _first_whole_month(facts: Facts, current: int) -> int:
    """The first month that was recorded from its start, and not before the first closing."""
    last = facts.last()
    closed = last.closed[last.type != OPEN]
    if len(closed) == 0 or np.all(np.isnan(closed)):
        return current
    begun = float(np.nanmin(last.created)) + EARLY * -DAY
    month = int(local_months(np.array([begun]), facts.zone)[0])
    if month_start(month, facts.zone) < begun:
        month += 1
    closing = int(local_months(np.array([np.nanmin(closed)]), facts.zone)[0])
    return min(max(month, closing), current)
