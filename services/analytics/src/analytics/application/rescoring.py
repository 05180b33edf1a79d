"""One scoring of a workspace: the odds first, since a board waits for them, then all else."""

import asyncio
from datetime import datetime
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple
from uuid import UUID

from analytics.adapters import answers, model_rows, rescoring, scores
from analytics.adapters.rescoring import Fence
from analytics.application import accuracy, churn_risk, odds, outlook, replaying
from analytics.application.scoring import Case, OpenUnit, commit_if_held, read_case
from analytics.domain.facts import PipelineChanged
from analytics.domain.nights import next_night
from analytics.domain.questions import OWNER
from analytics.science.deal_scores import DealScores

MANY = 5000
"""Rows of odds from which on the database takes seconds to write them."""


class Rest(NamedTuple):
    """All that is said beside the odds, before it is written."""

    clients: list[Any]
    risks: churn_risk.Risks
    ahead: list[outlook.Outlook]
    months: list[dict[str, Any]]


async def rescore(
    open_unit: OpenUnit, fence: Fence, *, now: datetime, refit: bool
) -> dict[str, Any]:
    """Score what has changed, with models fitted anew if it is night. Raises LeaseLost."""
    began = perf_counter()
    case = await read_case(open_unit, at=now)
    odds_found = await odds.prepare(case, open_unit, now=now, refit=refit)
    said = odds_found.said
    refit = refit or said.fitted is not None  # what outgrew one model outgrew the other
    write = partial(odds.commit, case, open_unit, fence, odds_found, now=now)
    ask = partial(_ask_the_rest, case, open_unit, said.scores, now=now, refit=refit)
    if len(said.changed) > MANY:
        # The database is busy nearly all the while, on a core of its own: next to nothing idles.
        asking = asyncio.create_task(ask())
        try:
            done = await write()
        except BaseException:
            asking.cancel()
            raise
        rest = await asking
    else:
        done = await write()
        rest = await ask()
    await _write_the_rest(
        case, open_unit, fence, rest, now=now, began=began, refit=refit, run=done.run
    )
    clients = len(rest.risks.rows)
    return {"run": done.run, "deals": done.scored, "changed": done.changed, "clients": clients}


async def _ask_the_rest(
    case: Case, open_unit: OpenUnit, found: DealScores, *, now: datetime, refit: bool
) -> Rest:
    async with open_unit() as uow:
        clients = await churn_risk.read_clients(uow, case)
        model = await model_rows.find(uow, "churn", case.edition)
        there = await scores.forecasts_there(uow, case.edition)
        asked = await answers.asked_lately(uow, OWNER, now)
    risks = await churn_risk.score(case, clients, model, now=now, refit=refit)
    owners = [None, *(UUID(args["owner_id"]) for args in asked if "day" not in args)]
    ahead = [await outlook.compute(case, found, there, now=now, owner_id=owner) for owner in owners]
    months = await asyncio.to_thread(accuracy.months_of, case) if refit else []
    return Rest(clients, risks, ahead, months)


async def _write_the_rest(
    case: Case,
    open_unit: OpenUnit,
    fence: Fence,
    rest: Rest,
    *,
    now: datetime,
    began: float,
    refit: bool,
    run: int,
) -> None:
    async with open_unit() as uow:
        await churn_risk.write(uow, case, rest.risks, rest.clients, now=now, run=run)
        for part in rest.ahead:
            await outlook.write(uow, case, part, now=now, run=run)
        await answers.keep_only_asked(uow, now)
        await scores.rested(uow, case.edition, as_of=case.at, version=case.setting.changes)
        if refit:
            fitted_on = (await rescoring.last_nights(uow)).fitted_on
            if fitted_on is None or fitted_on.replace(day=1) < case.today.replace(day=1):
                await churn_risk.keep_said(uow, case, rest.risks.rows)
            night = next_night(case.workspace_id, case.setting.time_zone, now)
            await rescoring.fitted(uow, today=case.today, next_night=night)
            await answers.forget(uow, now)
            await accuracy.judge(uow, case, rest.months, now=now)
            await replaying.plan(uow, case)
        changed = PipelineChanged(
            aggregate_id=case.workspace_id, version=case.setting.changes, at=now, by=None
        )
        uow.tell_facts(changed)
        await rescoring.rest(uow, perf_counter() - began)
        await commit_if_held(uow, fence)
