"""A workspace is scored: rows are what the science says of its facts, and what matters is told."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from analytics.adapters import rescoring
from analytics.adapters.rescoring import Fence
from analytics.application import rescoring as application
from analytics.application.rescoring import rescore
from analytics.application.scoring import read_case
from analytics.science import churn, deal_scores, forecast, model_store, revenue
from analytics.science import workspace_series as series
from analytics.science.churn_model import ChurnModel
from analytics.science.win import WinModel
from freelanceflow.analytics.v1 import score_events_pb2 as pb
from kit.ids import new_id
from kit.jobs.table import LeaseLost
from kit.testing.database import ServiceDatabase
from services.analytics.tests.factories import Told
from services.analytics.tests.scoring import scored, tell, turn, unit
from services.analytics.tests.studio import story

STOPS = [datetime(2022, 9, 20, 6, tzinfo=UTC), datetime(2023, 9, 15, 6, tzinfo=UTC)]
LATER = timedelta(days=20)


async def rows(database: ServiceDatabase, table: str, workspace: UUID) -> list[dict[str, Any]]:
    select = f"SELECT * FROM {table} t WHERE workspace_id = $1 ORDER BY t::text"
    found = await database.owner.fetch(select, workspace)
    return [dict(row) for row in found]


async def told(database: ServiceDatabase, workspace: UUID) -> Counter[str]:
    return Counter(row["type"] for row in await rows(database, "outbox", workspace))


@pytest.mark.parametrize(
    ("stop", "many"), [(STOPS[0], 0), (STOPS[1], 10**6)], ids=["months", "years"]
)
async def test_rows_are_what_the_science_says_of_the_facts(
    database: ServiceDatabase,
    workspace: UUID,
    stop: datetime,
    many: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(application, "MANY", many)  # whether writing and asking take turns
    past = story(workspace, 3)
    await tell(database, workspace, past.until(stop))
    await scored(database, workspace, stop, refit=True)
    case = await read_case(lambda: unit(database, workspace), at=stop)
    models = {row["kind"]: row for row in await rows(database, "models", workspace)}

    win, _ = model_store.load(models["win"]["body"], "win")
    assert isinstance(win, WinModel)
    said = deal_scores.score(win, case.facts)
    deals = {str(row["deal_id"]): row for row in await rows(database, "deal_scores", workspace)}
    assert deals.keys() == set(said.ids) != set()
    for at, deal_id in enumerate(said.ids):
        row = deals[deal_id]
        assert (row["probability"], row["lower"], row["upper"]) == pytest.approx(
            (said.probability[at], said.lower[at], said.upper[at]), rel=1e-12
        )
        assert row["advice"] == said.advice[at]
        logit = np.log(row["probability"] / (1 - row["probability"]))
        assert sum(f["weight"] for f in row["factors"]) == pytest.approx(logit, abs=1e-4)

    clients = {
        str(row["client_id"]): row for row in await rows(database, "churn_scores", workspace)
    }
    risk, _ = model_store.load(models["churn"]["body"], "churn")
    assert isinstance(risk, ChurnModel)
    bought = series.purchases(case.facts, sorted(clients))
    for found in churn.score(bought, stop.date(), risk.horizon_days, model=risk).itertuples():
        row = clients[found.client_id]
        assert row["probability"] == (
            None if np.isnan(found.probability) else pytest.approx(found.probability, rel=1e-12)
        )

    project = revenue.project(series.deals_table(case.facts), stop, 90)
    row = next(r for r in await rows(database, "projections", workspace) if r["days"] == 90)
    assert row["mean_minor"] == round(project.mean * 100)

    months = series.monthly(case.facts, "won_value")
    curve = forecast.forecast_monthly(months.values, 24)
    row = next(
        r for r in await rows(database, "forecasts", workspace) if r["metric"] == "won_value"
    )
    assert [step["raw"]["mean"] for step in row["path"]] == pytest.approx(curve.mean * 100)
    assert [month["value"] for month in row["history"]] == [round(v * 100) for v in months.values]


async def test_the_facts_are_those_of_the_simulation(
    database: ServiceDatabase, workspace: UUID
) -> None:
    past = story(workspace, 5)
    stop = STOPS[1]
    await tell(database, workspace, past.until(stop))
    case = await read_case(lambda: unit(database, workspace), at=stop)
    deals = past.studio.deals
    paid = deals[(deals.won == 1) & (deals.closed < "2023-09-15")]
    months = series.monthly(case.facts, "won_value")
    wanted = paid.groupby(paid.closed.dt.to_period("M")).value_eur.sum()
    for at, value in enumerate(months.values):
        month = np.datetime64(months.first + at, "M")
        assert value == pytest.approx(wanted.get(str(month), 0.0))
    opened = deals[(deals.created < "2023-06-30") & ~(deals.closed < "2023-06-30")]
    there = series.pipeline_at(
        case.facts, np.array([datetime(2023, 6, 30, tzinfo=UTC).timestamp()])
    )
    assert there[0] == pytest.approx(opened.value_eur.sum())


async def test_deals_without_a_client_are_scored_to_the_end(
    database: ServiceDatabase, workspace: UUID
) -> None:
    await tell(database, workspace, Told(workspace).created().events)
    done = await scored(database, workspace, datetime.now(UTC) + timedelta(days=1))
    assert (done["deals"], done["clients"]) == (1, 0)
    models = await rows(database, "models", workspace)
    assert {(model["kind"], model["n"]) for model in models} == {("win", 0), ("churn", 0)}


async def test_nothing_new_changes_no_row_and_tells_nothing_twice(
    database: ServiceDatabase, workspace: UUID
) -> None:
    await tell(database, workspace, story(workspace, 3).until(STOPS[1]))
    await scored(database, workspace, STOPS[1], refit=True)
    first, before = await told(database, workspace), await rows(database, "deal_scores", workspace)
    assert first["analytics.deal.v1.scored"] == 1
    done = await scored(database, workspace, STOPS[1] + timedelta(hours=1))
    assert done["changed"] == 0
    again = await told(database, workspace)
    assert again["analytics.deal.v1.scored"] == first["analytics.deal.v1.scored"]
    assert await rows(database, "deal_scores", workspace) == before


async def test_a_deal_that_closed_has_no_odds_and_is_judged_by_its_end(
    database: ServiceDatabase, workspace: UUID
) -> None:
    past = story(workspace, 3)
    await tell(database, workspace, past.until(STOPS[1]))
    await scored(database, workspace, STOPS[1], refit=True)
    there = {row["deal_id"] for row in await rows(database, "deal_scores", workspace)}
    await tell(database, workspace, past.until(STOPS[1] + LATER))
    await scored(database, workspace, STOPS[1] + LATER)
    left = {row["deal_id"] for row in await rows(database, "deal_scores", workspace)}
    assert there - left
    closed = await database.owner.fetch(
        "SELECT deal_id FROM deals WHERE workspace_id = $1 AND closed_at IS NOT NULL", workspace
    )
    assert left.isdisjoint(row["deal_id"] for row in closed)


async def test_the_same_deals_have_the_same_odds_in_any_workspace(
    database: ServiceDatabase, workspace: UUID
) -> None:
    """Ids are dice of their own: what is learnt must not hang on them."""
    found = []
    for place in (workspace, new_id()):
        await tell(database, place, story(place, 3).until(STOPS[1]))
        await scored(database, place, STOPS[1], refit=True)
        odds = [row["probability"] for row in await rows(database, "deal_scores", place)]
        (edition,) = await rows(database, "editions", place)
        found.append([*sorted(odds), edition["expected"]["mean"]])
    assert found[0] == pytest.approx(found[1], rel=1e-9)
    assert len(found[0]) > 5


async def test_what_matters_is_told_and_nothing_else(
    database: ServiceDatabase, workspace: UUID
) -> None:
    past, later = story(workspace, 3), STOPS[1] + timedelta(days=150)
    await tell(database, workspace, past.until(STOPS[1]))
    await scored(database, workspace, STOPS[1], refit=True)
    first = await told(database, workspace)
    for kind in ("client.v1.risk_changed", "deal.v1.score_dropped", "forecast.v1.revised"):
        assert not first[f"analytics.{kind}"]  # nothing has changed yet

    await tell(database, workspace, past.until(later))
    await scored(database, workspace, later, refit=True)
    bodies = defaultdict(list)
    for row in await rows(database, "outbox", workspace):
        bodies[row["type"]].append(row["body"])
    levels = {str(r["client_id"]): r for r in await rows(database, "churn_scores", workspace)}
    changes = [
        pb.ClientRiskChanged.FromString(b) for b in bodies["analytics.client.v1.risk_changed"]
    ]
    assert changes
    for change in changes:
        row = levels[change.client_id]
        assert change.level_before != change.level == row["told_level"] == row["level"]
        assert (change.probability, change.evidence) == (row["probability"], row["evidence"])
    falls = [pb.DealScoreDropped.FromString(b) for b in bodies["analytics.deal.v1.score_dropped"]]
    for fall in falls:
        assert fall.probability_before - fall.probability >= 0.15
    # People are told of all that got worse together, each owner once.
    dropped = [pb.DealsDropped.FromString(b) for b in bodies["analytics.scoring.v1.deals_dropped"]]
    assert sum(one.count for one in dropped) == len(falls)
    assert {one.owner_id for one in dropped} == {fall.owner_id for fall in falls}
    risen = [pb.RisksRisen.FromString(b) for b in bodies["analytics.scoring.v1.risks_risen"]]
    ranks = ("low", "watch", "high", "critical")
    leaving = [c for c in changes if ranks.index(c.level_before) < ranks.index(c.level)]
    assert sum(one.count for one in risen) == len(leaving) > 0
    assert len(risen) == len({change.owner_id for change in leaving})
    (body,) = bodies["analytics.forecast.v1.revised"]
    revised = pb.ForecastRevised.FromString(body)
    before, after = revised.value_before.amount_minor, revised.value.amount_minor
    assert abs(after - before) > 0.1 * before


async def test_a_large_workspace_in_full_change_rests_as_long_as_it_worked(
    database: ServiceDatabase, workspace: UUID
) -> None:
    due = "SELECT due_at - now() FROM rescoring WHERE workspace_id = $1"
    for took, least in ((1.0, timedelta()), (62.0, timedelta(seconds=50))):
        async with unit(database, workspace) as uow:
            await rescoring.mark(uow)
            await rescoring.rest(uow, took)
            await uow.commit()
        waits = await database.owner.fetchval(due, workspace)
        assert least < waits <= least + timedelta(seconds=10)
    async with unit(database, workspace) as uow:
        await rescoring.handed_out(uow, new_id(), retry_refit_at=None)
        await rescoring.rest(uow, 62.0)
        await uow.commit()
    assert await database.owner.fetchval(due, workspace) is None


@pytest.mark.parametrize("many", [0, 10**6])
async def test_who_lost_the_lease_writes_nothing(
    database: ServiceDatabase, workspace: UUID, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "MANY", many)
    await tell(database, workspace, story(workspace, 3).until(STOPS[0]))
    held = await turn(database, workspace)
    stale = Fence(held.job_id, held.attempts - 1)
    with pytest.raises(LeaseLost):
        await rescore(lambda: unit(database, workspace), stale, now=STOPS[0], refit=True)
    for table in ("deal_scores", "editions", "said_odds", "forecasts"):
        assert await rows(database, table, workspace) == []


@pytest.mark.parametrize("events", [1, 2, 3])
async def test_next_to_nothing_is_scored_without_a_claim(
    database: ServiceDatabase, workspace: UUID, events: int
) -> None:
    await tell(database, workspace, story(workspace, 3).until(STOPS[0])[:events])
    await scored(database, workspace, STOPS[0], refit=True)
    models = {row["kind"]: row["evidence"] for row in await rows(database, "models", workspace)}
    assert models.get("win") == "none"
    for row in await rows(database, "deal_scores", workspace):
        assert (row["evidence"], row["probability"]) == ("none", 0.5)
    assert all(not row["path"] for row in await rows(database, "forecasts", workspace))


async def test_nothing_is_due_in_a_closed_workspace_until_it_is_reopened(
    database: ServiceDatabase, workspace: UUID
) -> None:
    await tell(database, workspace, story(workspace, 3).until(STOPS[0]))
    held = await turn(database, workspace)
    async with unit(database, workspace) as uow:
        await rescoring.handed_out(uow, held.job_id, retry_refit_at=None)
        await rescoring.park(uow)
        assert not await rescoring.is_held(uow, held)
        await uow.commit()
    assert workspace not in await rescoring.due(database.system, 1000)
    async with unit(database, workspace) as uow:
        await rescoring.mark_all_new(uow)
        await uow.commit()
    await database.owner.execute(
        "UPDATE rescoring SET due_at = now() WHERE workspace_id = $1", workspace
    )
    assert workspace in await rescoring.due(database.system, 1000)
