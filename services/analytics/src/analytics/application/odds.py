"""Win odds of the open deals: fitted at night, scored with every change, told when they matter."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np

from analytics.adapters import fact_copies, model_rows, rescoring, scores
from analytics.adapters.model_rows import ModelRow
from analytics.adapters.rescoring import Fence
from analytics.adapters.scores import Standing
from analytics.application.scoring import Case, OpenUnit, commit_if_held, known, moment
from analytics.domain import steps, telling
from analytics.domain.facts import DealScoreDropped, DealsScored, Odds
from analytics.science import deal_scores, model_store
from analytics.science.deal_scores import DealScores
from analytics.science.facts import OPEN
from analytics.science.types import Factor
from analytics.science.win import WinModel
from analytics.science.workspace_series import stage_limits
from kit.database import Transaction
from kit.unit_of_work import UnitOfWork

VERSION = "win-1"
TOLD_AT_ONCE = 500
GROWN_BY = 1.2
"""Closed deals over those a model was fitted on, from which on it does not wait for the night."""

_SAME = 5e-4  # less than a twentieth of a point is no change
_SAME_PRIORITY = 0.02


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What the science said: odds of all, and reasons for those whose rows change."""

    model: WinModel
    fitted: ModelRow | None
    scores: DealScores
    changed: list[int]
    factors: list[list[Factor]]
    limits: dict[str, dict[str, float]]


@dataclass(frozen=True, kw_only=True)
class Made:
    """Rows to be written, those of them to be told, and drops with their deal and last peak."""

    rows: list[dict[str, Any]]
    told: list[dict[str, Any]]
    dropped: list[tuple[dict[str, Any], Any, float]]


class Done(NamedTuple):
    """How a scoring of odds went."""

    run: int
    scored: int
    changed: int
    told: int
    fitted: bool
    scores: DealScores


async def rescore(
    case: Case, open_unit: OpenUnit, fence: Fence, *, now: datetime, refit: bool
) -> Done:
    """Score every open deal, write the rows that change, tell what matters. Raises LeaseLost."""
    async with open_unit() as uow:
        stored = await model_rows.find(uow, "win", case.edition)
        standing = await scores.standing(uow, case.edition) if case.is_now else {}
    said = await asyncio.to_thread(ask, case, stored, standing, now, refit=refit)
    made = await rows_of(case, open_unit, said, standing, now=now)
    async with open_unit() as uow:
        run = await rescoring.scored(uow, case.setting.changes)
        told = await write(uow, case, said, made, now=now, run=run)
        await commit_if_held(uow, fence)
    return Done(
        run, len(said.scores), len(said.changed), told, said.fitted is not None, said.scores
    )


def ask(
    case: Case,
    stored: ModelRow | None,
    standing: Mapping[str, Standing],
    now: datetime,
    *,
    refit: bool,
) -> Scored:
    model, fitted = (None, None) if refit else (loaded(case, stored), None)
    if model is None:
        model, fitted = fit(case, now)
    found = deal_scores.score(model, case.facts)
    changed = [
        row for row in range(len(found)) if _differs(case, found, row, standing.get(found.ids[row]))
    ]
    factors = deal_scores.explain(model, case.facts, found, np.array(changed, dtype=np.int64))
    return Scored(
        model=model,
        fitted=fitted,
        scores=found,
        changed=changed,
        factors=factors,
        limits=stage_limits(case.facts),
    )


def loaded(case: Case, stored: ModelRow | None) -> WinModel | None:
    """The stored model, unless it is unreadable or the workspace has outgrown it."""
    if stored is None:
        return None
    closed = int(np.sum(case.facts.last().type != OPEN))
    if closed > GROWN_BY * stored.n + 1:
        return None
    try:
        model, _ = model_store.load(stored.body, "win model")
    except model_store.ModelRefused:
        return None
    return model if isinstance(model, WinModel) else None


def fit(case: Case, now: datetime) -> tuple[WinModel, ModelRow]:
    """Learn from the closed deals of a case."""
    model = deal_scores.fit(case.facts)
    last = case.facts.last()
    ends = last.closed[(last.type != OPEN) & ~np.isnan(last.closed)]
    span: tuple[date | None, date | None] = (None, None)
    if len(ends):
        span = moment(float(ends.min())).date(), moment(float(ends.max())).date()
    body = model_store.dump(model, trained_from=str(span[0] or ""), trained_to=str(span[1] or ""))
    row = ModelRow(
        kind="win",
        version=VERSION,
        method=model.method,
        fitted_at=now,
        trained_from=span[0],
        trained_to=span[1],
        n=model.n,
        evidence=model.evidence,
        base_rate=model.base_rate,
        horizon_days=None,
        backtest=model.backtest,
        body=body,
    )
    return model, row


