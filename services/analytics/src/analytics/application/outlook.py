"""What a workspace will earn: forecasts, projections and pace, computed into rows."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np

from analytics.adapters import scores
from analytics.application.scoring import Case, known, month
from analytics.domain import telling
from analytics.domain.facts import ForecastRevised
from analytics.science import forecast, revenue, velocity
from analytics.science import workspace_series as series
from analytics.science.deal_scores import MONTHS, DealScores
from analytics.science.deals_table import read_deals
from analytics.science.facts import Floats
from analytics.science.forecast_types import Backtest, Forecast
from kit.unit_of_work import UnitOfWork

EVERYBODY = UUID(int=0)
LEVELS = (80, 90, 95)
DAYS_AHEAD = (30, 90, 180, 365)
DAYS_BACK = (30, 90, 365)
LINES = {
    "won_value": ("linear", "prophet", "seasonal_naive"),
    "pipeline_value": ("linear", "seasonal_naive"),
    "deals_won": ("linear", "seasonal_naive"),
}
KEPT_MONTHS = 12
"""Of each origin so many months are kept to be judged."""

_REUSED = ("method", "n_used", "evidence", "confidence", "backtest", "factors", "lines", "version")


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """Rows for each table, of one owner or of everybody."""

    forecasts: list[dict[str, Any]]
    projections: list[dict[str, Any]]
    velocities: list[dict[str, Any]]


async def compute(
    case: Case,
    odds: DealScores,
    there: Mapping[tuple[str, UUID], Any],
    *,
    now: datetime,
    owner_id: UUID | None = None,
) -> Outlook:
    """Ask the science; nothing is read or written. `there`: forecasts that may still hold."""
    return await asyncio.to_thread(_ask, case, odds, there, now, owner_id)


def _ask(
    case: Case,
    odds: DealScores,
    there: Mapping[tuple[str, UUID], Any],
    now: datetime,
    owner_id: UUID | None,
) -> Outlook:
    owner = None if owner_id is None else str(owner_id)
    facts = series.owned(case.facts, owner)
    key = {
        "workspace_id": str(case.workspace_id),
        "edition": case.edition,
        "owner_id": str(owner_id or EVERYBODY),
        "computed_at": scores.instant(now),
    }
    mine = np.ones(len(odds), dtype=np.bool_)
    if owner is not None:
        mine = np.append(case.facts.owners, "")[odds.moments.states.owner] == owner
    found = []
    for metric in series.METRICS:
        months = series.monthly(facts, metric)
        before = there.get((metric, owner_id or EVERYBODY))
        found.append(key | _forecast(case, months, _pipe(odds, mine, metric), before))
    deals = read_deals(series.deals_table(facts), case.at)
    pool = None if owner is None else read_deals(series.deals_table(case.facts), case.at)
    return Outlook(
        forecasts=found,
        projections=[key | _projection(case, deals, pool, days) for days in DAYS_AHEAD],
        velocities=[key | _velocity(case, deals, days) for days in DAYS_BACK],
    )


async def write(uow: UnitOfWork, case: Case, outlook: Outlook, *, now: datetime, run: int) -> None:
    """Put it into rows, keep what is said to be judged, and tell of a revision."""
    there = await scores.forecasts_there(uow, case.edition)
    for row in outlook.forecasts:
        before = there.get((row["metric"], UUID(row["owner_id"])))
        told = before["told_minor"] if before else None
        row |= {"told_minor": told, "told_at": before["told_at"] if before else None}
        if not case.is_now or row["owner_id"] != str(EVERYBODY) or not row["path"]:
            continue
        await scores.write_once(uow, "said_forecasts", _said(row, now))
        ahead = round(sum(step["mean"] for step in row["path"][:3]))
        if row["metric"] == "won_value" and telling.revises(told, ahead):
            row |= {"told_minor": ahead, "told_at": now}
            if told is not None:
                uow.tell_facts(_revised(case, told, ahead, now=now, run=run))
    await scores.write(uow, "forecasts", outlook.forecasts)
    await scores.write(uow, "projections", outlook.projections)
    await scores.write(uow, "velocities", outlook.velocities)


def _pipe(odds: DealScores, mine: Any, metric: str) -> Floats | None:
    """What the deals open now bring in each of the coming months; none for their own value."""
    if metric == "pipeline_value":
        return None
    worth = np.nan_to_num(odds.moments.states.value) if metric == "won_value" else 1.0
    by_month = np.diff(odds.arrivals, axis=1, prepend=0.0)
    share: Floats = ((by_month.T * worth).T)[mine].sum(axis=0)
    return share


def _forecast(
    case: Case, months: series.Series, pipe: Floats | None, before: Any
) -> dict[str, Any]:
    scale = 1 if months.metric == "deals_won" else case.scale
    history = [
        {"month": month(months.first + at).isoformat(), "value": round(float(value) * scale)}
        for at, value in enumerate(months.values)
    ]
    first = month(months.current)
    if before is not None and before["history"] == history and before["first_month"] == first:
        answer = {name: before[name] for name in _REUSED}
        raw = [step["raw"] for step in before["path"]]
    else:
        said = forecast.forecast_monthly(months.values, MONTHS, levels=LEVELS)
        answer = _answer(case, months, said, scale)
        raw = _raw(said, scale)
    so_far = months.so_far * scale
    return answer | {
        "metric": months.metric,
        "first_month": first.isoformat(),
        "so_far": round(so_far),
        "history": history,
        "path": _path(months, raw, so_far, None if pipe is None else pipe * scale),
    }


def _raw(said: Forecast, scale: int) -> list[dict[str, Any]]:
    """The science's own curve in the unit of the rows."""
    return [
        {
            "mean": float(mean) * scale,
            "lower": {str(level): float(said.lower[level][at]) * scale for level in LEVELS},
            "upper": {str(level): float(said.upper[level][at]) * scale for level in LEVELS},
        }
        for at, mean in enumerate(said.mean)
    ]


