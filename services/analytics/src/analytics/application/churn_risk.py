"""Which clients are drifting away: scored with every change, told when their level changes."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np

from analytics.adapters import fact_copies, model_rows, scores
from analytics.adapters.model_rows import ModelRow
from analytics.application.scoring import Case, known, moment
from analytics.domain import telling
from analytics.domain.facts import ClientRiskChanged
from analytics.domain.worsening import risks_risen
from analytics.science import churn, model_store
from analytics.science.churn_model import ChurnModel
from analytics.science.client_standing import client_standing
from analytics.science.workspace_series import purchases
from kit.database import Transaction
from kit.unit_of_work import UnitOfWork

VERSION = "churn-1"


@dataclass(frozen=True, kw_only=True)
class Risks:
    """A row per client as the science sees it, and the model if it was fitted now."""

    rows: list[dict[str, Any]]
    fitted: ModelRow | None


async def read_clients(tx: Transaction, case: Case) -> list[Any]:
    """The clients there were."""
    return await fact_copies.clients_at(tx, case.at)


async def score(
    case: Case, clients: Sequence[Any], stored: ModelRow | None, *, now: datetime, refit: bool
) -> Risks:
    """Ask the science; nothing is read or written."""
    return await asyncio.to_thread(_ask, case, clients, stored, now, refit=refit)


def _ask(
    case: Case, clients: Sequence[Any], stored: ModelRow | None, now: datetime, *, refit: bool
) -> Risks:
    if not clients and not len(case.facts.deals):
        return Risks(rows=[], fitted=None)  # there is nothing yet to tell anything from
    table = purchases(case.facts, [str(client["client_id"]) for client in clients])
    day = case.today.isoformat()
    model = None if refit else _loaded(stored)
    fitted = None
    if model is None:
        horizon = churn.horizon(table, day)
        model = churn.fit(table, day, horizon)
        levels = [asdict(rate) for rate in churn.backtest(table, day, horizon)]
        fitted = _model_row(case, table, model, levels, now)
    found = churn.score(table, day, model.horizon_days, model=model)
    standing = client_standing(case.facts)
    bought_on = case.facts.day(standing.last_purchase)
    place = {name: at for at, name in enumerate(case.facts.clients)}
    bought = table.dropna(subset="date").groupby("client_id")["date"].nunique().to_dict()
    rows = []
    for client_id, p, rhythm, silent, evidence, factors in found.itertuples(index=False):
        at = place.get(client_id)
        row = {
            "workspace_id": str(case.workspace_id),
            "edition": case.edition,
            "client_id": str(client_id),
            "probability": known(p),
            "level": "none" if np.isnan(p) else churn.level(p),
            "evidence": str(evidence),
            "horizon_days": model.horizon_days,
            "own_rhythm_days": known(rhythm),
            "days_silent": None if np.isnan(silent) else int(silent),
            "purchases": int(bought.get(client_id, 0)),
            "factors": case.reasons(factors),
            "scored_at": scores.instant(now),
        }
        rows.append(row | _sums(case, standing, bought_on, at))
    return Risks(rows=rows, fitted=fitted)


def _loaded(stored: ModelRow | None) -> ChurnModel | None:
    if stored is None:
        return None
    try:
        model, _ = model_store.load(stored.body, "churn model")
    except model_store.ModelRefused:
        return None
    return model if isinstance(model, ChurnModel) else None


def _sums(case: Case, standing: Any, days: Any, at: int | None) -> dict[str, Any]:
    if at is None:
        return {
            "last_purchase_on": None,
            "last_contact_at": None,
            "won": 0,
            "lost": 0,
            "win_rate": None,
            "won_minor": 0,
            "at_stake_minor": 0,
            "open_minor": 0,
        }
    won, lost = int(standing.won[at]), int(standing.lost[at])
    contact, bought_on = float(standing.last_contact[at]), float(days[at])
    return {
        "last_purchase_on": None if np.isnan(bought_on) else str(_day(bought_on)),
        "last_contact_at": None if np.isnan(contact) else moment(contact).isoformat(),
        "won": won,
        "lost": lost,
        "win_rate": won / (won + lost) if won + lost else None,
        "won_minor": case.minor(float(standing.won_value[at])),
        "at_stake_minor": case.minor(float(standing.at_stake[at])),
        "open_minor": case.minor(float(standing.open_value[at])),
    }


def _day(number: float) -> date:
    return date.fromordinal(date(1970, 1, 1).toordinal() + int(number))


def _model_row(
    case: Case, table: Any, model: ChurnModel, levels: list[dict[str, Any]], now: datetime
) -> ModelRow:
    dates = table["date"].dropna()
    span = (dates.min().date(), dates.max().date()) if len(dates) else (None, None)
    return ModelRow(
        kind="churn",
        version=VERSION,
        method="BG/NBD" if model.share == 0 else "BG/NBD and logistic",
        fitted_at=now,
        trained_from=span[0],
        trained_to=span[1],
        n=model.clients,
        evidence=churn.workspace_evidence(model),
        base_rate=None,
        horizon_days=model.horizon_days,
        backtest={"levels": levels},
        body=model_store.dump(
            model, trained_from=str(span[0] or ""), trained_to=str(span[1] or case.today)
        ),
    )


async def write(
    uow: UnitOfWork, case: Case, risks: Risks, clients: Sequence[Any], *, now: datetime, run: int
) -> int:
    """The rows that change, and what is told of them; how many changed."""
    if risks.fitted is not None:
        await model_rows.put(uow, risks.fitted, case.edition)
    await scores.keep_only_clients(uow, [client["client_id"] for client in clients], case.edition)
    there = await scores.churn_standing(uow, case.edition)
    feedback = await scores.feedback(uow) if case.is_now else {}
    by_id = {client["client_id"]: client for client in clients}
    changed: list[Mapping[str, Any]] = []
    moved: list[ClientRiskChanged] = []
    for row in risks.rows:
        client_id = UUID(row["client_id"])
        before = there.get(client_id)
        level = _level_to_tell(case, row, before, feedback.get(client_id))
        told = before["told_level"] if before else None
        if case.is_now and told is not None and level not in (None, told):
            moved.append(_risk_changed(row, by_id[client_id], told, level, now=now, run=run))
        elif before is not None and not _differs(row, before):
            continue
        at = now if level != told else before and before["told_at"]
        changed.append(row | {"told_level": level, "told_at": at})
    uow.tell_facts(*moved, *risks_risen(case.workspace_id, moved))
    await scores.write(uow, "churn_scores", changed)
    return len(changed)


async def keep_said(tx: Transaction, case: Case, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep the risks as they are now, to be judged when their horizon is over."""
    scored = [row for row in rows if row["probability"] is not None]
    if scored:
        await scores.write_once(tx, "said_odds", _said(case, scored))


