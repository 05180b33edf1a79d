"""From a change in crm to the number that is served, over the real bus: it is the science's number.

A simulated studio lives in crm. Its events go through outbox, JetStream and consumer into the facts
of analytics. At three dates everything stops: what is served then is what the science says of the
history as the simulation knows it, and the facts are what crm's own tables say. At last the first
two dates are asked for as past days.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from analytics.bootstrap.serving import services
from analytics.entrypoints.app import App
from analytics.entrypoints.consumers import OF_CRM, crm_told
from analytics.science import churn, deal_scores, forecast, revenue, simulate
from analytics.science import workspace_series as series
from analytics.science.facts import Facts
from crm.entrypoints.app import App as CrmApp
from freelanceflow.analytics.v1 import figures_service_pb2 as fig
from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from freelanceflow.analytics.v1.figures_service_pb2_grpc import FiguresServiceStub
from freelanceflow.analytics.v1.prediction_service_pb2_grpc import PredictionServiceStub
from kit.bus.consumer import Consumer
from kit.bus.jetstream import Bus
from kit.clock import FakeClock
from kit.jobs.celery import JobApp
from kit.paging import PageTokens
from kit.relay import OutboxRelay
from kit.rpc.client import Caller
from kit.testing.background import running, until
from kit.testing.database import ServiceDatabase, service_database
from kit.testing.rpc import Issuer, served
from services.analytics.tests.scoring import scored
from tests.e2e.support.answering import work_off
from tests.e2e.support.studio_life import Life

CONSUMER = "analytics-pipeline"
DAY = timedelta(days=1)
STOPS = [datetime(2022, 7, 2, tzinfo=UTC), datetime(2023, 1, 10, tzinfo=UTC),
         datetime(2023, 6, 20, tzinfo=UTC)]  # fmt: skip
"""Midnights: a past day is told as it stood when it was over."""


@dataclass
class Serving:
    """analytics as whoever calls it meets it, at any date."""

    app: App
    clock: FakeClock
    caller: Caller
    issuer: Issuer
    workspace: UUID

    async def ask(self, stub: Any, method: str, message: Any) -> Any:
        identity = self.issuer.identity("analytics.read", workspace_id=self.workspace)
        return await self.caller.call(
            getattr(stub(self.caller.channel), method), message, identity=identity
        )

    async def odds(self, day: str = "") -> dict[str, Any]:
        """Of every open deal."""
        found: dict[str, Any] = {}
        token = ""
        while True:
            request = pre.ListDealOddsRequest(page_size=7, page_token=token, as_of_date=day)
            page = await self.ask(PredictionServiceStub, "ListDealOdds", request)
            found |= {deal.deal_id: deal for deal in page.deals}
            token = page.next_page_token
            if not token:
                assert page.count == len(found)
                return found

    async def forecast(self, day: str = "") -> Any:
        request = pre.GetForecastRequest(horizon=24, as_of_date=day)
        return await self.ask(PredictionServiceStub, "GetForecast", request)

    async def risks(self, day: str = "") -> dict[str, float]:
        request = pre.ListClientRisksRequest(page_size=200, with_answered=True, as_of_date=day)
        page = await self.ask(PredictionServiceStub, "ListClientRisks", request)
        return {client.client_id: client.risk for client in page.clients}


@dataclass
class Platform:
    """crm, the bus and analytics on real servers, in this process."""

    crm: ServiceDatabase
    analytics: ServiceDatabase
    life: Life
    serving: Serving

    async def caught_up(self) -> None:
        """Wait until analytics has handled all that crm has told."""
        told = "SELECT count(*) FROM outbox WHERE workspace_id = $1 AND type = ANY ($2)"
        sent = await self.crm.owner.fetchval(told, self.life.workspace, list(OF_CRM))
        heard = "SELECT count(*) FROM inbox WHERE consumer = $1"

        async def all_heard() -> bool:
            return bool(await self.analytics.owner.fetchval(heard, CONSUMER) == sent)

        await until(all_heard)


@asynccontextmanager
async def platform(postgres: str, nats_url: str, workspace: UUID) -> AsyncIterator[Platform]:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        crm = await enter(service_database(postgres, "crm"))
        analytics = await enter(service_database(postgres, "analytics"))
        bus = Bus(nats_url, name="crm", profile="test")
        relay = OutboxRelay(crm.dsns["system"], bus, service="crm", keep_sent=None)
        clock = FakeClock(STOPS[0])
        app = App(
            pool=analytics.app,
            system=analytics.system,
            clock=clock,
            jobs=JobApp("analytics", "memory://"),
            wake_relay=lambda: None,
        )
        consumer = Consumer(
            bus,
            stream="CRM",
            name=CONSUMER,
            handlers=OF_CRM,
            together=crm_told,
            open_unit=app.unit_of_work,
            system=app.system,
        )
        issuer = Issuer()
        caller = await enter(served(services(app), issuer))
        crm_app = CrmApp(
            pool=crm.app,
            system=crm.system,
            clock=clock,
            page_tokens=PageTokens("a key of thirty-two characters…"),
            jobs=JobApp("crm", "memory://"),
            max_import_bytes=1,
            wake_relay=relay.wake,
        )
        studio = await asyncio.to_thread(simulate.studio, 3, 1.5, clients=25)
        await enter(running(bus.run, relay.run, consumer.run))
        yield Platform(
            crm=crm,
            analytics=analytics,
            life=Life(crm_app, workspace, studio),
            serving=Serving(app, clock, caller, issuer, workspace),
        )


@pytest.mark.timeout(600)
async def test_what_is_served_is_what_the_science_says_of_what_happened(
    postgres: str, nats_url: str, workspace: UUID
) -> None:
    async with platform(postgres, nats_url, workspace) as here:
        shown = []
        for number, stop in enumerate(STOPS):
            await here.life.until(stop - 3 * DAY)
            await beside_the_simulation(here.life, number, stop - 2 * DAY)
            await here.life.until(stop)
            await here.caught_up()
            await the_facts_are_those_of_crm(here)
            here.serving.clock.set(stop)
            await scored(here.analytics, workspace, stop, refit=True)
            await the_numbers_are_those_of_the_science(here, stop)
            shown.append((await here.serving.odds(), await here.serving.forecast()))
        for stop, (odds, curve) in zip(STOPS[:2], shown[:2], strict=True):
            await a_past_day_is_told_as_it_was(here, stop, odds, curve)


async def beside_the_simulation(life: Life, number: int, at: datetime) -> None:
    """What people do besides: change their minds, throw away, make one of two clients, or not."""
    opened = [name for name, deal in life.deals.items() if deal.state.closed_at is None]
    opened = [name for name in opened if life.deals[name].state.deleted_at is None]
    await life.postpone(opened[0], (at + 30 * DAY).date(), at)
    await life.postpone(opened[0], (at + 60 * DAY).date(), at + timedelta(hours=1))
    await life.revalue(opened[1], 1_234_56, at)
    if number == 0:
        await life.throw_away(opened[2], at)
    if number == 1:
        stays, goes = two_that_rest(life, at)
        life.merged = (await life.merge(stays, goes, at), stays, goes)
    if number == 2:
        assert life.merged is not None
        await life.part(*life.merged, at)


def two_that_rest(life: Life, at: datetime) -> tuple[str, str]:
    """Two clients with deals that the simulation has nothing more to tell of."""
    deals = life.studio.deals
    last = deals.assign(end=deals.closed.fillna(life.studio.end)).groupby("client_id")["end"].max()
    resting = [name for name, end in last.items() if end.tz_localize("UTC") < at]
    return str(resting[0]), str(resting[1])


async def the_numbers_are_those_of_the_science(here: Platform, stop: datetime) -> None:
    facts = here.life.facts(stop)
    model = await asyncio.to_thread(deal_scores.fit, facts)
    said = deal_scores.score(model, facts)
    odds = await here.serving.odds()
    assert odds.keys() == set(said.ids) != set()
    for at, deal_id in enumerate(said.ids):
        deal = odds[deal_id]
        found = (deal.win_probability, deal.lower, deal.upper)
        wanted = (said.probability[at], said.lower[at], said.upper[at])
        assert found == pytest.approx(wanted, rel=1e-9), deal_id

    clients = here.life.clients_at(stop)
    bought = series.purchases(facts, clients)
    horizon = churn.horizon(bought, stop.date())
    risks = churn.score(bought, stop.date(), horizon, model=churn.fit(bought, stop.date(), horizon))
    known = {r.client_id: r.probability for r in risks.itertuples() if not np.isnan(r.probability)}
    assert await here.serving.risks() == pytest.approx(known, rel=1e-9)

    months = series.monthly(facts, "won_value")
    curve = await asyncio.to_thread(forecast.forecast_monthly, months.values, 24)
    shown = await here.serving.forecast()
    assert [month.value for month in shown.history] == [round(v * 100) for v in months.values]
    ahead = [float(mean) * 100 for mean in curve.mean]
    ahead[:1] = [max(value, months.so_far * 100) for value in ahead[:1]]
    assert [point.value for point in shown.points] == pytest.approx(ahead, rel=1e-9)
    await the_counts_are_those_of_the_simulation(here, stop, facts)


async def the_counts_are_those_of_the_simulation(
    here: Platform, stop: datetime, facts: Facts
) -> None:
    scope = fig.Scope(start_date="2022-01-01", end_date=(stop - DAY).date().isoformat())
    asked = fig.GetSummaryRequest(scope=scope)
    summary = await here.serving.ask(FiguresServiceStub, "GetSummary", asked)
    figures = {figure.name: figure for figure in summary.figures}
    standing = [deal.state for deal in here.life.deals.values() if deal.state.deleted_at is None]
    won = [state.amount for state in standing if state.stage.name == "Won"]
    opened = [state.amount for state in standing if state.closed_at is None]
    for name, amounts in (("won_value", won), ("open_value", opened)):
        wanted = sum(amount.amount_minor for amount in amounts if amount)
        assert figures[name].money.amount_minor == wanted, name
    ahead = revenue.project(series.deals_table(facts), stop, 30)
    assert figures["expected_value"].money.amount_minor == round(ahead.mean * 100)


async def a_past_day_is_told_as_it_was(
    here: Platform, stop: datetime, odds: dict[str, Any], curve: Any
) -> None:
    day = (stop - DAY).date().isoformat()
    assert (await here.serving.forecast(day)).basis.computing
    await work_off(here.analytics, here.serving.workspace, now=here.serving.clock.now())
    again = await here.serving.odds(day)
    assert again.keys() == odds.keys()
    for deal_id, deal in again.items():
        assert deal.win_probability == pytest.approx(odds[deal_id].win_probability, rel=1e-9)
    then = await here.serving.forecast(day)
    assert [p.value for p in then.points] == pytest.approx([p.value for p in curve.points])
    assert list(then.history) == list(curve.history)


# What crm's own tables say, and what analytics has made of the events: (crm, analytics).
SAME = {
    "deals": (
        """