def _path(
    months: series.Series, raw: Sequence[Mapping[str, Any]], so_far: float, pipe: Floats | None
) -> list[dict[str, Any]]:
    """Month by month; the month under way is never below what it has already."""
    path = []
    for at, said in enumerate(raw):
        least = so_far if at == 0 and months.metric != "pipeline_value" else -np.inf
        mean = max(said["mean"], least)
        waiting = None if pipe is None else float(pipe[at])
        there = max(least, 0.0) if at == 0 else 0.0
        path.append(
            {
                "month": month(months.current + at).isoformat(),
                "mean": mean,
                "lower": {level: max(value, least) for level, value in said["lower"].items()},
                "upper": {level: max(value, least) for level, value in said["upper"].items()},
                "pipe": waiting,
                "new": None if waiting is None else max(mean - there - waiting, 0.0),
                "raw": dict(said),
            }
        )
    return path


def _answer(case: Case, months: series.Series, said: Forecast, scale: int) -> dict[str, Any]:
    lines: dict[str, Any] = {}
    for name in LINES[months.metric] if len(said.mean) else ():
        line = forecast.forecast_line(name, months.values, MONTHS, levels=(80,))
        if len(line.mean) == 0:
            lines[name] = {"why": line.factors[0].words if line.factors else ""}
            continue
        lines[name] = {
            "path": [
                {"month": month(months.current + at).isoformat(), "mean": float(mean) * scale}
                for at, mean in enumerate(line.mean)
            ],
            "backtest": _backtest(line.backtest, scale),
        }
    factors = case.reasons(said.factors, money=months.metric != "deals_won")
    return {
        "method": said.method,
        "n_used": said.n_used,
        "evidence": said.evidence,
        "confidence": float(said.confidence),
        "backtest": _backtest(said.backtest, scale),
        "factors": factors,
        "lines": lines,
        "version": said.model_version,
    }


def _backtest(test: Backtest, scale: int) -> dict[str, Any]:
    mae = known(test.mae)
    return {
        "origins": test.origins,
        "n": test.n,
        "mae": None if mae is None else mae * scale,
        "mase": known(test.mase),
        "wape": known(test.wape),
        "coverage": {str(level): known(share) for level, share in test.coverage.items()},
        "words": test.words,
    }


def _projection(case: Case, deals: Any, pool: Any, days: int) -> dict[str, Any]:
    said = revenue.project(deals, case.at, days, pool=pool)
    return projection_row(case, said) | {"days": days, "version": said.model_version}


def projection_row(case: Case, said: revenue.Projection) -> dict[str, Any]:
    """A projection as rows and answers hold it."""
    test = said.backtest
    return {
        "mean_minor": case.minor(said.mean),
        "lower": {str(level): case.minor(value) for level, value in said.lower.items()},
        "upper": {str(level): case.minor(value) for level, value in said.upper.items()},
        "run_rate_minor": case.minor(said.run_rate),
        "pipeline_minor": case.minor(said.pipeline_part),
        "inflow_minor": case.minor(said.inflow_part),
        "method": said.method,
        "n_used": said.n_used,
        "evidence": said.evidence,
        "backtest": {
            "origins": test.origins,
            "n": test.n,
            "wape": known(test.wape),
            "bias": known(test.bias),
            "words": test.words,
        },
        "factors": case.reasons(said.factors, money=True),
    }


def _velocity(case: Case, deals: Any, days: int) -> dict[str, Any]:
    start = case.at - timedelta(days=days)
    said = velocity.velocity(deals, start, case.at)
    before = said.previous

    def minor(value: float) -> float | None:
        return None if value != value else value * case.scale

    return {
        "days": days,
        "deals": said.n,
        "stalled": said.stalled,
        "closed": said.closed,
        "mean_value_minor": minor(said.mean_value),
        "win_rate": known(said.win_rate),
        "cycle_days": known(said.cycle_days),
        "per_day_minor": minor(said.value_per_day),
        "before_per_day_minor": minor(before.value_per_day) if before else None,
        "trend": known(said.trend),
        "words": said.words,
        "definitions": said.definitions,
    }


def _said(row: Mapping[str, Any], now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "workspace_id": row["workspace_id"],
            "metric": row["metric"],
            "source": "published",
            "origin": row["first_month"],
            "month": step["month"],
            "said_at": scores.instant(now.astimezone(UTC)),
            "mean": step["mean"],
            "lower80": step["lower"]["80"],
            "upper80": step["upper"]["80"],
            "method": row["method"],
        }
        for step in row["path"][:KEPT_MONTHS]
    ]


def _revised(case: Case, before: int, minor: int, *, now: datetime, run: int) -> ForecastRevised:
    return ForecastRevised(
        aggregate_id=case.workspace_id,
        version=run,
        at=now,
        by=None,
        metric="won_value",
        before_minor=before,
        minor=minor,
        currency=case.setting.currency,
    )
