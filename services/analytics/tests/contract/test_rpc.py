"""Reports over real gRPC: what is said, to whom, and what is loaded for it."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from analytics.bootstrap.serving import services
from analytics.entrypoints.app import App
from analytics.entrypoints.consumers import OF_CRM
from freelanceflow.analytics.v1 import analytics_service_pb2 as pb
from freelanceflow.analytics.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from kit.bus.events import Event
from kit.clock import FakeClock
from kit.errors import DomainError
from kit.ids import new_id
from kit.jobs.celery import JobApp
from kit.migrations import WITHOUT_TENANT
from kit.rpc.client import Caller
from kit.testing.database import ServiceDatabase, recorded_queries
from kit.testing.rpc import Issuer, served
from services.analytics.tests.factories import DAY, NOON, Told

HEAVY = ("pandas", "numpy", "scipy", "sklearn", "statsforecast", "prophet", "polars")
READ = "analytics.read"


@pytest.fixture
def app(database: ServiceDatabase) -> App:
    return App(
        pool=database.app,
        system=database.system,
        clock=FakeClock(NOON + 10 * DAY),
        jobs=JobApp("analytics", "memory://"),
        wake_relay=lambda: None,
    )


@pytest.fixture
async def peer(app: App) -> AsyncIterator[tuple[Caller, Any, Issuer]]:
    issuer = Issuer()
    async with served(services(app), issuer) as caller:
        yield caller, AnalyticsServiceStub(caller.channel), issuer


async def tell(app: App, events: Iterable[Event]) -> None:
    for event in events:
        async with app.unit_of_work(event.workspace_id) as uow:
            await OF_CRM[event.type](uow, event)


async def test_reports_say_what_they_rest_on(app: App, peer: tuple[Caller, Any, Issuer]) -> None:
    caller, stub, issuer = peer
    workspace, owner = new_id(), new_id()
    crm = Told(workspace)
    open_deal = crm.created(minor=100_00, owner=owner)
    won = crm.created(minor=300_00, owner=owner).moved("won", NOON + 5 * DAY)
    for deal in (
        open_deal,
        won,
        crm.created(minor=50_00, currency="USD"),
    ):
        await tell(app, deal.events)
    me = issuer.identity(READ, workspace_id=workspace)
    pipeline = await caller.call(stub.GetPipeline, pb.GetPipelineRequest(), identity=me)
    assert [(s.stage_name, s.count, s.sum.amount_minor) for s in pipeline.stages] == [
        ("Prospecting", 2, 100_00),
        ("Won", 1, 300_00),
    ]
    assert [m.currency_code for m in pipeline.stages[0].unconverted] == ["USD"]
    assert (pipeline.open_count, pipeline.won_value_30_days.amount_minor) == (2, 300_00)
    assert pipeline.basis.words
    assert pipeline.basis.HasField("as_of_time")
    own = pb.GetPipelineRequest(owner_id=str(owner))
    assert (await caller.call(stub.GetPipeline, own, identity=me)).open_count == 1
    velocity = await caller.call(stub.GetVelocity, pb.GetVelocityRequest(), identity=me)
    assert (velocity.won_count, velocity.closed_count, velocity.win_rate) == (1, 1, 1.0)
    assert velocity.basis.evidence == "prior"
    asked = pb.GetDealInsightRequest(deal_id=str(open_deal.id))
    insight = await caller.call(stub.GetDealInsight, asked, identity=me)
    assert insight.basis.evidence == "prior"
    assert insight.win_probability == pytest.approx(2 / 3)
    assert insight.expected_value.amount_minor == 66_67
    assert 0 < insight.lower < insight.win_probability < insight.upper < 1
    asked = pb.GetDealInsightRequest(deal_id=str(won.id))
    closed = await caller.call(stub.GetDealInsight, asked, identity=me)
    assert closed.stage_name == "Won"
    assert closed.owner_id == str(owner)
    assert not closed.HasField("win_probability")


async def test_an_empty_workspace_is_told_so(peer: tuple[Caller, Any, Issuer]) -> None:
    caller, stub, issuer = peer
    me = issuer.identity(READ, workspace_id=new_id())
    pipeline = await caller.call(stub.GetPipeline, pb.GetPipelineRequest(), identity=me)
    assert (list(pipeline.stages), pipeline.basis.evidence) == ([], "none")
    velocity = await caller.call(stub.GetVelocity, pb.GetVelocityRequest(), identity=me)
    assert not velocity.HasField("value_per_day")
    assert velocity.basis.evidence == "none"


async def test_another_tenants_facts_are_not_there(
    app: App, peer: tuple[Caller, Any, Issuer]
) -> None:
    caller, stub, issuer = peer
    deal = Told(new_id()).created().moved("won", NOON)
    await tell(app, deal.events)
    stranger = issuer.identity(READ, workspace_id=new_id())
    asked = pb.GetDealInsightRequest(deal_id=str(deal.id))
    with pytest.raises(DomainError) as refusal:
        await caller.call(stub.GetDealInsight, asked, identity=stranger)
    assert refusal.value.reason == "DEAL_NOT_FOUND"
    pipeline = await caller.call(stub.GetPipeline, pb.GetPipelineRequest(), identity=stranger)
    assert not pipeline.stages


@pytest.mark.parametrize(
    ("method", "request_", "reason"),
    [
        ("GetVelocity", pb.GetVelocityRequest(start_date="soon"), "DATE_INVALID"),
        (
            "GetVelocity",
            pb.GetVelocityRequest(start_date="2026-03-02", end_date="2026-03-01"),
            "RANGE_EMPTY",
        ),
        ("GetPipeline", pb.GetPipelineRequest(owner_id="me"), "INVALID_INPUT"),
        ("GetDealInsight", pb.GetDealInsightRequest(deal_id="1"), "INVALID_INPUT"),
    ],
)
async def test_what_cannot_be_meant_is_refused(
    peer: tuple[Caller, Any, Issuer], method: str, request_: Any, reason: str
) -> None:
    caller, stub, issuer = peer
    me = issuer.identity(READ, workspace_id=new_id())
    with pytest.raises(DomainError) as refusal:
        await caller.call(getattr(stub, method), request_, identity=me)
    assert refusal.value.reason == reason


async def test_the_permission_is_needed(peer: tuple[Caller, Any, Issuer]) -> None:
    caller, stub, issuer = peer
    me = issuer.identity("deals.read", workspace_id=new_id())
    for method, message in (
        ("GetPipeline", pb.GetPipelineRequest()),
        ("GetVelocity", pb.GetVelocityRequest()),
        ("GetDealInsight", pb.GetDealInsightRequest(deal_id=str(new_id()))),
    ):
        with pytest.raises(DomainError) as refusal:
            await caller.call(getattr(stub, method), message, identity=me)
        assert refusal.value.reason == "PERMISSION_MISSING"


async def test_reports_cost_what_they_should(
    database: ServiceDatabase, peer: tuple[Caller, Any, Issuer]
) -> None:
    caller, stub, issuer = peer
    me = issuer.identity(READ, workspace_id=new_id())
    for method, message, statements in (
        ("GetPipeline", pb.GetPipelineRequest(), 3),
        ("GetVelocity", pb.GetVelocityRequest(), 4),
    ):
        with recorded_queries(database.app) as queries:
            await caller.call(getattr(stub, method), message, identity=me)
        assert len(queries) == statements + 1, queries  # and the workspace with BEGIN


async def test_only_listed_tables_are_without_row_level_security(
    database: ServiceDatabase,
) -> None:
    open_tables = await database.owner.fetch(
        "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE n.nspname = 'public' AND relkind = 'r'"
        " AND NOT (relrowsecurity AND relforcerowsecurity)"
    )
    assert {row["relname"] for row in open_tables} <= set(WITHOUT_TENANT)


def test_the_serving_process_loads_no_science() -> None:
    code = (
        f"import sys, analytics.bootstrap.serving; print([m for m in {HEAVY} if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
