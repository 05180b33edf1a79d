"""What the next weeks will bring in: open deals by survival, new ones by inflow, and the run rate.

The mean of two methods that fail differently: survival follows the pipeline but trusts its ages,
the run rate follows the income but is blind to the pipeline. The range comes from their spread and
is rescaled by what the same projection missed at earlier moments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analytics.science import revenue_past as past
from analytics.science.deals_table import Deals, read_deals
from analytics.science.revenue_parts import Parts, parts, workspace
from analytics.science.types import Factor

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

MIN_CLOSED = 20
"""Below so many closed deals nothing claims more than "prior"."""


@dataclass(frozen=True, slots=True)
class Projection:
    """Won revenue expected within `days` after the moment asked about, in the unit of `value`.

    `run_rate` is what the last ninety days would bring if they went on; `pipeline_part` is what the
    deals open now are expected to bring in time, `inflow_part` what deals not yet opened are.
    `mean` is the middle of the run rate and of pipeline plus inflow. `backtest` says how earlier
    projections of the same kind did.
    """

    mean: float
    lower: dict[int, float]
    upper: dict[int, float]
    run_rate: float
    pipeline_part: float
    inflow_part: float
    days: int
    method: str
    n_used: int
    evidence: str
    backtest: past.Misses
    factors: list[Factor]
    data_quality: dict[str, int] = field(default_factory=dict)
    model_version: str = "revenue-1"


def project(
    deals: pd.DataFrame | Deals,
    as_of: object,
    days: int,
    *,
    pool: pd.DataFrame | Deals | None = None,
    levels: Sequence[int] = (80, 90),
) -> Projection:
    """Project won revenue over the `days` after `as_of`.

    Args:
        deals: one row per deal with owner, created, closed, won (1, 0 or NaN while open) and value,
            holding only what was known at `as_of`; later facts are taken back. Or what
            `read_deals` made of them for `as_of`, where many questions are asked of the same deals.
        as_of: a date or time.
        days: length of the window, 1 to 730.
        pool: the whole workspace when `deals` are one owner's; it lends hazards and past misses.
        levels: percentages the ranges claim to cover.

    Raises ValueError for a missing column, text where a number or date belongs, or a window or
    level out of range. Whatever else the deals hold is repaired and counted in `data_quality`.
    """
    _check(days, levels)
    own = read_deals(deals, as_of)
    whole = own if pool is None else read_deals(pool, as_of)
    misses = past.look_back(whole, days, by_owner=pool is not None)
    now = replace(parts(own, workspace(whole), days), correction=misses.correction)
    lower, upper = past.ranges(now.mean, now.spread, misses, sorted(levels), now.floor)
    closed = int((~own.open).sum())
    return Projection(
        mean=now.mean,
        lower=lower,
        upper=upper,
        run_rate=now.run_rate,
        pipeline_part=now.correction * now.pipeline,
        inflow_part=now.correction * now.inflow,
        days=days,
        method="Mean of the run rate and of the survival of open deals plus new ones",
        n_used=len(own),
        evidence=_evidence(int((~whole.open).sum()), closed),
        backtest=misses,
        factors=_factors(own, now, misses, days),
        data_quality=own.repaired,
    )


def _check(days: int, levels: Sequence[int]) -> None:
    if isinstance(days, bool) or int(days) != days or not 1 <= days <= 730:
        raise ValueError(f"days must be a whole number from 1 to 730, not {days!r}")
    for level in levels:
        if not 0 < level < 100:
            raise ValueError(f"levels are percentages between 0 and 100, not {level!r}")


def _evidence(lessons: int, closed: int) -> str:
    """More deals never lower it; below twenty closed it is at most a prior.

    Where nobody's deal has closed there is nothing to project from, however many are open.
    """
    if lessons == 0:
        return "none"
    if closed < MIN_CLOSED:
        return "prior"
    return "low" if closed < 60 else "medium" if closed < 200 else "high"


def _factors(own: Deals, now: Parts, misses: past.Misses, days: int) -> list[Factor]:
    """Run rate, pipeline, inflow, what was corrected or disagrees, and the back-test; five."""
    if len(own) == 0:
        return [Factor("deals", "No deal is known yet; there is nothing to project from.", 0.0)]
    pipeline, inflow = now.correction * now.pipeline, now.correction * now.inflow
    rate = f"The last {now.run_days} days, gone on for {days}, would bring {_money(now.run_rate)}"
    count = int(own.open.sum())
    waiting = f"{count} open {'deal' if count == 1 else 'deals'} should bring {_money(pipeline)}"
    fresh = f"Deals not yet opened should bring {_money(inflow)} in time"
    found = [
        Factor("run_rate", rate, now.run_rate / 2),
        Factor("pipeline", f"{waiting} in time", pipeline / 2),
        Factor("inflow", fresh, inflow / 2),
    ]
    if now.disagreement > 0.25 * abs(now.mean):
        words = "Pipeline and recent income disagree; the range is wider for it"
        found.append(Factor("regime", words, 0.0))
    elif abs(now.correction - 1) > 0.05:
        way = "high" if now.correction < 1 else "low"
        words = f"Earlier pipeline projections were {abs(now.correction - 1):.0%} too {way}"
        effect = (1 - 1 / now.correction) * now.survival / 2
        found.append(Factor("correction", f"{words}; this one is moved for it", effect))
    found.append(Factor("backtest", misses.words, 0.0))
    return found


def _money(amount: float) -> str:
    return f"{amount:,.0f}" if abs(amount) >= 100 else f"{amount:,.3g}"
