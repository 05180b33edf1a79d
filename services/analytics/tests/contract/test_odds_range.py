"""The range of what open deals are worth by their odds."""

import pytest

from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from services.analytics.tests import score_rows as rows
from services.analytics.tests.contract.test_predictions import Peer, peer
from services.analytics.tests.contract.test_rpc import tell
from services.analytics.tests.factories import Told

__all__ = ["peer"]


@pytest.mark.parametrize(("odds", "all_or_nothing"), [(0.05, 0), (0.95, 100_000)])
async def test_a_range_holds_what_it_is_the_range_of(
    peer: Peer, odds: float, all_or_nothing: int
) -> None:
    crm = Told(peer.workspace)
    deal = crm.created()
    await tell(peer.app, deal.events)
    worth = round(100_000 * odds)
    simulated = {"mean": worth, "lower80": all_or_nothing, "upper80": all_or_nothing, "deals": 1}
    await rows.keep_edition(peer.app, peer.workspace, expected=simulated)
    await rows.keep_model(peer.app, peer.workspace, "win")
    await rows.keep_odds(peer.app, peer.workspace, deal.id, probability=odds, expected_minor=worth)
    expected = (await peer.ask("ListDealOdds", pre.ListDealOddsRequest())).expected
    shown = [one.amount_minor for one in (expected.lower, expected.expected, expected.upper)]
    assert shown == sorted([all_or_nothing, worth, worth])
