"""As of when an answer is, and what it does not know yet: said in the same way by every report.

Odds are committed seconds before all else of the same scoring; counts are never behind.
"""

from typing import Any

import pytest
from google.protobuf.message import Message

from analytics.application.questions import Question, ask
from freelanceflow.analytics.v1 import analytics_service_pb2 as pb
from freelanceflow.analytics.v1 import figures_service_pb2 as fig
from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from freelanceflow.analytics.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from freelanceflow.analytics.v1.figures_service_pb2_grpc import FiguresServiceStub
from freelanceflow.analytics.v1.prediction_service_pb2_grpc import PredictionServiceStub
from kit.clock import from_timestamp
from kit.ids import new_id
from kit.sight import Sight
from services.analytics.tests import score_rows as rows
from services.analytics.tests.contract.test_predictions import Peer, peer
from services.analytics.tests.contract.test_rpc import tell
from services.analytics.tests.factories import DAY, NOON, Told

__all__ = ["peer"]

OF_ODDS, OF_REST = NOON + DAY, NOON
STUBS = (AnalyticsServiceStub, FiguresServiceStub, PredictionServiceStub)
ESTIMATES: dict[str, Message] = {
    "GetForecast": pre.GetForecastRequest(),
    "ListClientRisks": pre.ListClientRisksRequest(),
    "GetSummary": fig.GetSummaryRequest(),
    "GetVelocity": pb.GetVelocityRequest(),
    "ListDealOdds": pre.ListDealOddsRequest(),
    "GetHealth": fig.GetHealthRequest(),
}
BY_ODDS = ("ListDealOdds", "GetHealth", "GetDealInsight")
COUNTS: dict[str, Message] = {
    "GetPipeline": pb.GetPipelineRequest(),
    "GetConversion": fig.GetConversionRequest(),
    "GetClients": fig.GetClientsRequest(),
    "GetActivity": fig.GetActivityRequest(),
}


async def asked(peer: Peer, method: str, message: Message, **claims: Any) -> Any:
    stub = next(owner for owner in STUBS if hasattr(owner(peer.caller.channel), method))
    me = peer.issuer.identity("analytics.read", workspace_id=peer.workspace, **claims)
    return await peer.caller.call(getattr(stub(peer.caller.channel), method), message, identity=me)


@pytest.fixture
async def estimates(peer: Peer) -> dict[str, Message]:
    """Three changes: the odds know two of them, and all else the first."""
    client_id, crm = new_id(), Told(peer.workspace)
    deals = [crm.created() for _ in range(3)]
    for deal in deals:
        await tell(peer.app, deal.events)
    await rows.keep_edition(
        peer.app, peer.workspace, as_of=OF_ODDS, data_version=2, rest_as_of=OF_REST, rest_version=1
    )
    await rows.keep_odds(peer.app, peer.workspace, deals[0].id)
    await rows.keep_client(peer.app, peer.workspace, client_id, "Acme")
    await rows.keep_risk(peer.app, peer.workspace, client_id)
    await rows.keep_forecast(peer.app, peer.workspace)
    await rows.keep_projection(peer.app, peer.workspace)
    for kind in ("win", "churn"):
        await rows.keep_model(peer.app, peer.workspace, kind)
    return ESTIMATES | {
        "GetDealInsight": pb.GetDealInsightRequest(deal_id=str(deals[0].id)),
        "GetClientRisk": pre.GetClientRiskRequest(client_id=str(client_id)),
    }


async def test_each_estimate_says_as_of_when_it_is_and_that_it_is_behind(
    peer: Peer, estimates: dict[str, Message]
) -> None:
    for method, message in estimates.items():
        basis = (await asked(peer, method, message)).basis
        of, missing = (OF_ODDS, "1 change") if method in BY_ODDS else (OF_REST, "2 changes")
        assert from_timestamp(basis.estimate_time) == of, method
        assert missing in basis.behind_words, method
        assert "soon" in basis.behind_words, method
        assert "soon" not in basis.words, method
    for method, message in COUNTS.items():
        basis = (await asked(peer, method, message)).basis
        assert not basis.behind_words, method
        assert not basis.HasField("estimate_time"), method
        assert basis.HasField("as_of_time"), method


async def test_who_knows_all_facts_says_nothing_of_lateness(
    peer: Peer, estimates: dict[str, Message]
) -> None:
    state = {"as_of": OF_ODDS, "data_version": 3, "rest_as_of": OF_ODDS, "rest_version": 3}
    await rows.change_edition(peer.app, peer.workspace, **state)
    for method, message in estimates.items():
        basis = (await asked(peer, method, message)).basis
        assert not basis.behind_words, method
        assert from_timestamp(basis.estimate_time) == OF_ODDS, method


async def test_who_sees_own_deals_is_not_told_how_much_happens_to_others(
    peer: Peer, estimates: dict[str, Message]
) -> None:
    me = new_id()
    message = estimates["ListDealOdds"]
    basis = (await asked(peer, "ListDealOdds", message, user_id=me, sight=Sight((me,)))).basis
    assert basis.behind_words == "The newest changes since then will be in it soon."


async def test_a_past_day_is_never_behind(peer: Peer, estimates: dict[str, Message]) -> None:
    day = "2026-03-01"
    await rows.keep_edition(peer.app, peer.workspace, day)
    await rows.keep_forecast(peer.app, peer.workspace, edition=day)
    basis = (await asked(peer, "GetForecast", pre.GetForecastRequest(as_of_date=day))).basis
    assert (basis.behind_words, basis.as_of_date) == ("", day)
    assert from_timestamp(basis.as_of_time).isoformat() == "2026-03-02T00:00:00+00:00"


@pytest.mark.usefixtures("estimates")
async def test_a_sum_over_days_that_is_older_than_the_facts_says_so(peer: Peer) -> None:
    message = pre.GetForecastRequest(start_date="2026-03-20", end_date="2026-04-10")
    assert (await asked(peer, "GetForecast", message)).basis.computing
    first, last = NOON.date().replace(day=20), NOON.date().replace(month=4, day=10)
    question = Question.range("won_value", first, last)
    await rows.keep_answer(peer.app, peer.workspace, question.name, computed_at=OF_REST)
    found = await asked(peer, "GetForecast", message)
    assert found.total.value == 100_00
    assert found.basis.behind_words.startswith("The sum of these days does not know the newest")
    assert from_timestamp(found.basis.as_of_time) == OF_REST
    async with peer.app.unit_of_work(peer.workspace) as uow:
        assert (await ask(uow, question, now=peer.app.clock.now())).is_stale
