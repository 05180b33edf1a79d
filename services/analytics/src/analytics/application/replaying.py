"""A workspace's past replayed once a month: what would have been said, and what came of it.

It takes a large workspace a minute, and nobody waits for it. So it is done in parts, each committed
by itself, and stops after a part as soon as anybody waits for anything else.

Runs where the science is, like `scoring`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from analytics.adapters import rescoring, said, scores
from analytics.adapters.rescoring import Fence
from analytics.application import accuracy, churn_risk, odds
from analytics.application.scoring import (
    Case,
    OpenUnit,
    commit_if_held,
    known,
    moment,
    month,
    read_case,
)
from analytics.science import replay
from analytics.science.replay import ORIGINS, SaidMonth, SaidOdds
from kit.database import Transaction

EVERY = timedelta(days=30)
ODDS, RISKS, MONTHS = "odds", "risks", "months"
PARTS = [(back, about) for back in range(ORIGINS - 1, -1, -1) for about in (ODDS, RISKS, MONTHS)]
"""Which origin, in months back, and what is said there; done in this order."""

SomebodyWaits = Callable[[], Awaitable[bool]]


async def plan(tx: Transaction, case: Case) -> None:
    """Have the past up to this case replayed, once a month; where it is new, once it has one."""
    nights = await rescoring.last_nights(tx)
    last = nights.backtested_on
    is_due = replay.has_past(case.facts) if last is None else case.today - last >= EVERY
    if is_due and not nights.replaying:
        await rescoring.plan_replay(tx, case.at)


async def replay_the_past(
    open_unit: OpenUnit, fence: Fence, somebody_waits: SomebodyWaits, *, now: datetime
) -> dict[str, Any]:
    """Carry on where it was left, until it is done or somebody waits. Raises LeaseLost."""
    async with open_unit() as uow:
        begun = await rescoring.replay(uow)
    if begun is None:
        return {"parts": 0}
    case = await read_case(open_unit, at=begun.at)
    async with open_unit() as uow:
        clients = await churn_risk.read_clients(uow, case)
    ids = [str(client["client_id"]) for client in clients]
    for done in range(begun.parts, len(PARTS)):
        await _replay_part(case, open_unit, fence, ids, done, now=now)
        if done + 1 < len(PARTS) and await somebody_waits():
            return {"parts": done + 1}
    months = await asyncio.to_thread(accuracy.months_of, case)
    async with open_unit() as uow:
        firsts = [replay.origin(case.facts, back) for back in range(ORIGINS)]
        moments = [moment(first) for first in firsts]
        await said.keep_backtests(uow, moments, case.day(min(moments)))
        await rescoring.back_tested(uow, case.today)
        await accuracy.judge(uow, case, months, now=now)
        await commit_if_held(uow, fence)
    return {"parts": len(PARTS)}


async def _replay_part(
    case: Case, open_unit: OpenUnit, fence: Fence, clients: list[str], part: int, *, now: datetime
) -> None:
    back, about = PARTS[part]
    statements: Sequence[SaidOdds | SaidMonth]
    if about == ODDS:
        statements = await asyncio.to_thread(replay.odds, case.facts, back)
    elif about == RISKS:
        statements = await asyncio.to_thread(replay.risks, case.facts, back, clients)
    else:
        statements = await asyncio.to_thread(replay.months, case.facts, back)
    first = moment(replay.origin(case.facts, back))
    async with open_unit() as uow:
        if about == MONTHS:
            await said.forget_months(uow, case.day(first))
        else:
            await said.forget_odds(uow, "win" if about == ODDS else "churn", first)
        await scores.write(
            uow,
            "said_forecasts" if about == MONTHS else "said_odds",
            [
                _odds_row(case, one) if isinstance(one, SaidOdds) else _month_row(case, one, now)
                for one in statements
            ],
        )
        await rescoring.replayed(uow, part + 1)
        await commit_if_held(uow, fence)


def _odds_row(case: Case, statement: SaidOdds) -> dict[str, Any]:
    due = known(statement.due)
    ends = moment(due).isoformat() if due is not None else None
    return {
        "workspace_id": str(case.workspace_id),
        "kind": statement.kind,
        "source": "backtest",
        "subject_id": statement.subject,
        "said_at": moment(statement.at).isoformat(),
        "probability": statement.probability,
        "lower": known(statement.lower),
        "upper": known(statement.upper),
        "base_rate": statement.base_rate,
        "evidence": statement.evidence,
        "version": odds.VERSION if statement.kind == "win" else churn_risk.VERSION,
        "due_at": ends,
        "outcome": statement.outcome,
        "judged_at": ends or case.at.isoformat(),
    }


def _month_row(case: Case, statement: SaidMonth, now: datetime) -> dict[str, Any]:
    scale = 1 if statement.metric == "deals_won" else case.scale
    return {
        "workspace_id": str(case.workspace_id),
        "metric": statement.metric,
        "source": "backtest",
        "origin": month(statement.origin).isoformat(),
        "month": month(statement.month).isoformat(),
        "said_at": scores.instant(now),
        "mean": statement.mean * scale,
        "lower80": statement.lower * scale,
        "upper80": statement.upper * scale,
        "method": statement.method,
        "actual": statement.actual * scale,
        "judged_at": scores.instant(now),
    }