def _said(case: Case, scored: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    mean = sum(row["probability"] for row in scored) / len(scored)
    return [
        {
            "workspace_id": row["workspace_id"],
            "kind": "churn",
            "source": "published",
            "subject_id": row["client_id"],
            "said_at": case.at.isoformat(),
            "probability": row["probability"],
            "base_rate": mean,
            "evidence": row["evidence"],
            "version": VERSION,
            "due_at": (case.at + timedelta(days=row["horizon_days"])).isoformat(),
        }
        for row in scored
    ]


def _level_to_tell(case: Case, row: Mapping[str, Any], before: Any, answer: Any) -> str | None:
    """The first level is kept and not told: nothing has changed. Whoever was told that it is not
    so hears nothing until the client buys again or the time is over."""
    told = before["told_level"] if before else None
    if row["probability"] is None:
        return told
    if told is not None and answer is not None and _in_force(case, row, answer):
        return str(told)
    return telling.told_level(told, row["level"], row["probability"])


def _in_force(case: Case, row: Mapping[str, Any], answer: Any) -> bool:
    over = answer["until"] is not None and answer["until"] < case.today
    return not over and bool(answer["purchases"] == row["purchases"])


def _differs(row: Mapping[str, Any], before: Any) -> bool:
    contact = before["last_contact_at"]
    exact = (
        "days_silent", "purchases", "won", "lost", "won_minor", "at_stake_minor", "open_minor",
        "horizon_days",
    )  # fmt: skip
    return (
        any(row[name] != before[name] for name in exact)
        or row["last_contact_at"] != (contact.isoformat() if contact else None)
        or abs((row["probability"] or 0.0) - (before["probability"] or 0.0)) >= 5e-4
    )


def _risk_changed(
    row: Mapping[str, Any], client: Any, before: str, level: str, *, now: datetime, run: int
) -> ClientRiskChanged:
    reasons = row["factors"]
    return ClientRiskChanged(
        aggregate_id=client["client_id"],
        version=run,
        at=now,
        by=None,
        name=client["name"],
        owner_id=client["owner_id"],
        before=before,
        level=level,
        probability=row["probability"],
        evidence=row["evidence"],
        reason=reasons[0]["words"] if reasons else "",
    )