SELECT d.id, d.version, d.name, d.client_id, d.owner_id, d.amount_minor, d.currency, d.stage_id,
    s.type, d.source, d.expected_close_date, d.next_step, d.created_at, d.entered_stage_at,
    d.closed_at, d.deleted_at, d.lost_reason_id, coalesce(r.name, '')
FROM deals d JOIN stages s ON s.workspace_id = d.workspace_id AND s.id = d.stage_id
LEFT JOIN lost_reasons r ON r.workspace_id = d.workspace_id AND r.id = d.lost_reason_id
WHERE d.workspace_id = $1 ORDER BY d.id""",
        """
SELECT deal_id, version, name, client_id, owner_id, amount_minor, currency, stage_id,
    stage_type, source, expected_close_date, next_step, created_at, entered_stage_at,
    closed_at, deleted_at, lost_reason_id, lost_reason
FROM deals WHERE workspace_id = $1 ORDER BY deal_id""",
    ),
    "states": (
        """
SELECT deal_id, version, happened_at FROM deal_history
WHERE workspace_id = $1 ORDER BY 1, 2""",
        """
SELECT deal_id, version, happened_at FROM deal_states
WHERE workspace_id = $1 ORDER BY 1, 2""",
    ),
    "stays": (
        """
SELECT deal_id, version, to_stage_id, happened_at FROM deal_history
WHERE workspace_id = $1 AND to_stage_id IS NOT NULL ORDER BY 1, 2""",
        """
