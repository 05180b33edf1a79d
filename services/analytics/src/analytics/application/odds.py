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
from analytics.adapters.scores import Row, Standing
from analytics.application.odds_rows import RowMaker, differing
from analytics.application.scoring import Case, OpenUnit, commit_if_held, moment
from analytics.domain.facts import DealScoreDropped, DealsScored, Odds
from analytics.domain.worsening import deals_dropped
from analytics.science import deal_scores, model_store
from analytics.science.deal_scores import DealScores
from analytics.science.facts import OPEN, Ints
from analytics.science.win import WinModel
from analytics.science.workspace_series import stage_limits
from kit.aggregate import Fact
from kit.database import Transaction
from kit.unit_of_work import UnitOfWork

VERSION = "win-1"
TOLD_AT_ONCE = 500
GROWN_BY = 1.2
"""Closed deals over those a model was fitted on, from which on it does not wait for the night."""


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What the science said: odds of all, and the places of those whose rows change."""

    model: WinModel
    fitted: ModelRow | None
    scores: DealScores
    changed: list[int]
    limits: dict[str, dict[str, float]]


@dataclass(frozen=True, kw_only=True)
class ToTell:
    """What is told of rows that were written: odds, drops with their deal and last peak, and deals
    that have none any more."""

    odds: list[Odds]
    dropped: list[tuple[dict[str, Any], Any, float]]
    gone: list[UUID]


class Made(NamedTuple):
    """Rows to be written, packed, and what is told of them."""

    rows: list[bytes]
    said: list[bytes]
    told: ToTell


class Prepared(NamedTuple):
    """What the science said, and the rows that say it."""

    said: Scored
    made: Made


class Done(NamedTuple):
    """How a scoring of odds went."""

    run: int
    scored: int
    changed: int


async def prepare(case: Case, open_unit: OpenUnit, *, now: datetime, refit: bool) -> Prepared:
    """Score every open deal and make the rows that change; nothing is written."""
    async with open_unit() as uow:
        stored = await model_rows.find(uow, "win", case.edition)
        standing = await scores.standing(uow, case.edition) if case.is_now else {}
    said = await asyncio.to_thread(ask, case, stored, standing, now, refit=refit)
    return Prepared(said, await rows_of(case, open_unit, said, standing, now=now))


async def commit(
    case: Case, open_unit: OpenUnit, fence: Fence, prepared: Prepared, *, now: datetime
) -> Done:
    """Write the rows, tell what matters. Raises LeaseLost."""
    said, made = prepared
    async with open_unit() as uow:
        told = await write(uow, case, said, made, now=now)
        # Not before the end: every event of the workspace writes into that row.
        run = await rescoring.scored(uow, case.setting.changes)
        uow.tell_facts(*_facts(case, told, now=now, run=run))
        await commit_if_held(uow, fence)
    return Done(run, len(said.scores), len(said.changed))


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
    changed = differing(case, found, standing)
    return Scored(
        model=model,
        fitted=fitted,
        scores=found,
        changed=changed,
        limits=stage_limits(case.facts),
    )


def loaded(case: Case, stored: ModelRow | None) -> WinModel | None:
    """The stored model, unless it is unreadable or the workspace has outgrown it."""
    if stored is None:
        return None
    closed = int(np.sum(case.facts.last().type != OPEN))
    first = closed > 0 == stored.n  # from then on there is something to say
    if first or min(closed, deal_scores.LEARNT_FROM) > GROWN_BY * stored.n + 1:
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


async def rows_of(
    case: Case,
    open_unit: OpenUnit,
    said: Scored,
    standing: Mapping[str, Standing],
    *,
    now: datetime,
) -> Made:
    """The rows that change and what is to be told of them; nothing is written.

    They are made a few at a time and packed, so that the words of a hundred thousand deals are
    never there at once, and no transaction waits for them. Packing takes another core: the next
    rows are made meanwhile.
    """
    made = Made(rows=[], said=[], told=ToTell(odds=[], dropped=[], gone=[]))
    maker = RowMaker(case, said.scores, said.limits, said.model.evidence, now)
    packing = None
    for start in range(0, len(said.changed), scores.CHUNK):
        places = np.array(said.changed[start : start + scores.CHUNK], dtype=np.int64)
        details: Mapping[str, Any] = {}
        if case.is_now:
            async with open_unit() as uow:
                details = await fact_copies.details(uow, said.scores.ids[places].tolist())
        rows = await asyncio.to_thread(_make, case, said, maker, places, details, standing)
        tells = _matter(rows, details, standing, made.told, now) if case.is_now else []
        if packing is not None:
            await packing
        packing = asyncio.create_task(asyncio.to_thread(_pack, case, said, rows, tells, made, now))
    if packing is not None:
        await packing
    return made


def _make(
    case: Case,
    said: Scored,
    maker: RowMaker,
    places: Ints,
    details: Mapping[str, Any],
    standing: Mapping[str, Standing],
) -> list[dict[str, Any]]:
    factors = deal_scores.explain(said.model, case.facts, said.scores, places)
    return maker.rows(places, factors, details, standing)


def _pack(
    case: Case,
    said: Scored,
    rows: Sequence[Row],
    tells: Sequence[Row],
    made: Made,
    now: datetime,
) -> None:
    made.rows.append(scores.pack(rows))
    if tells:
        made.said.append(scores.pack([_said(case, said, row, now) for row in tells]))


async def write(uow: UnitOfWork, case: Case, said: Scored, made: Made, *, now: datetime) -> ToTell:
    """Put the rows in their place; what is to be told of them."""
    await scores.write_packed(uow, "deal_scores", made.rows)
    await scores.write_packed(uow, "said_odds", made.said)
    await _write_edition(uow, case, said, now=now)
    if case.is_now:
        made.told.gone.extend(await scores.drop_closed(uow, case.edition))
    return made.told


def _matter(
    rows: Sequence[dict[str, Any]],
    details: Mapping[str, Any],
    standing: Mapping[str, Standing],
    told: ToTell,
    now: datetime,
) -> list[dict[str, Any]]:
    """The rows whose odds are told, put among what is told: a row says itself what it tells."""
    tells = []
    for row in rows:
        there = standing.get(row["deal_id"])
        before = there.peak_probability if there else None
        detail = details.get(row["deal_id"])
        if before is not None and detail and row["peak_probability"] < before:
            told.dropped.append((row, detail, before))
        if row["told_at"] is now:
            tells.append(row)
            told.odds.append(_odds(row))
    return tells


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


def _facts(case: Case, told: ToTell, *, now: datetime, run: int) -> list[Fact]:
    odds, gone = told.odds, told.gone
    drops = [_dropped(*dropped, now=now, run=run) for dropped in told.dropped]
    return [
        *drops,
        *deals_dropped(case.workspace_id, drops),
        *(
            DealsScored(
                aggregate_id=case.workspace_id,
                version=run,
                at=now,
                by=None,
                scores=odds[start : start + TOLD_AT_ONCE],
                gone=gone[start : start + TOLD_AT_ONCE],
            )
            for start in range(0, max(len(odds), len(gone)), TOLD_AT_ONCE)
        ),
    ]


def _odds(made: Mapping[str, Any]) -> Odds:
    return Odds(
        deal_id=UUID(made["deal_id"]),
        probability=made["probability"],
        lower=made["lower"],
        upper=made["upper"],
        advice=made["advice"],
        evidence=made["evidence"],
    )


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
