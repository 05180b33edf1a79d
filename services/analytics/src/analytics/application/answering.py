"""Questions answered: a range of days, one owner's figures, everything as it stood on a day.

Runs where the science is, like `scoring`.
"""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np

from analytics.adapters import answers, fact_copies, model_rows, scores
from analytics.adapters.fact_copies import Setting
from analytics.adapters.rescoring import Fence
from analytics.application import churn_risk, odds, outlook
from analytics.application.scoring import Case, OpenUnit, commit_if_held, read_case
from analytics.domain.nights import day_end, today
from analytics.domain.questions import AS_OF, MOST_DAYS, OWNER
from analytics.science import deal_scores, revenue
from analytics.science import workspace_series as series
from analytics.science.facts import WON, Facts

DAY = timedelta(days=1)


class NotAnswerable(Exception):
    """There is no sense in the question; the words say why."""


async def answer(
    open_unit: OpenUnit, fence: Fence, args: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """Compute one question and keep its answer. Raises LeaseLost."""
    question = args["question"]
    async with open_unit() as uow:
        setting = await fact_copies.setting(uow)
    version = setting.changes
    try:
        case = await _case(open_unit, setting, args.get("day"), now=now)
        found = await _found(case, open_unit, fence, args, now=now)
    except NotAnswerable as refusal:
        async with open_unit() as uow:
            await answers.refuse(uow, question, str(refusal), data_version=version, now=now)
            await commit_if_held(uow, fence)
        return {"refused": str(refusal)}
    async with open_unit() as uow:
        await answers.answer(uow, question, found, data_version=version, now=now)
        await commit_if_held(uow, fence)
    return {"answered": question}


async def _case(open_unit: OpenUnit, setting: Setting, day: str | None, *, now: datetime) -> Case:
    """The facts as they are, or as they stood when a day was over. Raises NotAnswerable."""
    if day is None:
        return await read_case(open_unit, at=now)
    asked = date.fromisoformat(day)
    if asked >= today(setting.time_zone, now):
        raise NotAnswerable("That day is not over yet.")
    return await read_case(open_unit, at=day_end(asked, setting.time_zone), edition=day)


async def _found(
    case: Case, open_unit: OpenUnit, fence: Fence, args: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    if args["kind"] == AS_OF:
        return await _as_of(case, open_unit, fence, now=now)
    if args["kind"] == OWNER:
        return await _owner(case, open_unit, fence, UUID(args["owner_id"]), now=now)
    return await asyncio.to_thread(_range, case, args)


# ---------------------------------------------------------------- a range of days


def _range(case: Case, args: Mapping[str, Any]) -> dict[str, Any]:
    first, last = date.fromisoformat(args["first"]), date.fromisoformat(args["last"])
    metric = args["metric"]
    if metric not in ("won_value", "deals_won"):
        raise NotAnswerable("Only what is won adds up over days; the pipeline is a level.")
    zone = case.setting.time_zone
    ahead = _days(case, day_end(last, zone))
    if ahead > MOST_DAYS:
        raise NotAnswerable(f"Nothing can be said of more than {MOST_DAYS} days ahead.")
    facts = series.owned(case.facts, args["owner_id"] or None)
    before = day_end(first - DAY, zone)
    won = _won_between(facts, before, min(day_end(last, zone), case.at), metric)
    counted = metric == "deals_won"
    row = _ahead(case, facts, args["owner_id"], max(_days(case, before), 0), ahead, counted)
    scale = 1 if counted else case.scale
    so_far = round(won * scale)
    row["mean_minor"] += so_far
    for side in ("lower", "upper"):
        row[side] = {level: value + so_far for level, value in row[side].items()}
    return row | {"won_minor": so_far}


def _ahead(
    case: Case, facts: Facts, owner: str, skipped: int, ahead: int, counted: bool
) -> dict[str, Any]:
    """What comes in from `skipped` to `ahead` days from now; zero when that is over."""
    deals, pool = series.deals_table(facts), series.deals_table(case.facts) if owner else None
    if counted:
        deals = deals.assign(value=1.0)
        pool = None if pool is None else pool.assign(value=1.0)
        case = replace(case, scale=1)
    until = revenue.project(deals, case.at, max(ahead, 1), pool=pool)
    row = outlook.projection_row(case, until)
    names = ("mean_minor", "run_rate_minor", "pipeline_minor", "inflow_minor")
    if ahead <= 0:
        nothing = dict.fromkeys(row["lower"], 0)
        return row | dict.fromkeys(names, 0) | {"lower": nothing, "upper": nothing}
    if skipped <= 0:
        return row
    sooner = outlook.projection_row(case, revenue.project(deals, case.at, skipped, pool=pool))
    middle = {name: max(row[name] - sooner[name], 0) for name in names}
    # What comes later is taken to be independent of what comes sooner: squares of reaches add up.
    lower, upper = {}, {}
    for level in row["lower"]:
        mean, earlier = row["mean_minor"], sooner["mean_minor"]
        down = _rest(mean - row["lower"][level], earlier - sooner["lower"][level])
        up = _rest(row["upper"][level] - mean, sooner["upper"][level] - earlier)
        lower[level] = max(middle["mean_minor"] - down, 0)
        upper[level] = middle["mean_minor"] + up
    return row | middle | {"lower": lower, "upper": upper}


def _rest(whole: float, part: float) -> int:
    return round(math.sqrt(max(whole**2 - part**2, 0.0)))


def _days(case: Case, moment: datetime) -> int:
    return math.ceil((moment - case.at) / DAY)


def _won_between(facts: Facts, begin: datetime, end: datetime, metric: str) -> float:
    last = facts.last()
    inside = (
        (last.type == WON) & (last.closed >= begin.timestamp()) & (last.closed < end.timestamp())
    )
    if metric == "deals_won":
        return float(np.sum(inside))
    return float(np.nansum(last.value[inside]))


# ---------------------------------------------------------------- one owner, one past day


async def _owner(
    case: Case, open_unit: OpenUnit, fence: Fence, owner_id: UUID, *, now: datetime
) -> dict[str, Any]:
    async with open_unit() as uow:
        stored = await model_rows.find(uow, "win", case.edition)
        there = await scores.forecasts_there(uow, case.edition)
    found = await asyncio.to_thread(_scores, case, stored, now)
    ahead = await outlook.compute(case, found, there, now=now, owner_id=owner_id)
    async with open_unit() as uow:
        await outlook.write(uow, case, ahead, now=now, run=0)
        await commit_if_held(uow, fence)
    return {"owner_id": str(owner_id)}


def _scores(
    case: Case, stored: model_rows.ModelRow | None, now: datetime
) -> deal_scores.DealScores:
    model = odds.loaded(case, stored) or odds.fit(case, now)[0]
    return deal_scores.score(model, case.facts)


async def _as_of(case: Case, open_unit: OpenUnit, fence: Fence, *, now: datetime) -> dict[str, Any]:
    """The models of that day, learnt from what had happened by then."""
    async with open_unit() as uow:
        clients = await churn_risk.read_clients(uow, case)
    said = await asyncio.to_thread(odds.ask, case, None, {}, now, refit=True)
    made = await odds.rows_of(case, open_unit, said, {}, now=now)
    risks = await churn_risk.score(case, clients, None, now=now, refit=True)
    ahead = await outlook.compute(case, said.scores, {}, now=now)
    async with open_unit() as uow:
        await answers.clear_scores(uow, case.edition)
        await odds.write(uow, case, said, made, now=now)
        await churn_risk.write(uow, case, risks, clients, now=now, run=0)
        await outlook.write(uow, case, ahead, now=now, run=0)
        await commit_if_held(uow, fence)
    return {"edition": case.edition}