def _differs(case: Case, found: DealScores, row: int, there: Standing | None) -> bool:
    if there is None or there.probability is None:
        return True
    seen = found.moments
    assert there.lower is not None
    assert there.upper is not None
    assert there.priority is not None
    return (
        there.version != there.deal_version
        or abs(found.probability[row] - there.probability) >= _SAME
        or abs(found.lower[row] - there.lower) >= _SAME
        or abs(found.upper[row] - there.upper) >= _SAME
        or str(found.advice[row]) != there.advice
        or abs(found.priority[row] / there.priority - 1) > _SAME_PRIORITY
        or (int(seen.age[row]), int(seen.in_stage[row]), int(seen.quiet[row]))
        != (there.age_days, there.days_in_stage, there.days_silent)
        or case.minor(float(seen.states.value[row])) != there.value_minor
    )


async def rows_of(
    case: Case,
    open_unit: OpenUnit,
    said: Scored,
    standing: Mapping[str, Standing],
    *,
    now: datetime,
) -> Made:
    """The rows that change and what is to be told of them; nothing is written."""
    details: Mapping[UUID, Any] = {}
    if case.is_now:
        ids = [UUID(str(said.scores.ids[row])) for row in said.changed]
        async with open_unit() as uow:
            details = await fact_copies.details(uow, ids)
    return await asyncio.to_thread(_made, case, said, standing, details, now)


def _made(
    case: Case,
    said: Scored,
    standing: Mapping[str, Standing],
    details: Mapping[UUID, Any],
    now: datetime,
) -> Made:
    made = Made(rows=[], told=[], dropped=[])
    for at, factors in zip(said.changed, said.factors, strict=True):
        there = standing.get(str(said.scores.ids[at]))
        row = _row(case, said, at, factors, details, now=now)
        row |= _bookkeeping(row, there, now=now)
        made.rows.append(row)
        if not case.is_now:
            continue
        detail = details.get(UUID(row["deal_id"]))
        before = there.peak_probability if there else None
        if before is not None and telling.drop(before, row["probability"])[0] and detail:
            made.dropped.append((row, detail, before))
        if _tells(there, row):
            made.told.append(row)
    return made


async def write(
    uow: UnitOfWork, case: Case, said: Scored, made: Made, *, now: datetime, run: int
) -> int:
    """Put the rows in their place and tell what matters; the number of deals told of."""
    uow.tell_facts(
        *(_dropped(row, detail, before, now=now, run=run) for row, detail, before in made.dropped)
    )
    await scores.write(uow, "deal_scores", made.rows)
    gone = await scores.drop_closed(uow, case.edition) if case.is_now else []
    await _write_edition(uow, case, said, now=now)
    if case.is_now:
        uow.tell_facts(*_told(case, made.told, gone, now=now, run=run))
        await scores.write(uow, "said_odds", [_said(case, said, row, now) for row in made.told])
    return len(made.told)


async def _write_edition(tx: Transaction, case: Case, said: Scored, *, now: datetime) -> None:
    if said.fitted is not None:
        await model_rows.put(tx, said.fitted, case.edition)
    expected = said.scores.expected
    edition = {
        "workspace_id": str(case.workspace_id),
        "edition": case.edition,
        "as_of": scores.instant(case.at),
        "data_version": case.setting.changes,
        "scored_at": scores.instant(now),
        "base_rate": said.model.base_rate if said.model.n else None,
        "stage_limits": said.limits,
        "expected": {
            "mean": case.minor(expected.mean),
            "lower80": case.minor(expected.lower),
            "upper80": case.minor(expected.upper),
            "deals": expected.deals,
        },
    }
    await scores.write(tx, "editions", [edition])


