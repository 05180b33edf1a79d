"""Reports from the projection, each with what it rests on."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from analytics.adapters import queries
from analytics.adapters.queries import Recent, WorkspaceSettings
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

    settings: WorkspaceSettings
    stages: list[Any]  # rows of queries.by_stage, in board order
    recent: Recent


@dataclass(frozen=True, kw_only=True)
class VelocityReport:
    """The pace of a period beside the one before."""

    settings: WorkspaceSettings
    period: Period
    pace: Pace
    before: Pace


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

    settings: WorkspaceSettings
    deal: Any
    spells: list[Spell]
    odds: Odds | None
    won: int
    lost: int
    age_days: float
    days_in_stage: float
    postponements: int


async def pipeline(tx: Transaction, *, owner_id: UUID | None, now: datetime) -> PipelineReport:
    """Number, value and age of the deals that stand in each stage."""
    settings = await queries.settings(tx)
    stages = await queries.by_stage(tx, owner_id=owner_id, now=now)
    recent = await queries.recent(
        tx, owner_id=owner_id, since=now - RECENT, currency=settings.currency
    )
    return PipelineReport(settings=settings, stages=stages, recent=recent)


async def velocity(
    tx: Transaction, *, first: str, last: str, owner_id: UUID | None, now: datetime
) -> VelocityReport:
    """The textbook formula. Raises DateInvalid, RangeEmpty."""
    settings = await queries.settings(tx)
    period = Period.read(first, last, zone=settings.time_zone, now=now)
    here, there = [
        await queries.pace(
            tx, owner_id=owner_id, start=span.start, end=span.end, currency=settings.currency
        )
        for span in (period, period.before())
    ]
    return VelocityReport(settings=settings, period=period, pace=here, before=there)


async def deal_insight(tx: Transaction, deal_id: UUID, *, now: datetime) -> DealReport:
    """Raises DealNotFound."""
    deal = await queries.deal(tx, deal_id)
    if deal is None:
        raise DealNotFound("There is no such deal.")
    won, lost = await queries.closed(tx)
    until = deal["closed_at"] or now
    return DealReport(
        settings=await queries.settings(tx),
        deal=deal,
        spells=_spells(await queries.entries(tx, deal_id), now),
        odds=base_rate(won, lost) if deal["closed_at"] is None else None,
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
