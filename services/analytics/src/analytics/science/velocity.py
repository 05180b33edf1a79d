"""Sales velocity by the textbook: how much money passes through the pipeline per day.

    value per day = deals x mean value x win rate / cycle in days

It is a pace to compare with last quarter's pace, not a forecast: read as revenue of the next thirty
days it overshot by 97 % in our measurements, since it takes every open deal to be as young as those
that close. `revenue.project` is the forecast.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from analytics.science.deals_table import Deals, days_between, read_deals

if TYPE_CHECKING:
    import pandas as pd

STALLED = 95
"""Percentile of the ages at closing past which an open deal counts as stalled, not alive."""

MIN_CLOSED = 20
"""With fewer closings their 95th percentile is just their oldest; then every open deal is alive."""

DEFINITIONS = {
    "n": "Deals alive at the end of the period: open and not older than 95 % of all deals were "
    "when they closed (with fewer than 20 closings on record, every open deal)",
    "mean_value": "Mean value of the deals alive",
    "win_rate": "Won deals over won and lost deals, of those closed in the period; open deals, "
    "which have no outcome yet, do not count",
    "cycle_days": "Mean age at closing of the deals closed in the period, won or lost; at least "
    "one day",
    "value_per_day": "Deals x mean value x win rate / cycle days: a pace, not a forecast",
}


@dataclass(frozen=True, slots=True)
class Velocity:
    """The pace of a period. NaN where the period cannot say; `definitions` has the words.

    `n` deals alive and `stalled` ones beside them, `mean_value` money, `win_rate` 0 to 1 over
    `closed` closings, `cycle_days` days, `value_per_day` money per day. `previous` is the pace of
    the equally long period before, and `trend` the relative change since, NaN when either is
    unknown or the earlier one was zero.
    """

    n: int
    mean_value: float
    win_rate: float
    cycle_days: float
    value_per_day: float
    closed: int
    stalled: int
    days: float
    label: str = "pace"
    previous: Velocity | None = None
    trend: float = float("nan")
    words: str = ""
    definitions: dict[str, str] = field(default_factory=lambda: dict(DEFINITIONS))
    data_quality: dict[str, int] = field(default_factory=dict)


def velocity(deals: pd.DataFrame | Deals, start: object, end: object) -> Velocity:
    """The pace from `start` (included) to `end` (excluded), beside the period before.

    Args:
        deals: one row per deal with owner, created, closed, won (1, 0 or NaN while open) and value,
            or what `read_deals` made of them for `end`.
        start, end: dates or times; what happened from `end` on is not looked at.

    Raises ValueError for a missing column, text where a number or date belongs, or an end that is
    not after the start.
    """
    days = days_between(start, end)
    if not days > 0:
        raise ValueError(f"the period must end after it starts: {start!r} to {end!r}")
    known = read_deals(deals, end)
    before = _pace(known.known_at(-days, inclusive=False), days)
    now = _pace(known.known_at(0.0, inclusive=False), days)
    change = float("nan")
    if before.value_per_day > 0 and now.value_per_day == now.value_per_day:
        change = now.value_per_day / before.value_per_day - 1
    return replace(
        now, previous=before, trend=change, words=_words(now, change), data_quality=known.repaired
    )


def _pace(deals: Deals, days: float) -> Velocity:
    """The pace of the `days` up to day 0."""
    oldest = _oldest_alive(deals)
    alive = deals.open & (-deals.created <= oldest)
    closed = ~deals.open & (deals.closed >= -days)
    count, stalled = int(alive.sum()), int(deals.open.sum() - alive.sum())
    nan = float("nan")
    mean_value = float(deals.value[alive].mean()) if count else nan
    if not np.any(closed):
        return Velocity(count, mean_value, nan, nan, nan, 0, stalled, days)
    win_rate = float(deals.is_won[closed].mean())
    cycle = max(float((deals.closed - deals.created)[closed].mean()), 1.0)
    per_day = count * mean_value * win_rate / cycle if count else 0.0
    ended = int(closed.sum())
    return Velocity(count, mean_value, win_rate, cycle, per_day, ended, stalled, days)


def _oldest_alive(deals: Deals) -> float:
    ages = (deals.closed - deals.created)[~deals.open]
    return float(np.percentile(ages, STALLED)) if len(ages) >= MIN_CLOSED else np.inf


def _words(now: Velocity, change: float) -> str:
    if now.closed == 0:
        return "No deal was closed in this period, so there is no pace to state."
    if now.n == 0:
        return "No deal is alive at the end of this period; the pace is zero."
    text = (
        f"{now.n} deals x {now.mean_value:,.4g} x {now.win_rate:.0%} / {now.cycle_days:.1f} days "
        f"= {now.value_per_day:,.4g} a day"
    )
    if change == change:
        text += f", {abs(change):.0%} {'more' if change >= 0 else 'less'} than the period before"
    return text + "."
