"""Cards dropped into one gap again and again: the order is always the one that was made."""

import random

import pytest

from crm.adapters.ordering import LONGEST_KEY
from freelanceflow.crm.v1 import deal_service_pb2 as pb
from services.crm.tests.factories import Person, make_deal

MOVERS, LOOK_EVERY = 12, 200


async def cards_of(person: Person, stage_id: str) -> list[pb.Card]:
    found = await person.call("ListCards", pb.ListCardsRequest(stage_id=stage_id, page_size=200))
    return list(found.cards)


@pytest.mark.parametrize("moves", [600, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.timeout(1200)
async def test_however_often_one_gap_is_used_the_order_is_right(person: Person, moves: int) -> None:
    """Beside the board stands a plain list that is told the same."""
    dice = random.Random(moves)
    below, above = await make_deal(person), await make_deal(person)
    deals = {deal.id: deal for deal in [await make_deal(person) for _ in range(MOVERS)]}
    stage_id = below.stage_id
    for deal in list(deals.values()):
        deals[deal.id] = await person.move(deal, stage_id, after_id=above.id)
    order = [card.id for card in await cards_of(person, stage_id)]
    assert (order[0], order[-1]) == (above.id, below.id)
    longest = 0
    for number in range(1, moves + 1):
        deal = dice.choice(list(deals.values()))
        order.remove(deal.id)
        # Under the upper card or over the lower one: always the same two gaps, from either side.
        if dice.random() < 0.9:
            deals[deal.id] = await person.move(deal, stage_id, after_id=above.id)
            order.insert(1, deal.id)
        else:
            deals[deal.id] = await person.move(deal, stage_id, before_id=below.id)
            order.insert(len(order) - 1, deal.id)
        longest = max(longest, len(deals[deal.id].position))
        if number % LOOK_EVERY == 0 or number == moves:
            cards = await cards_of(person, stage_id)
            assert [card.id for card in cards] == order, number
            positions = [card.position.encode() for card in cards]
            assert positions == sorted(set(positions)), number
    assert 8 < longest <= LONGEST_KEY
    # Other cards are renumbered, but nobody has changed them.
    for deal in deals.values():
        assert (await person.deal(deal.id)).etag == deal.etag
    assert (await person.deal(above.id)).version == 1