def _row(
    case: Case,
    said: Scored,
    row: int,
    factors: Sequence[Factor],
    details: Mapping[UUID, Any],
    *,
    now: datetime,
) -> dict[str, Any]:
    found, seen = said.scores, said.scores.moments
    states, facts = seen.states, case.facts
    value, p = float(states.value[row]), float(found.probability[row])
    detail = details.get(UUID(str(found.ids[row])))
    owner, client = int(states.owner[row]), int(states.client[row])
    return {
        "workspace_id": str(case.workspace_id),
        "edition": case.edition,
        "deal_id": str(found.ids[row]),
        "deal_version": detail["version"] if detail else 0,
        "owner_id": str(facts.owners[owner]) if owner >= 0 else None,
        "client_id": str(facts.clients[client]) if client >= 0 else None,
        "probability": p,
        "lower": float(found.lower[row]),
        "upper": float(found.upper[row]),
        "evidence": said.model.evidence,
        "value_minor": case.minor(value),
        "expected_minor": case.minor(value * p),
        "advice": str(found.advice[row]),
        "priority": float(found.priority[row]),
        "factors": case.reasons(factors),
        "steps": _steps(case, said, row, detail) if detail else [],
        "age_days": int(seen.age[row]),
        "days_in_stage": int(seen.in_stage[row]),
        "days_silent": int(seen.quiet[row]),
        "own_rhythm_days": known(float(seen.rhythm[row])),
        "close_moves": int(seen.close_moves[row]),
        "arrivals": [round(float(share), 4) for share in found.arrivals[row]],
        "scored_at": scores.instant(now),
    }


def _steps(case: Case, said: Scored, row: int, detail: Any) -> list[Mapping[str, str]]:
    seen = said.scores.moments
    limit = said.limits.get(str(case.facts.stages[seen.states.stage[row]]))
    standing = steps.Standing(
        today=case.today,
        next_step=detail["next_step"],
        next_step_due=detail["next_step_due_date"],
        expected_close=detail["expected_close_date"],
        days_quiet=int(seen.quiet[row]),
        rhythm_days=known(float(seen.rhythm[row])),
        close_moves=int(seen.close_moves[row]),
        days_in_stage=int(seen.in_stage[row]),
        stage_p90_days=limit["p90"] if limit else None,
    )
    return [step.as_json() for step in steps.steps(standing)]


def _bookkeeping(
    made: Mapping[str, Any], there: Standing | None, *, now: datetime
) -> dict[str, Any]:
    """What was told last, so that nothing is told twice."""
    p = made["probability"]
    told, tells = there.told_probability if there else None, _tells(there, made)
    _, peak = telling.drop(there.peak_probability if there else None, p)
    return {
        "told_probability": p if tells else told,
        "peak_probability": peak,
        "told_at": now if tells or there is None else there.told_at,
    }


def _tells(there: Standing | None, made: Mapping[str, Any]) -> bool:
    """The board shows odds and advice: either may have changed."""
    if there is None:
        return True
    advised = made["advice"] == there.advice
    return telling.tells_odds(there.told_probability, made["probability"], advised=advised)


def _told(
    case: Case, told: Sequence[Mapping[str, Any]], gone: Sequence[UUID], *, now: datetime, run: int
) -> list[DealsScored]:
    facts = []
    for start in range(0, max(len(told), len(gone)), TOLD_AT_ONCE):
        part = told[start : start + TOLD_AT_ONCE]
        facts.append(
            DealsScored(
                aggregate_id=case.workspace_id,
                version=run,
                at=now,
                by=None,
                scores=[
                    Odds(
                        deal_id=UUID(made["deal_id"]),
                        probability=made["probability"],
                        lower=made["lower"],
                        upper=made["upper"],
                        advice=made["advice"],
                        evidence=made["evidence"],
                    )
                    for made in part
                ],
                gone=gone[start : start + TOLD_AT_ONCE],
            )
        )
    return facts


def _dropped(
    made: Mapping[str, Any], detail: Any, before: float, *, now: datetime, run: int
) -> DealScoreDropped:
    against = [f for f in made["factors"] if f["weight"] < 0 and f["name"] not in ("base", "rest")]
    heaviest = min(against, key=lambda factor: factor["weight"], default=None)
    return DealScoreDropped(
        aggregate_id=detail["deal_id"],
        version=run,
        at=now,
        by=None,
        name=detail["name"],
        owner_id=detail["owner_id"],
        before=before,
        probability=made["probability"],
        reason=heaviest["words"] if heaviest else "",
    )


def _said(case: Case, said: Scored, made: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "workspace_id": str(case.workspace_id),
        "kind": "win",
        "source": "published",
        "subject_id": made["deal_id"],
        "said_at": scores.instant(now),
        "probability": made["probability"],
        "lower": made["lower"],
        "upper": made["upper"],
        "base_rate": said.model.base_rate,
        "evidence": made["evidence"],
        "version": VERSION,
    }
