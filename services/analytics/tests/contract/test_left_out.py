"""Forecasts without some of the open deals."""

from typing import Any

import pytest

from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from kit.errors import DomainError, ErrorKind
from kit.ids import new_id
from services.analytics.tests import score_rows as rows
from services.analytics.tests.contract.test_predictions import Peer, peer
from services.analytics.tests.contract.test_rpc import tell
from services.analytics.tests.factories import Told

__all__ = ["peer"]


async def test_without_a_deal_there_is_less_by_what_it_would_bring(peer: Peer) -> None:
    crm = Told(peer.workspace)
    deal = crm.created()
    await tell(peer.app, deal.events)
    await rows.keep_forecast(peer.app, peer.workspace)
    await rows.keep_odds(peer.app, peer.workspace, deal.id)
    whole = await peer.ask("GetForecast", pre.GetForecastRequest())
    rest = await peer.ask("GetForecast", pre.GetForecastRequest(without_deal_ids=[str(deal.id)]))
    assert rest.left_out[0].name == "Website"
    assert rest.left_out[0].value == pytest.approx(100_000 * 0.6, rel=1e-3)
    gone = whole.total.value - rest.total.value
    assert gone == pytest.approx(rest.left_out[0].value)
    assert rest.total.pipeline_part == pytest.approx(whole.total.pipeline_part - gone)
    assert all(p.lower >= 0 for p in rest.points)


async def test_without_a_deal_what_was_won_already_stays(peer: Peer) -> None:
    crm = Told(peer.workspace)
    deal = crm.created()
    await tell(peer.app, deal.events)
    won = 200_000  # as much as the whole of the running month was expected to bring
    await rows.keep_forecast(peer.app, peer.workspace, so_far=won)
    await rows.keep_odds(peer.app, peer.workspace, deal.id)
    rest = await peer.ask("GetForecast", pre.GetForecastRequest(without_deal_ids=[str(deal.id)]))
    month = rest.points[0]
    assert (month.lower, month.value, rest.total.won_part) == (won, won, won)


@pytest.mark.parametrize(
    "over",
    [{"metric": "pipeline_value"}, {"start_date": "2026-03-01", "end_date": "2026-04-30"}],
)
async def test_deals_are_left_out_of_months_only(peer: Peer, over: dict[str, Any]) -> None:
    await rows.keep_forecast(peer.app, peer.workspace)
    with pytest.raises(DomainError) as refusal:
        await peer.ask(
            "GetForecast", pre.GetForecastRequest(without_deal_ids=[str(new_id())], **over)
        )
    assert refusal.value.kind is ErrorKind.INVALID
    assert list(refusal.value.fields) == ["scenario"]
