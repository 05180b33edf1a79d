"""One scoring of a workspace: the odds first, since a board waits for them, then all else."""

import asyncio
from datetime import datetime
from time import perf_counter
from typing import Any
from uuid import UUID

from analytics.adapters import answers, model_rows, rescoring, scores
from analytics.adapters.rescoring import Fence
from analytics.application import accuracy, churn_risk, odds, outlook, replaying
from analytics.application.scoring import Case, OpenUnit, commit_if_held, read_case
from analytics.domain.facts import PipelineChanged
from analytics.domain.nights import next_night
from analytics.domain.questions import OWNER


async def rescore(
    open_unit: OpenUnit, fence: Fence, *, now: datetime, refit: bool
) -> dict[str, Any]:
    """Score what has changed, with models fitted anew if it is night. Raises LeaseLost."""
    began = perf_counter()
    case = await read_case(open_unit, at=now)
    done = await odds.rescore(case, open_unit, fence, now=now, refit=refit)
    # What outgrew one model outgrew the other.
    clients = await _score_the_rest(
        case, open_unit, fence, done, now=now, began=began, refit=refit or done.fitted
    )
    return {"run": done.run, "deals": done.scored, "changed": done.changed, "clients": clients}


async def _score_the_rest(
    case: Case,
    open_unit: OpenUnit,
    fence: Fence,
    done: odds.Done,
    *,
    now: datetime,
    began: float,
    refit: bool,
) -> int:
    async with open_unit() as uow:
        clients = await churn_risk.read_clients(uow, case)
        model = await model_rows.find(uow, "churn", case.edition)
        there = await scores.forecasts_there(uow, case.edition)
        asked = await answers.asked_lately(uow, OWNER, now)
    risks = await churn_risk.score(case, clients, model, now=now, refit=refit)
    owners = [None, *(UUID(args["owner_id"]) for args in asked if "day" not in args)]
    ahead = [
        await outlook.compute(case, done.scores, there, now=now, owner_id=owner) for owner in owners
    ]
    months = await asyncio.to_thread(accuracy.months_of, case) if refit else []
    async with open_unit() as uow:
        await churn_risk.write(uow, case, risks, clients, now=now, run=done.run)
        for part in ahead:
            await outlook.write(uow, case, part, now=now, run=done.run)
        await answers.keep_only_asked(uow, now)
        await scores.rested(uow, case.edition, as_of=case.at, version=case.setting.changes)
        if refit:
            fitted_on = (await rescoring.last_nights(uow)).fitted_on
            if fitted_on is None or fitted_on.replace(day=1) < case.today.replace(day=1):
                await churn_risk.keep_said(uow, case, risks.rows)
            night = next_night(case.workspace_id, case.setting.time_zone, now)
            await rescoring.fitted(uow, today=case.today, next_night=night)
            await answers.forget(uow, now)
            await accuracy.judge(uow, case, months, now=now)
            await replaying.plan(uow, case)
        changed = PipelineChanged(
            aggregate_id=case.workspace_id, version=case.setting.changes, at=now, by=None
        )
        uow.tell_facts(changed)
        await rescoring.rest(uow, perf_counter() - began)
        await commit_if_held(uow, fence)
    return len(risks.rows)
