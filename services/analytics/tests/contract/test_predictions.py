"""Predictions over real gRPC, read from rows that a worker would have left."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from analytics.bootstrap.serving import services
from analytics.entrypoints.app import App
from analytics.entrypoints.rpc.asking import Asking
from freelanceflow.analytics.v1 import analytics_service_pb2 as pb
from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from freelanceflow.analytics.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from freelanceflow.analytics.v1.prediction_service_pb2_grpc import PredictionServiceStub
from kit.clock import FakeClock
from kit.errors import DomainError
from kit.ids import new_id
from kit.jobs.celery import JobApp
from kit.rpc.client import Caller
from kit.sight import Sight
from kit.testing.database import ServiceDatabase, recorded_queries
from kit.testing.rpc import Issuer, served
from services.analytics.tests import score_rows as rows
from services.analytics.tests.contract.test_rpc import tell
from services.analytics.tests.factories import DAY, NOON, Told

READ, WRITE = "analytics.read", "clients.write"


@dataclass
class Peer:
    """The service, a workspace in it, and somebody who asks."""

    app: App
    caller: Caller
    issuer: Issuer
    workspace: UUID

    async def ask(self, method: str, message: Any, *permissions: str, **claims: Any) -> Any:
        owner = PredictionServiceStub if hasattr(pre, f"{method}Request") else AnalyticsServiceStub
        identity = self.issuer.identity(
            *(permissions or (READ,)), workspace_id=self.workspace, **claims
        )
        call = getattr(owner(self.caller.channel), method)
        return await self.caller.call(call, message, identity=identity)


@pytest.fixture
async def peer(database: ServiceDatabase) -> AsyncIterator[Peer]:
    app = App(
        pool=database.app,
        system=database.system,
        clock=FakeClock(NOON + 10 * DAY),
        jobs=JobApp("analytics", "memory://"),
        wake_relay=lambda: None,
    )
    issuer = Issuer()
    async with served(services(app), issuer) as caller:
        yield Peer(app, caller, issuer, new_id())


async def test_a_forecast_adds_up(peer: Peer) -> None:
    await rows.keep_edition(peer.app, peer.workspace)
    await rows.keep_forecast(peer.app, peer.workspace)
    found = await peer.ask("GetForecast", pre.GetForecastRequest(horizon=6, line="linear"))
    total = found.total
    assert [p.month for p in found.points][:2] == ["2026-03", "2026-04"]
    assert total.value == pytest.approx(sum(p.value for p in found.points))
    assert total.lower == pytest.approx(sum(p.lower for p in found.points))
    assert total.upper == pytest.approx(sum(p.upper for p in found.points))
    parts = (total.won_part, total.pipeline_part, total.new_part)
    assert (sum(parts), parts[0]) == (pytest.approx(total.value), 50_000)
    assert (total.start_date, total.end_date) == ("2026-03-01", "2026-08-31")
    assert (found.basis.evidence, found.line.label) == ("medium", "Linear regression")
    assert found.confidence_words
    assert len(found.line.points) == 6


async def test_a_wider_interval_and_a_line_that_cannot_answer(peer: Peer) -> None:
    await rows.keep_forecast(peer.app, peer.workspace)
    narrow = await peer.ask("GetForecast", pre.GetForecastRequest(line="prophet"))
    wide = await peer.ask("GetForecast", pre.GetForecastRequest(interval_percent=95))
    assert wide.total.lower < narrow.total.lower
    assert wide.total.upper > narrow.total.upper
    assert list(narrow.line.points) == []
    assert narrow.line.backtest.words == "Prophet did not finish in time."


async def test_a_pipeline_is_worth_what_it_is_at_the_end(peer: Peer) -> None:
    await rows.keep_forecast(
        peer.app, peer.workspace, metric="pipeline_value", path=rows.path(pipe=None)
    )
    found = await peer.ask("GetForecast", pre.GetForecastRequest(metric="pipeline_value"))
    assert found.total.value == found.points[-1].value
    assert not found.total.HasField("pipeline_part")


async def test_too_few_months_have_no_curve_and_say_so(peer: Peer) -> None:
    why = [{"name": "months_used", "words": "There is only 2 months of history.", "weight": 0.0}]
    await rows.keep_forecast(
        peer.app, peer.workspace, path=[], history=[], evidence="none", factors=why, n_used=2
    )
    found = await peer.ask("GetForecast", pre.GetForecastRequest())
    assert not found.HasField("total")
    assert not found.HasField("confidence")
    assert found.basis.words == "There is only 2 months of history."


async def test_clients_come_by_what_is_at_stake_page_by_page(peer: Peer) -> None:
    ids = [new_id() for _ in range(5)]
    for n, client_id in enumerate(ids):
        await rows.keep_client(peer.app, peer.workspace, client_id, f"Client {n}")
        await rows.keep_risk(peer.app, peer.workspace, client_id, at_stake_minor=100_000 * n)
    await rows.keep_model(peer.app, peer.workspace, "churn")
    seen, token = [], ""
    for _ in range(3):
        page = await peer.ask(
            "ListClientRisks", pre.ListClientRisksRequest(page_size=2, page_token=token)
        )
        seen += [client.client_name for client in page.clients]
        token = page.next_page_token
    assert (seen, token) == ([f"Client {n}" for n in (4, 3, 2, 1, 0)], "")
    assert [level.level for level in page.levels] == ["low", "watch", "high", "critical"]
    high = next(level for level in page.levels if level.level == "high")
    assert (high.count, high.observed, high.sample_size) == (5, 0.58, 12)
    assert (page.horizon_days, page.basis.evidence) == (90, "low")


async def test_who_sees_own_clients_only_is_not_told_how_many_others_have(peer: Peer) -> None:
    me, client_id = new_id(), new_id()
    await rows.keep_client(peer.app, peer.workspace, client_id, "Theirs", owner_id=new_id())
    await rows.keep_risk(peer.app, peer.workspace, client_id)
    await rows.keep_model(peer.app, peer.workspace, "churn")
    own = {"user_id": me, "sight": Sight((me,))}
    page = await peer.ask("ListClientRisks", pre.ListClientRisksRequest(), **own)
    assert (list(page.clients), page.basis.own_only) == ([], True)
    assert {(level.count, level.sample_size) for level in page.levels} <= {(0, 0)}


async def test_whoever_may_be_leaving_is_listed_apart(peer: Peer) -> None:
    """However little is at stake with them beside those who stay."""
    for name, level, stake in (("Stays", "low", 900), ("Waits", "watch", 1), ("Goes", "high", 2)):
        client_id = new_id()
        await rows.keep_client(peer.app, peer.workspace, client_id, name)
        await rows.keep_risk(
            peer.app, peer.workspace, client_id, level=level, at_stake_minor=100_000 * stake
        )
    asked = pre.ListClientRisksRequest(level="leaving", page_size=2)
    found = await peer.ask("ListClientRisks", asked)
    assert [client.client_name for client in found.clients] == ["Goes", "Waits"]
    assert (found.next_page_token, sum(level.count for level in found.levels)) == ("", 3)


async def test_an_answer_hides_a_client_until_it_is_taken_back_or_over(peer: Peer) -> None:
    client_id = new_id()
    await rows.keep_client(peer.app, peer.workspace, client_id, "Acme")
    await rows.keep_risk(peer.app, peer.workspace, client_id)
    asked = pre.ListClientRisksRequest()
    for answer, days in (("snoozed", 14), ("not_at_risk", 0)):
        said = await peer.ask(
            "AnswerClientRisk",
            pre.AnswerClientRiskRequest(client_id=str(client_id), answer=answer),
            READ,
            WRITE,
        )
        assert said.answer.answer == answer
        assert said.answer.HasField("until_time") is bool(days)
        assert not (await peer.ask("ListClientRisks", asked)).clients
    everything = pre.ListClientRisksRequest(with_answered=True)
    assert len((await peer.ask("ListClientRisks", everything)).clients) == 1
    back = pre.AnswerClientRiskRequest(client_id=str(client_id))
    assert not (await peer.ask("AnswerClientRisk", back, READ, WRITE)).HasField("answer")
    assert len((await peer.ask("ListClientRisks", asked)).clients) == 1
    with pytest.raises(DomainError) as refusal:  # whoever sees no risk has nothing to answer
        await peer.ask("AnswerClientRisk", back, WRITE)
    assert refusal.value.reason == "PERMISSION_MISSING"


async def test_a_deal_tells_why_and_what_next(peer: Peer) -> None:
    deal = Told(peer.workspace).created()
    await tell(peer.app, deal.events)
    await rows.keep_edition(peer.app, peer.workspace)
    await rows.keep_odds(peer.app, peer.workspace, deal.id)
    await rows.keep_model(peer.app, peer.workspace, "win")
    found = await peer.ask("GetDealInsight", pb.GetDealInsightRequest(deal_id=str(deal.id)))
    assert (found.recommendation, found.next_best_step.rule) == ("focus", "no_next_step")
    assert [r.name for r in found.reasons] == ["base", "client"]
    assert found.expected_value.amount_minor == 62_000
    assert (found.basis.evidence, found.basis.sample_size) == ("low", 80)
    assert "50% closer than the win rate alone" in found.basis.words
    page = await peer.ask("ListDealOdds", pre.ListDealOddsRequest())
    assert [d.win_probability for d in page.deals] == [found.win_probability]
    assert (page.count, page.expected.expected.amount_minor) == (1, 62_000)
    assert page.expected.lower.amount_minor == 40_000  # as it was simulated


async def test_who_sees_own_deals_only_gets_own_figures(peer: Peer) -> None:
    me = new_id()
    crm = Told(peer.workspace)
    mine, others = crm.created(owner=me, minor=100_00), crm.created(owner=new_id(), minor=900_00)
    for deal, owner in ((mine, me), (others, new_id())):
        await tell(peer.app, deal.events)
        await rows.keep_odds(peer.app, peer.workspace, deal.id, owner_id=owner)
    await rows.keep_edition(peer.app, peer.workspace)
    await rows.keep_model(peer.app, peer.workspace, "win")
    await rows.keep_forecast(peer.app, peer.workspace)
    own = {"user_id": me, "sight": Sight((me,))}
    page = await peer.ask("ListDealOdds", pre.ListDealOddsRequest(), **own)
    assert [d.deal_id for d in page.deals] == [str(mine.id)]
    assert (page.count, page.HasField("base_rate"), page.basis.own_only) == (1, False, True)
    assert page.basis.sample_size == 0
    told = " ".join(r.words for r in page.deals[0].reasons)
    assert "5 of 6" not in told
    assert "60 %" not in told
    pipeline = await peer.ask("GetPipeline", pb.GetPipelineRequest(), **own)
    assert (pipeline.open_count, pipeline.open_value.amount_minor) == (1, 100_00)
    forecast = await peer.ask("GetForecast", pre.GetForecastRequest(), **own)
    assert not forecast.HasField("total")  # the whole workspace's is not for them
    asked = pre.ListDealOddsRequest(owner_id=str(new_id()))
    assert not (await peer.ask("ListDealOdds", asked, **own)).deals
    insight = pb.GetDealInsightRequest(deal_id=str(others.id))
    with pytest.raises(DomainError) as refusal:
        await peer.ask("GetDealInsight", insight, **own)
    assert refusal.value.reason == "DEAL_NOT_FOUND"


async def test_accuracy_tells_published_from_replayed(peer: Peer) -> None:
    month = {"month": "2026-01-01", "n": 1, "said": 100.0, "actual": 120.0,
             "lower80": 70.0, "upper80": 140.0}  # fmt: skip
    await rows.keep_accuracy(peer.app, peer.workspace, "win", "backtest")
    await rows.keep_accuracy(
        peer.app, peer.workspace, "forecast:won_value", "backtest", by_month=[month]
    )
    found = await peer.ask("GetAccuracy", pre.GetAccuracyRequest())
    assert (found.HasField("odds"), found.odds_backtest.sample_size) == (False, 40)
    assert (found.forecasts_are_backtest, found.forecasts[0].month) == (True, "2026-01")
    assert found.forecasts[0].actual.amount_minor == 120


@pytest.mark.parametrize(
    ("method", "request_", "reason"),
    [
        ("GetForecast", pre.GetForecastRequest(metric="mood"), "METRIC_UNKNOWN"),
        ("GetForecast", pre.GetForecastRequest(horizon=25), "HORIZON_INVALID"),
        ("GetForecast", pre.GetForecastRequest(interval_percent=70), "INTERVAL_INVALID"),
        ("GetForecast", pre.GetForecastRequest(line="arima"), "LINE_UNKNOWN"),
        ("GetForecast", pre.GetForecastRequest(as_of_date="2030-01-01"), "DATE_INVALID"),
        ("ListClientRisks", pre.ListClientRisksRequest(level="severe"), "LEVEL_UNKNOWN"),
        ("ListClientRisks", pre.ListClientRisksRequest(page_token="x"), "INVALID_INPUT"),
        ("ListDealOdds", pre.ListDealOddsRequest(recommendation="win"), "ADVICE_UNKNOWN"),
        ("GetClientRisk", pre.GetClientRiskRequest(client_id=str(new_id())), "CLIENT_NOT_FOUND"),
    ],
)
async def test_what_cannot_be_meant_is_refused(
    peer: Peer, method: str, request_: Any, reason: str
) -> None:
    with pytest.raises(DomainError) as refusal:
        await peer.ask(method, request_)
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ("method", "message", "statements"),
    [
        ("GetForecast", pre.GetForecastRequest(), 2),
        ("ListClientRisks", pre.ListClientRisksRequest(), 4),
        ("ListDealOdds", pre.ListDealOddsRequest(), 4),
        ("GetAccuracy", pre.GetAccuracyRequest(), 4),
    ],
)
async def test_predictions_cost_what_they_should(
    database: ServiceDatabase, peer: Peer, method: str, message: Any, statements: int
) -> None:
    with recorded_queries(database.app) as queries:
        await peer.ask(method, message)
    assert len(queries) == statements + 1, queries  # and the workspace with BEGIN


async def test_what_is_not_in_rows_is_asked_for_and_answered_later(
    database: ServiceDatabase, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[UUID] = []

    async def send(kind: str, job_id: UUID) -> None:
        sent.append(job_id)

    monkeypatch.setattr(peer.app.jobs, "send", send)
    await tell(peer.app, Told(peer.workspace).created().events)
    await rows.keep_forecast(peer.app, peer.workspace)
    ranged = pre.GetForecastRequest(start_date="2026-04-10", end_date="2026-05-20")
    waiting = await peer.ask("GetForecast", ranged)
    assert waiting.basis.computing
    assert not waiting.HasField("total")
    assert waiting.points  # what is in rows is shown meanwhile
    assert (await peer.ask("GetForecast", ranged)).basis.computing
    assert len(sent) == 1  # asked once, however often it is looked for
    told = {
        "mean_minor": 90_000, "lower": {"80": 50_000, "90": 40_000},
        "upper": {"80": 140_000, "90": 160_000}, "won_minor": 10_000,
    }  # fmt: skip
    answered = (
        "UPDATE answers SET answer = $2, computed_at = $3, data_version = (SELECT changes FROM"
        " workspaces w WHERE w.workspace_id = answers.workspace_id) WHERE workspace_id = $1"
    )
    await database.owner.execute("SELECT set_config('ff.workspace', $1, false)",
                                 str(peer.workspace))  # fmt: skip
    await database.owner.execute(answered, peer.workspace, told, NOON + 10 * DAY)
    found = await peer.ask("GetForecast", ranged)
    assert not found.basis.computing
    assert (found.total.value, found.total.lower, found.total.upper) == (90_000, 50_000, 140_000)
    assert (found.total.start_date, found.total.end_date) == ("2026-04-10", "2026-05-20")


async def test_one_owners_forecast_is_asked_for(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[UUID] = []

    async def send(kind: str, job_id: UUID) -> None:
        sent.append(job_id)

    monkeypatch.setattr(peer.app.jobs, "send", send)
    me = new_id()
    await tell(peer.app, Told(peer.workspace).created(owner=me).events)
    own = {"user_id": me, "sight": Sight((me,))}
    waiting = await peer.ask("GetForecast", pre.GetForecastRequest(), **own)
    assert (waiting.basis.computing, len(sent)) == (True, 1)
    await rows.keep_forecast(peer.app, peer.workspace, owner_id=me)
    found = await peer.ask("GetForecast", pre.GetForecastRequest(), **own)
    assert (found.basis.computing, found.basis.own_only) == (False, True)
    assert found.HasField("total")


async def test_a_past_day_is_asked_for(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    async def send(kind: str, job_id: UUID) -> None:
        return None

    monkeypatch.setattr(peer.app.jobs, "send", send)
    await tell(peer.app, Told(peer.workspace).created().events)
    day = "2026-03-05"
    asked = pre.GetForecastRequest(as_of_date=day)
    assert (await peer.ask("GetForecast", asked)).basis.computing
    await rows.keep_edition(peer.app, peer.workspace, day)
    await rows.keep_forecast(peer.app, peer.workspace, edition=day)
    found = await peer.ask("GetForecast", asked)
    assert (found.basis.as_of_date, found.basis.computing) == (day, False)


async def test_rows_that_come_while_they_are_asked_for_are_said_to_be_on_their_way(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else "nothing can be said" would be shown, and kept, where an answer is there by now."""
    day = "2026-03-05"
    asked = pre.GetForecastRequest(as_of_date=day)
    ask = Asking._ask

    async def send(kind: str, job_id: UUID) -> None:
        return None

    async def ask_behind_a_quick_worker(self: Asking, question: Any, context: Any) -> Any:
        await ask(self, question, context)
        await rows.keep_edition(peer.app, peer.workspace, day, written=1)
        await rows.keep_forecast(peer.app, peer.workspace, edition=day)
        late = NOON + 10 * DAY
        await rows.keep_answer(peer.app, peer.workspace, question.name, computed_at=late)
        return await ask(self, question, context)

    monkeypatch.setattr(peer.app.jobs, "send", send)
    monkeypatch.setattr(Asking, "_ask", ask_behind_a_quick_worker)
    await tell(peer.app, Told(peer.workspace).created().events)
    assert (await peer.ask("GetForecast", asked)).basis.computing
    found = await peer.ask("GetForecast", asked)
    assert (found.basis.computing, found.HasField("total")) == (False, True)
