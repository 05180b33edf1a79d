"""Whoever sees own deals only gets own figures of past days too: those told on the day."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from analytics.adapters.rescoring import Fence
from analytics.application.answering import answer
from analytics.bootstrap.serving import services
from analytics.entrypoints.app import App
from freelanceflow.analytics.v1 import analytics_service_pb2 as pb
from freelanceflow.analytics.v1 import figures_service_pb2 as fig
from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from freelanceflow.analytics.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from freelanceflow.analytics.v1.figures_service_pb2_grpc import FiguresServiceStub
from freelanceflow.analytics.v1.prediction_service_pb2_grpc import PredictionServiceStub
from freelanceflow.crm.v1.record_events_pb2 import RecordPurged
from kit.clock import FakeClock
from kit.ids import new_id
from kit.jobs.celery import JobApp
from kit.jobs.table import claim, end
from kit.rpc.client import Caller
from kit.sight import EVERYTHING, Sight
from kit.testing.database import ServiceDatabase
from kit.testing.rpc import Issuer, served
from services.analytics.tests.factories import DAY, Told, ToldDeal
from services.analytics.tests.scoring import scored, tell, unit

FIRST = datetime(2025, 1, 3, 12, tzinfo=UTC)
DAY_ASKED = datetime(2026, 3, 4, tzinfo=UTC)
OVER = DAY_ASKED + DAY
"""A day stands as it does when it is over: at the first moment of the next."""
RANGE = {"start_date": "2025-06-01", "end_date": "2026-03-04"}
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MINE, THEIRS = 1_000_00, 76_543_21


@dataclass
class Member:
    """Somebody who sees own deals only, and the worker that computes what they ask."""

    app: App
    clock: FakeClock
    caller: Caller
    issuer: Issuer
    database: ServiceDatabase
    crm: Told
    id: UUID

    async def ask(self, stub: Any, method: str, message: Any, *, own: bool = True) -> Any:
        identity = self.issuer.identity(
            "analytics.read",
            workspace_id=self.crm.workspace,
            user_id=self.id,
            sight=Sight((self.id,)) if own else EVERYTHING,
        )
        call = getattr(stub(self.caller.channel), method)
        return await self.caller.call(call, message, identity=identity)

    async def everything(self, as_of: str = "", *, own: bool = True) -> dict[str, Any]:
        """Every report, of the same days."""
        scope = fig.Scope(**RANGE, as_of_date=as_of)
        risks = pre.ListClientRisksRequest(as_of_date=as_of)
        asked: list[tuple[Any, str, Any]] = [
            (FiguresServiceStub, f"Get{name}", getattr(fig, f"Get{name}Request")(scope=scope))
            for name in ("Summary", "Health", "Conversion", "Clients", "Activity")
        ]
        asked += [
            (PredictionServiceStub, "GetForecast", pre.GetForecastRequest(as_of_date=as_of)),
            (PredictionServiceStub, "ListDealOdds", pre.ListDealOddsRequest(as_of_date=as_of)),
            (PredictionServiceStub, "ListClientRisks", risks),
            (AnalyticsServiceStub, "GetPipeline", pb.GetPipelineRequest(as_of_date=as_of)),
            (AnalyticsServiceStub, "GetVelocity", pb.GetVelocityRequest(as_of_date=as_of, **RANGE)),
        ]  # fmt: skip
        found = {}
        for stub, method, message in asked:
            found[method] = await self.ask(stub, method, message, own=own)
            await self.work()
            found[method] = await self.ask(stub, method, message, own=own)
        return found

    async def work(self) -> None:
        """Answer whatever was asked."""
        queued = "SELECT id FROM jobs WHERE workspace_id = $1 AND status = 'queued' ORDER BY id"
        for row in await self.database.owner.fetch(queued, self.crm.workspace):
            job = await claim(self.database.system, row["id"])
            assert job is not None
            held = Fence(job.id, job.attempts)
            await answer(
                lambda: unit(self.database, self.crm.workspace),
                held,
                job.args,
                now=self.clock.now(),
            )
            await end(self.database.system, job, result={})


@pytest.fixture
async def member(database: ServiceDatabase) -> AsyncIterator[Member]:
    clock = FakeClock(OVER)
    app = App(
        pool=database.app,
        system=database.system,
        clock=clock,
        jobs=JobApp("analytics", "memory://"),
        wake_relay=lambda: None,
    )
    issuer = Issuer()
    async with served(services(app), issuer) as caller:
        yield Member(app, clock, caller, issuer, database, Told(new_id()), new_id())


def past(crm: Told, me: UUID) -> list[ToldDeal]:
    """A year of won, lost and open deals of two people."""
    deals = []
    for n in range(42):
        at = FIRST + n * 10 * DAY
        owner, minor = (me, MINE) if n % 3 else (new_id(), THEIRS)
        deal = crm.created(at=at, owner=owner, minor=minor)
        if at + 20 * DAY < DAY_ASKED:
            deal.moved("won" if n % 4 else "lost", at + 15 * DAY)
        deals.append(deal)
    return deals


def numbers(message: Any) -> str:
    """What it says, without ids and without when it was computed."""
    lines = ID.sub("", str(message)).splitlines()
    return "\n".join(line for line in lines if "nanos" not in line)


async def test_a_past_day_shows_what_was_shown_on_it(member: Member) -> None:
    workspace, crm = member.crm.workspace, member.crm
    deals = past(crm, member.id)
    await tell(member.database, workspace, [e for deal in deals for e in deal.events])
    await scored(member.database, workspace, OVER, refit=True)
    then = await member.everything()
    assert then["GetForecast"].points
    assert then["GetVelocity"].HasField("projection")

    await tell(member.database, workspace, later(crm, deals, member.id))
    member.clock.set(OVER + 40 * DAY)
    day = DAY_ASKED.date().isoformat()
    again = await member.everything(day)
    for name in ("GetForecast", "ListDealOdds", "GetPipeline"):
        assert again[name].basis.as_of_date == day
        assert again[name].basis.own_only
    forecast = again["GetForecast"]
    assert list(forecast.points) == list(then["GetForecast"].points)
    assert list(forecast.history) == list(then["GetForecast"].history)
    assert [(d.deal_id, d.win_probability) for d in again["ListDealOdds"].deals] == [
        (d.deal_id, d.win_probability) for d in then["ListDealOdds"].deals
    ]
    assert again["GetPipeline"].stages == then["GetPipeline"].stages
    assert again["GetVelocity"].projection == then["GetVelocity"].projection
    won = [figure for figure in again["GetSummary"].figures if figure.name == "won_value"]
    assert won == [figure for figure in then["GetSummary"].figures if figure.name == "won_value"]
    assert won[0].money.amount_minor % MINE == 0

    for name, message in again.items():
        assert str(THEIRS) not in numbers(message), name
    asked = pb.GetPipelineRequest(as_of_date=day)
    whole = await member.ask(AnalyticsServiceStub, "GetPipeline", asked, own=False)
    assert str(THEIRS) in numbers(whole)


async def test_the_health_of_a_past_day_is_as_a_whole_the_one_told_on_it(member: Member) -> None:
    """Deals that were won, revalued, handed over, postponed or thrown away since count as they did;
    so do the stalled ones, whose limit moves with every deal that closes."""
    workspace, crm = member.crm.workspace, member.crm
    closed = past(crm, member.id)
    still = [crm.created(at=FIRST + n * 52 * DAY, minor=MINE * (n + 1)) for n in range(9)]
    await tell(member.database, workspace, [e for deal in closed + still for e in deal.events])
    await scored(member.database, workspace, OVER, refit=True)

    async def health(day: str) -> fig.Health:
        asked = fig.GetHealthRequest(scope=fig.Scope(**RANGE, as_of_date=day))
        answered: fig.Health = fig.Health()
        for _ in range(2):  # what is not there yet is computed in between
            answered = await member.ask(FiguresServiceStub, "GetHealth", asked, own=False)
            await member.work()
        answered.ClearField("basis")
        return answered

    then = await health("")
    assert then.stalled_days
    assert 0 < then.stalled_count < then.open_count
    assert then.largest_share
    assert then.coverage
    assert then.weighted_value.amount_minor
    assert then.inflow_count
    assert then.outflow_count

    await tell(member.database, workspace, changed_since(crm, closed, still, member.id))
    member.clock.set(OVER + 40 * DAY)
    await scored(member.database, workspace, OVER + 40 * DAY)
    assert await health(DAY_ASKED.date().isoformat()) == then
    assert (await health("")).open_count != then.open_count


def changed_since(crm: Told, closed: list[ToldDeal], still: list[ToldDeal], me: UUID) -> list[Any]:
    """Whatever can become of a deal after the day."""
    deals = [*closed[:6], *still]
    known = [len(deal.events) for deal in deals]
    for n, deal in enumerate(closed[:6]):
        deal.moved("prospecting", OVER + n * DAY)  # opened again
    still[0].revalued(9 * THEIRS, OVER + DAY)
    still[1].snapshot.owner_id = str(new_id())
    still[1].revalued(MINE, OVER + 2 * DAY)
    still[2].postponed("2026-12-24", OVER + DAY)
    still[3].deleted(OVER + DAY)
    for deal in still[4:7]:
        deal.moved("won", OVER + 3 * DAY)
    told = [e for deal, n in zip(deals, known, strict=True) for e in deal.events[n:]]
    return told + [e for n in range(4) for e in crm.created(at=OVER + n * DAY, owner=me).events]


def later(crm: Told, deals: list[ToldDeal], me: UUID) -> list[Any]:
    """What happened after the day: wins, a value corrected, and new deals."""
    told = []
    for deal in deals[-3:]:
        before = len(deal.events)
        deal.moved("won", OVER + 5 * DAY)
        told += deal.events[before:]
    for n in range(4):
        told += crm.created(at=OVER + (n + 1) * DAY, owner=me, minor=MINE).events
    return told


async def test_a_deal_that_was_handed_over_stays_with_whom_it_was(member: Member) -> None:
    workspace, crm = member.crm.workspace, member.crm
    deal = crm.created(at=FIRST, owner=member.id, minor=MINE)
    await tell(member.database, workspace, deal.events)
    deal.snapshot.owner_id = str(new_id())
    deal.revalued(THEIRS, OVER + timedelta(days=2))
    await tell(member.database, workspace, deal.events[-1:])
    member.clock.set(OVER + 10 * DAY)
    day = DAY_ASKED.date().isoformat()
    then = await member.ask(
        FiguresServiceStub, "GetHealth", fig.GetHealthRequest(scope=fig.Scope(as_of_date=day))
    )
    now = await member.ask(FiguresServiceStub, "GetHealth", fig.GetHealthRequest())
    assert (then.open_count, now.open_count) == (1, 0)
    assert str(THEIRS) not in numbers(then)


async def test_what_was_purged_is_in_no_list_and_no_sum_of_a_past_day(member: Member) -> None:
    workspace, crm = member.crm.workspace, member.crm
    deals = past(crm, member.id)
    await tell(member.database, workspace, [e for deal in deals for e in deal.events])
    await scored(member.database, workspace, OVER, refit=True)
    member.clock.set(OVER + 10 * DAY)
    asked = pre.ListDealOddsRequest(as_of_date=DAY_ASKED.date().isoformat())

    async def odds() -> pre.ListDealOddsResponse:
        await member.ask(PredictionServiceStub, "ListDealOdds", asked)
        await member.work()
        answered: pre.ListDealOddsResponse = await member.ask(
            PredictionServiceStub, "ListDealOdds", asked
        )
        return answered

    before = await odds()
    gone = next(deal for deal in deals if str(deal.id) == before.deals[0].deal_id)
    body = RecordPurged(record_id=str(gone.id), version=gone.version + 1)
    purged = crm.event("crm.deal.v1.purged", body.SerializeToString(), version=body.version)
    await tell(member.database, workspace, [purged])
    after = await odds()
    assert after.count == len(after.deals) == before.count - 1
    listed = sum(deal.expected_value.amount_minor for deal in after.deals)
    assert abs(after.expected.expected.amount_minor - listed) <= after.count