SELECT deal_id, version, stage_id, entered_at FROM stage_entries
WHERE workspace_id = $1 ORDER BY 1, 2""",
    ),
    "postponements": (
        """
SELECT deal_id, version FROM deal_history WHERE workspace_id = $1
    AND changes::text LIKE '%expected_close_date%' AND kind = 'updated' ORDER BY 1, 2""",
        "SELECT deal_id, version FROM close_date_changes WHERE workspace_id = $1 ORDER BY 1, 2",
    ),
    "clients": (
        """
SELECT id, kind, name, parent_id, owner_id, created_at, deleted_at FROM clients
WHERE workspace_id = $1 ORDER BY id""",
        """
SELECT client_id, kind, name, parent_id, owner_id, created_at, deleted_at FROM clients
WHERE workspace_id = $1 ORDER BY client_id""",
    ),
    "activities": (
        """
SELECT id, version, kind, client_id, deal_id, owner_id, due_at, done_at, created_at, deleted_at
FROM activities WHERE workspace_id = $1 ORDER BY id""",
        """
SELECT activity_id, version, kind, client_id, deal_id, owner_id, due_at, done_at, created_at,
    deleted_at
FROM activities WHERE workspace_id = $1 ORDER BY activity_id""",
    ),
    "stages": (
        "SELECT id, name, type FROM stages WHERE workspace_id = $1 ORDER BY id",
        "SELECT stage_id, name, type FROM stages WHERE workspace_id = $1 ORDER BY stage_id",
    ),
}


async def the_facts_are_those_of_crm(here: Platform) -> None:
    for name, (of_crm, of_analytics) in SAME.items():
        wanted = await here.crm.owner.fetch(of_crm, here.life.workspace)
        found = await here.analytics.owner.fetch(of_analytics, here.life.workspace)
        assert [tuple(row.values()) for row in found] == [tuple(row.values()) for row in wanted], (
            name
        )
