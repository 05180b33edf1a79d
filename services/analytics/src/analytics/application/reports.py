"""Reports from the projection, each with what it rests on."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from analytics.adapters import condition, figures, predictions, queries
from analytics.application.scope import Scope
from analytics.domain.errors import DealNotFound
from analytics.domain.odds import Odds, base_rate
from analytics.domain.pace import Pace
from analytics.domain.period import Period
from kit.database import Transaction

RECENT = timedelta(days=30)
DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class PipelineReport:
    """The pipeline as it stands."""

    scope: Scope
    stages: list[Any]  # rows of figures.by_stage, in board order
    recent: Any


@dataclass(frozen=True, kw_only=True)
class VelocityReport:
    """The pace of a period beside the one before, and what the next 30 days bring."""

    scope: Scope
    pace: Pace
    before: Pace
    projection: Any | None


@dataclass(frozen=True, kw_only=True)
class Spell:
    """One stay of a deal in a stage."""

    stage_id: UUID
    stage_name: str
    stage_type: str
    entered_at: datetime
    left_at: datetime | None
    days: float


@dataclass(frozen=True, kw_only=True)
class DealReport:
    """What is known of one deal; no odds for a closed one, nor while no deal has closed."""

    scope: Scope
    deal: Any
    spells: list[Spell]
    score: Any | None
    model: Any | None
    odds: Odds | None  # from how deals usually end, while the deal has not been scored
    won: int
    lost: int
    age_days: float
    days_in_stage: float
    postponements: int


async def pipeline(tx: Transaction, scope: Scope) -> PipelineReport:
    """Number, value and age of the deals that stand in each stage."""
    return PipelineReport(
        scope=scope,
        stages=await figures.by_stage(tx, scope.seen),
        recent=await figures.recent(tx, scope.seen, since=scope.at - RECENT),
    )


async def velocity(tx: Transaction, scope: Scope) -> VelocityReport:
    """The textbook formula beside the projection that holds."""
    here, there = [await _pace(tx, scope, span) for span in (scope.period, scope.period.before())]
    return VelocityReport(
        scope=scope,
        pace=here,
        before=there,
        projection=await predictions.projection(tx, scope.edition, scope.whose, RECENT.days),
    )


async def _pace(tx: Transaction, scope: Scope, span: Period) -> Pace:
    row = await condition.pace(tx, scope.seen, start=span.start, end=span.end)
    mean, cycle = row["mean_minor"], row["cycle"]
    return Pace(
        opportunities=row["opportunities"],
        stalled=row["stalled"],
        won=row["won"],
        lost=row["lost"],
        mean_value_minor=None if mean is None else float(mean),
        cycle_days=None if cycle is None else float(cycle),
    )


async def deal_insight(tx: Transaction, deal_id: UUID, scope: Scope) -> DealReport:
    """Raises DealNotFound."""
    deal, now = await queries.deal(tx, deal_id), scope.at
    if deal is None or not tx.sight.sees(deal["owner_id"]):
        raise DealNotFound("There is no such deal.")
    score = await predictions.odds_of(
        tx, deal_id, edition=scope.edition, at=now, week_ago=now - timedelta(days=7)
    )
    won, lost = await queries.closed(tx)
    is_open = deal["closed_at"] is None
    until = deal["closed_at"] or now
    return DealReport(
        scope=scope,
        deal=deal,
        spells=_spells(await queries.entries(tx, deal_id), now),
        score=score if is_open else None,
        model=await predictions.model(tx, scope.edition, "win") if score else None,
        odds=base_rate(won, lost) if is_open and score is None else None,
        won=won,
        lost=lost,
        age_days=max(0.0, (until - deal["created_at"]) / DAY),
        days_in_stage=max(0.0, (now - deal["entered_stage_at"]) / DAY),
        postponements=await queries.postponements(tx, deal_id),
    )


def _spells(entries: list[Any], now: datetime) -> list[Spell]:
    ends: list[datetime | None] = [entry["entered_at"] for entry in entries[1:]]
    return [
        Spell(
            stage_id=entry["stage_id"],
            stage_name=entry["stage_name"],
            stage_type=entry["stage_type"],
            entered_at=entry["entered_at"],
            left_at=left_at,
            days=max(0.0, ((left_at or now) - entry["entered_at"]) / DAY),
        )
        for entry, left_at in zip(entries, [*ends, None], strict=True)
    ]
