"""The dashboard as a PDF: the numbers of the reports, for those who asked."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from analytics.adapters.documents import pdf
from analytics.application.report_jobs import make_report
from analytics.application.scope import Asked, scope
from analytics.entrypoints.app import App
from analytics.entrypoints.report import LABELS, gathering
from freelanceflow.analytics.v1 import analytics_service_pb2 as ana
from freelanceflow.analytics.v1 import figures_service_pb2 as fig
from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from freelanceflow.analytics.v1 import report_service_pb2 as pb
from freelanceflow.analytics.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from freelanceflow.analytics.v1.figures_service_pb2_grpc import FiguresServiceStub
from freelanceflow.analytics.v1.prediction_service_pb2_grpc import PredictionServiceStub
from freelanceflow.analytics.v1.report_service_pb2_grpc import ReportServiceStub
from kit.clock import SystemClock
from kit.database import ReadTransaction
from kit.errors import DomainError, ErrorKind
from kit.ids import new_id
from kit.jobs import table as jobs
from kit.rpc.identity import CallIdentity
from kit.sight import Sight
from kit.testing.database import ServiceDatabase
from services.analytics.tests import score_rows as rows
from services.analytics.tests.contract.test_predictions import Peer, peer
from services.analytics.tests.contract.test_rpc import tell
from services.analytics.tests.factories import DAY, NOON, Told

__all__ = ["peer"]

COUNTS = ("entered", "advanced", "lost", "waiting")


def somebody(peer: Peer, user_id: UUID) -> CallIdentity:
    return peer.issuer.identity("analytics.read", workspace_id=peer.workspace, user_id=user_id)


async def worked(app: App, database: ServiceDatabase, report_id: str) -> None:
    """As the worker does."""
    job = await jobs.claim(database.system, UUID(report_id))
    assert job is not None
    result = await make_report(
        lambda: app.unit_of_work(job.workspace_id),
        job.args,
        gathering(job.args["locale"], job.args["workspace_name"]),
        now=SystemClock().now(),  # files expire by the database's clock
    )
    await jobs.end(database.system, job, result=result)


@pytest.fixture
def stub(peer: Peer) -> Any:
    return ReportServiceStub(peer.caller.channel)


async def pieces(calls: AsyncIterator[pb.DownloadReportResponse]) -> bytes:
    return b"".join([part.chunk async for part in calls])


async def test_a_report_is_made_and_fetched_by_whoever_asked(
    database: ServiceDatabase, peer: Peer, stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, UUID]] = []

    async def send(kind: str, job_id: UUID) -> None:
        sent.append((kind, job_id))

    monkeypatch.setattr(peer.app.jobs, "send", send)
    await tell(peer.app, Told(peer.workspace).created().events)
    me = new_id()
    mine = somebody(peer, me)
    wanted = pb.CreateReportRequest(horizon=3, workspace_name="Holm & Partner")
    asked = await peer.caller.call(stub.CreateReport, wanted, identity=mine)
    assert (asked.status, sent) == ("queued", [("report", UUID(asked.id))])
    fetched = pb.DownloadReportRequest(report_id=asked.id)
    with pytest.raises(DomainError) as early:
        await pieces(peer.caller.stream(stub.DownloadReport, fetched, identity=mine))
    assert early.value.reason == "REPORT_NOT_READY"
    await worked(peer.app, database, asked.id)
    found = await peer.caller.call(
        stub.GetReport, pb.GetReportRequest(report_id=asked.id), identity=mine
    )
    content = await pieces(peer.caller.stream(stub.DownloadReport, fetched, identity=mine))
    assert (found.status, found.size) == ("done", len(content))
    assert content.startswith(b"%PDF-1.7")
    narrowed = peer.issuer.identity(
        "analytics.read", workspace_id=peer.workspace, user_id=me, sight=Sight((me,))
    )
    with pytest.raises(DomainError) as unseen:
        await pieces(peer.caller.stream(stub.DownloadReport, fetched, identity=narrowed))
    assert (unseen.value.kind, unseen.value.reason) == (ErrorKind.FORBIDDEN, "REPORT_OUT_OF_SIGHT")
    other = somebody(peer, new_id())
    with pytest.raises(DomainError) as refusal:
        await peer.caller.call(
            stub.GetReport, pb.GetReportRequest(report_id=asked.id), identity=other
        )
    assert refusal.value.reason == "REPORT_NOT_FOUND"


async def test_a_report_asked_for_twice_under_one_key_is_made_once(
    peer: Peer, stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[UUID] = []

    async def send(kind: str, job_id: UUID) -> None:
        sent.append(job_id)

    monkeypatch.setattr(peer.app.jobs, "send", send)
    mine = replace(somebody(peer, new_id()), idempotency_key="one-click")
    asked = pb.CreateReportRequest(horizon=3)
    first = await peer.caller.call(stub.CreateReport, asked, identity=mine)
    again = await peer.caller.call(stub.CreateReport, asked, identity=mine)
    assert again == first
    assert sent == [UUID(first.id)]
    other = pb.CreateReportRequest(horizon=12)
    with pytest.raises(DomainError) as refusal:
        await peer.caller.call(stub.CreateReport, other, identity=mine)
    assert refusal.value.reason == "IDEMPOTENCY_KEY_REUSED"
    unkeyed = replace(mine, idempotency_key=None)
    new = await peer.caller.call(stub.CreateReport, asked, identity=unkeyed)
    assert sent == [UUID(first.id), UUID(new.id)]


async def test_the_document_tells_the_numbers_of_the_reports(peer: Peer) -> None:
    app, workspace = peer.app, peer.workspace
    deal = Told(workspace).created()
    await tell(app, deal.events)
    await rows.keep_edition(app, workspace)
    await rows.keep_forecast(app, workspace)
    await rows.keep_projection(app, workspace)
    await rows.keep_model(app, workspace, "win")
    await rows.keep_model(app, workspace, "churn")
    await rows.keep_odds(app, workspace, deal.id, upper=0.994)
    client_id = new_id()
    await rows.keep_client(app, workspace, client_id, "Acme")
    await rows.keep_risk(app, workspace, client_id)
    me = somebody(peer, new_id())
    predictions, figures = (
        PredictionServiceStub(peer.caller.channel),
        FiguresServiceStub(peer.caller.channel),
    )
    forecast = await peer.caller.call(
        predictions.GetForecast, pre.GetForecastRequest(horizon=6), identity=me
    )
    summary = await peer.caller.call(
        figures.GetSummary, fig.GetSummaryRequest(scope=fig.Scope()), identity=me
    )
    async with ReadTransaction(app.pool, workspace) as tx:
        here = await scope(tx, Asked(), me=new_id(), now=app.clock.now())
        told = await gathering("en", "Holm & Partner")(tx, here, 6)
    assert told["title"] == "Holm & Partner"
    assert told["footer"].startswith("Holm & Partner · as of ")
    for number in (forecast.total.value, forecast.total.lower, forecast.total.upper):
        assert f"€{round(number / 100):,}" in told["forecast"]["sentence"]
    for point, row in zip(forecast.points, told["forecast"]["rows"], strict=True):
        said = [f"€{round(n / 100):,}" for n in (point.value, point.lower, point.upper)]
        assert row[1:] == said
    expected = next(f for f in summary.figures if f.name == "expected_value")
    shown = next(f for f in told["summary"]["figures"] if f["label"] == "Next 30 days")
    assert shown["value"] == f"€{expected.money.amount_minor // 100:,}"
    tables = {table["title"]: table["rows"] for table in told["tables"]}
    assert tables["Clients at risk"][0][:3] == ["Acme", "High", "60% in 90 days, little evidence"]
    assert tables["Deals that deserve time"][0][2] == "62% (50% to over 99%), little evidence"
    assert pdf(told).startswith(b"%PDF")


@pytest.mark.parametrize(
    ("asked", "opened"), [({}, 4), ({"owner": "mine"}, 1), ({"day": "2026-03-04"}, 5)]
)
async def test_the_document_is_of_whom_and_of_when_it_was_asked(
    peer: Peer, asked: dict[str, str], opened: int
) -> None:
    app, crm, mine = peer.app, Told(peer.workspace), new_id()
    deals = [crm.created(minor=1_234_56 * (n + 1), at=NOON - DAY) for n in range(3)]
    deals.append(crm.created(minor=77_55, owner=mine, at=NOON + 5 * DAY))
    deals += [crm.created(minor=900_45).moved("won", NOON + n * DAY) for n in (1, 3, 8)]
    deals.append(crm.created(minor=55_00, owner=mine).moved("lost", NOON + DAY))
    for deal in deals:
        await tell(app, deal.events)
    whom, day = (str(mine) if asked.get("owner") else ""), asked.get("day", "")
    me = somebody(peer, new_id())
    figures, pipeline = (
        FiguresServiceStub(peer.caller.channel),
        AnalyticsServiceStub(peer.caller.channel),
    )
    of = fig.Scope(owner_id=whom, as_of_date=day)
    summary = await peer.caller.call(
        figures.GetSummary, fig.GetSummaryRequest(scope=of), identity=me
    )
    conversion = await peer.caller.call(
        figures.GetConversion, fig.GetConversionRequest(scope=of), identity=me
    )
    velocity = await peer.caller.call(
        pipeline.GetVelocity, ana.GetVelocityRequest(owner_id=whom, as_of_date=day), identity=me
    )
    async with ReadTransaction(app.pool, peer.workspace) as tx:
        wanted = Asked(owner_id=mine if whom else None, as_of=day)
        here = await scope(tx, wanted, me=new_id(), now=app.clock.now())
        told = await gathering("en")(tx, here, 6)
    shown = {figure["label"]: figure for figure in told["summary"]["figures"]}
    for figure in summary.figures:
        said = shown[LABELS[figure.name]]
        if figure.HasField("money"):
            assert said["value"] == _euros(figure.money.amount_minor), figure.name
        elif figure.name == "win_rate" and figure.HasField("number"):
            assert said["value"] == f"{figure.number:.0%}"
        assert figure.words in said["detail"]
    assert shown["Open pipeline"]["detail"].startswith(f"{opened} open deal")
    tables = {table["title"]: table for table in told["tables"]}
    assert [row[:5] for row in tables["From stage to stage"]["rows"]] == [
        [s.stage_name, *(str(getattr(s, f"{n}_count")) for n in COUNTS)] for s in conversion.stages
    ]
    pace = _euros(velocity.value_per_day.amount_minor)
    assert velocity.HasField("value_per_day") == any(
        line == f"Pace: {pace} a day." for line in tables["Velocity"]["words"]
    )


def _euros(minor: int) -> str:
    return f"€{round(minor / 100):,}"


async def test_nothing_in_the_data_is_markup(peer: Peer) -> None:
    hostile = "#panic() $1/0$ *x* @y <z> \\ [ ] ` // /* \u202e"
    client_id = new_id()
    await rows.keep_client(peer.app, peer.workspace, client_id, hostile)
    await rows.keep_risk(peer.app, peer.workspace, client_id)
    await rows.keep_model(peer.app, peer.workspace, "churn")
    async with ReadTransaction(peer.app.pool, peer.workspace) as tx:
        here = await scope(tx, Asked(), me=new_id(), now=peer.app.clock.now())
        told = await gathering("de", hostile)(tx, here, 6)
    assert told["tables"][0]["rows"][0][0] == hostile
    assert pdf(told).startswith(b"%PDF")


async def test_a_name_that_no_font_can_draw_is_no_reason_for_no_report(peer: Peer) -> None:
    async with ReadTransaction(peer.app.pool, peer.workspace) as tx:
        here = await scope(tx, Asked(), me=new_id(), now=peer.app.clock.now())
        told = await gathering("en", "日本語 会社 🎉")(tx, here, 6)
    assert pdf(told).startswith(b"%PDF")


async def test_an_empty_workspace_has_a_report_too(peer: Peer) -> None:
    async with ReadTransaction(peer.app.pool, peer.workspace) as tx:
        here = await scope(tx, Asked(), me=new_id(), now=peer.app.clock.now())
        told = await gathering("")(tx, here, 6)
        of_one = await scope(tx, Asked(owner_id=new_id()), me=new_id(), now=peer.app.clock.now())
        narrowed = await gathering("")(tx, of_one, 6)
    assert (told["title"], told["notes"]) == ("Analytics", [])
    assert narrowed["notes"] == ["Only the deals of one owner are in these figures."]
    assert told["forecast"]["sentence"] == "There are no deals yet to tell anything from."
    assert pdf(told).startswith(b"%PDF")
