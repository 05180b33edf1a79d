"""Life's edges, scored as the worker does and asked for as pages and the API do: each says in words
what can and cannot be said, and nothing shows a share without what it rests on."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.message import Message

from analytics.bootstrap.serving import services
from analytics.entrypoints.app import App
from freelanceflow.analytics.v1 import analytics_service_pb2 as pb
from freelanceflow.analytics.v1 import figures_service_pb2 as fig
from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from freelanceflow.analytics.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from freelanceflow.analytics.v1.figures_service_pb2_grpc import FiguresServiceStub
from freelanceflow.analytics.v1.prediction_service_pb2_grpc import PredictionServiceStub
from kit.clock import FakeClock
from kit.ids import new_id
from kit.jobs.celery import JobApp
from kit.rpc.client import Caller
from kit.rpc.identity import CallIdentity
from kit.testing.database import ServiceDatabase
from kit.testing.rpc import Issuer, served
from services.analytics.tests.factories import DAY, NOON, Told, ToldDeal
from services.analytics.tests.scoring import scored, tell

NOW = NOON + timedelta(days=1200)
SHARES = {
    "win_probability", "risk", "win_rate", "confidence", "base_rate", "coverage", "rate", "share",
    "largest_share", "five_largest_share", "observed", "interval_coverage",
}  # fmt: skip
Deals = Callable[[Told], list[ToldDeal]]
Answers = dict[str, Any]


def closed(crm: Told, how: str, ago: float, *, client: UUID | None = None, **over: Any) -> ToldDeal:
    """A deal that was open for ten days and ended so many days ago."""
    end = NOW - ago * DAY
    deal = crm.created(at=end - 10 * DAY, **over)
    if client is not None:
        deal.belonging_to(client, end - 9 * DAY)
    return deal.moved(how, end)


def monthly(crm: Told, how: str, months: range) -> list[ToldDeal]:
    return [closed(crm, how, 30.4 * n + 3) for n in months]


def mostly_one_client(crm: Told) -> list[ToldDeal]:
    large, small = new_id(), new_id()
    return [
        *(closed(crm, "won", 9 * n + 1, client=large, minor=900_000) for n in range(9)),
        *(closed(crm, "won", 40 * n + 5, client=small, minor=100_000) for n in range(2)),
        *(closed(crm, "lost", 20 * n + 5, client=small) for n in range(3)),
    ]


EDGES: dict[str, Deals] = {
    "no deals": lambda crm: [],
    "one open deal": lambda crm: [crm.created(at=NOW - 5 * DAY)],
    "one won deal": lambda crm: [closed(crm, "won", 5)],
    "only wins": lambda crm: monthly(crm, "won", range(12)),
    "only losses": lambda crm: monthly(crm, "lost", range(12)),
    "three months": lambda crm: monthly(crm, "won", range(3)) + monthly(crm, "lost", range(3)),
    "a silent year": lambda crm: monthly(crm, "won", range(13, 30)),
    "one client": mostly_one_client,
    "nothing is worth anything": lambda crm: [
        *(closed(crm, "won", 30 * n + 5, minor=0) for n in range(12)),
        crm.created(at=NOW - 5 * DAY, minor=0),
        crm.created(at=NOW - 5 * DAY, minor=None),
    ],
    "one deal a thousand times the others": lambda crm: [
        *monthly(crm, "won", range(18)),
        closed(crm, "won", 100, minor=100_000_000),
        crm.created(at=NOW - 5 * DAY),
    ],
    "a gap of a year": lambda crm: (
        monthly(crm, "won", range(5)) + monthly(crm, "won", range(18, 24))
    ),
    "all in one month": lambda crm: [
        *(closed(crm, "won", n) for n in range(8)),
        *(closed(crm, "lost", n) for n in range(4)),
        crm.created(at=NOW - 5 * DAY),
    ],
    "days that nobody means": lambda crm: [
        *monthly(crm, "won", range(12)),
        crm.created(at=NOW - 5 * DAY, close="0001-01-01"),
        crm.created(at=NOW - 5 * DAY, close="9999-12-31"),
    ],
    "days to come": lambda crm: [
        *monthly(crm, "won", range(6)),
        crm.created(at=NOW + 2 * DAY),
        crm.created(at=NOW - 2 * DAY, close=(NOW + 900 * DAY).date().isoformat()),
    ],
}


@pytest.fixture(params=EDGES)
async def edge(
    request: pytest.FixtureRequest, database: ServiceDatabase
) -> AsyncIterator[tuple[str, Answers]]:
    workspace = new_id()
    crm = Told(workspace)
    deals = EDGES[request.param](crm)
    if deals:
        await tell(database, workspace, [event for deal in deals for event in deal.events])
        await scored(database, workspace, NOW, refit=True)
    async with asking(database, workspace) as (caller, me):
        yield request.param, await asked(caller, me)


@asynccontextmanager
async def asking(
    database: ServiceDatabase, workspace: UUID
) -> AsyncIterator[tuple[Caller, CallIdentity]]:
    """The service, and somebody who may ask it."""
    app = App(
        pool=database.app,
        system=database.system,
        clock=FakeClock(NOW),
        jobs=JobApp("analytics", "memory://"),
        wake_relay=lambda: None,
    )
    issuer = Issuer()
    async with served(services(app), issuer) as caller:
        yield caller, issuer.identity("analytics.read", workspace_id=workspace)


async def asked(caller: Caller, me: CallIdentity) -> Answers:
    """All that pages and the API can ask."""
    questions: list[tuple[Any, str, Message]] = [
        (FiguresServiceStub, "GetSummary", fig.GetSummaryRequest()),
        (FiguresServiceStub, "GetHealth", fig.GetHealthRequest()),
        (FiguresServiceStub, "GetConversion", fig.GetConversionRequest()),
        (FiguresServiceStub, "GetClients", fig.GetClientsRequest()),
        (FiguresServiceStub, "GetActivity", fig.GetActivityRequest()),
        (AnalyticsServiceStub, "GetVelocity", pb.GetVelocityRequest()),
        (AnalyticsServiceStub, "GetPipeline", pb.GetPipelineRequest()),
        (PredictionServiceStub, "GetForecast", pre.GetForecastRequest(line="linear")),
        (PredictionServiceStub, "ListDealOdds", pre.ListDealOddsRequest()),
        (PredictionServiceStub, "ListClientRisks", pre.ListClientRisksRequest()),
        (PredictionServiceStub, "GetAccuracy", pre.GetAccuracyRequest()),
    ]
    return {
        method: await caller.call(getattr(stub(caller.channel), method), message, identity=me)
        for stub, method, message in questions
    }


async def test_each_edge_of_life_says_what_it_can(edge: tuple[str, Answers]) -> None:
    name, answers = edge
    for method, answer in answers.items():
        assert answer.basis.words, method
        assert "nan" not in str(answer).lower().split(), method
        for where, basis in shares(answer, answer.basis):
            assert basis.evidence not in ("", "none"), (method, where, basis)
            assert basis.words, (method, where)
    for figure in answers["GetSummary"].figures:
        said = figure.HasField("money") or figure.HasField("number")
        assert figure.words, figure.name
        assert not (said and figure.evidence == "none" and figure.name != "open_value"), figure
    assert EXPECTED[name](answers), name


async def test_a_client_never_won_from_has_no_risk_and_its_deal_says_what_became_of_it(
    database: ServiceDatabase,
) -> None:
    """Nobody can be lost who never bought, however silent; the odds of its deal know its losses."""
    workspace = new_id()
    crm, buyer, refuser, newcomer = Told(workspace), new_id(), new_id(), new_id()
    deals = [
        deal
        for n in range(30)
        for deal in (
            closed(crm, "won", 25 * n + 3, client=buyer),
            closed(crm, "lost", 25 * n + 9, client=refuser),
        )
    ]
    still = [
        crm.created(at=NOW - 5 * DAY).belonging_to(client, NOW - 4 * DAY)
        for client in (refuser, newcomer)
    ]
    known = [crm.client(client) for client in (buyer, refuser, newcomer)]
    await tell(database, workspace, [*known, *(e for d in deals + still for e in d.events)])
    await scored(database, workspace, NOW, refit=True)
    async with asking(database, workspace) as (caller, me):
        peer = PredictionServiceStub(caller.channel)
        listed = await caller.call(
            peer.ListClientRisks, pre.ListClientRisksRequest(with_answered=True), identity=me
        )
        assert [client.client_id for client in listed.clients] == [str(buyer)]
        assert sum(level.count for level in listed.levels) == 1
        risks = {
            client: await caller.call(
                peer.GetClientRisk, pre.GetClientRiskRequest(client_id=str(client)), identity=me
            )
            for client in (buyer, refuser, newcomer)
        }
        found = await caller.call(peer.ListDealOdds, pre.ListDealOddsRequest(), identity=me)
    assert risks[buyer].HasField("risk")
    assert risks[buyer].value_at_stake.amount_minor
    for client, lost in ((refuser, 30), (newcomer, 0)):
        risk = risks[client]
        assert (risk.HasField("risk"), risk.level, risk.basis.evidence) == (False, "", "none")
        assert [r.words for r in risk.reasons] == [
            "Has not bought yet, so there is nothing to lose: no score"
        ]
        assert (risk.won_count, risk.closed_count) == (0, lost)
        assert risk.HasField("win_rate") == (lost > 0)  # nought of thirty is known, of none nothing
        assert not risk.value_at_stake.amount_minor
        assert not risk.HasField("days_silent")
    odds = {deal.deal_id: deal for deal in found.deals}
    refused, new = (odds[str(deal.id)] for deal in still)
    assert 0.01 <= refused.win_probability < new.win_probability
    assert refused.basis.evidence == new.basis.evidence != "none"
    # Not thirty: each is counted as it stood at some moment, and a few had no client yet.
    assert any(re.search(r": 0 of \d+ earlier deals won", r.words) for r in refused.reasons)


def shares(message: Message, basis: pb.Basis) -> Iterator[tuple[str, pb.Basis]]:
    """Every share in a message, with what it rests on: its own record's basis or the answer's."""
    own = getattr(message, "basis", None)
    rests = own if isinstance(own, pb.Basis) and own.words else basis
    for field, value in message.ListFields():
        if field.name in SHARES and field.message_type is None:
            yield field.name, rests
        inner = value if field.is_repeated else [value]
        for part in inner:
            if isinstance(part, Message):
                yield from shares(part, rests)


def _forecast_says(words: str) -> Callable[[Answers], bool]:
    def says(answers: Answers) -> bool:
        forecast = answers["GetForecast"]
        return words in forecast.basis.words and not forecast.HasField("total")

    return says


def _odds_unknown(answers: Answers) -> bool:
    """Half is no estimate: without a closed deal there are no odds at all."""
    odds = answers["ListDealOdds"]
    return "No deal has closed yet" in odds.basis.words and not odds.deals[0].recommendation


def _one_client(answers: Answers) -> bool:
    found = answers["GetClients"]
    return bool(found.largest_share > 0.9 and found.client_count == 2)


def _worthless(answers: Answers) -> bool:
    odds, pace = answers["ListDealOdds"], answers["GetVelocity"]
    return len(odds.deals) == 2 and not pace.value_per_day.amount_minor


def _outlier(answers: Answers) -> bool:
    """It is named, the range is as wide as what is not known, and confidence is next to nothing."""
    forecast = answers["GetForecast"]
    named = any("far off the neighbours" in reason.words for reason in forecast.reasons)
    return named and forecast.confidence < 0.1 and forecast.total.upper > 10 * forecast.total.value


def _gap(answers: Answers) -> bool:
    """Months without anything are months, and speak for simple averages."""
    forecast = answers["GetForecast"]
    gap = [month.value for month in forecast.history].count(0)
    return gap >= 12 and "mean of 12" in forecast.method_words and forecast.confidence < 0.5


def _young(answers: Answers) -> bool:
    """What has not come yet is no age below nought, and ranges that were never tried no promise."""
    forecast, odds = answers["GetForecast"], answers["ListDealOdds"].deals
    assert all(deal.age_days >= 0 and deal.days_in_stage >= 0 for deal in odds)
    untried = "too few months have passed" in forecast.confidence_words
    return untried and not forecast.HasField("confidence")


EXPECTED: dict[str, Callable[[Answers], bool]] = {
    "no deals": _forecast_says("There are no deals yet"),
    "one open deal": _odds_unknown,
    "one won deal": _forecast_says("a curve needs 4"),
    "only wins": lambda answers: answers["GetForecast"].HasField("total"),
    "only losses": lambda answers: not answers["ListClientRisks"].clients,
    "three months": _forecast_says("a curve needs 4"),
    "a silent year": lambda answers: (
        "No deal" in answers["GetVelocity"].basis.words
        or not answers["GetVelocity"].HasField("win_rate")
    ),
    "one client": _one_client,
    "nothing is worth anything": _worthless,
    "one deal a thousand times the others": _outlier,
    "a gap of a year": _gap,
    "all in one month": _forecast_says("There is no month of history; a curve needs 4"),
    "days that nobody means": lambda answers: all(
        deal.recommendation for deal in answers["ListDealOdds"].deals
    ),
    "days to come": _young,
}
