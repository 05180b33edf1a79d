"""Moves: where a card comes down, what it costs, and what happens when many move at once."""

import asyncio
from uuid import UUID

import pytest

from crm.adapters.ordering import LONGEST_KEY
from freelanceflow.crm.v1 import deal_service_pb2 as pb
from kit.errors import ErrorKind
from kit.ids import new_id
from kit.rpc.errors import DeadlineExceeded, RemoteError
from kit.testing.database import ServiceDatabase, recorded_queries
from services.crm.tests.factories import Person, make_deal, refused


async def column_of(person: Person, name: str) -> list[str]:
    return [card.id for card in (await person.board())[name].cards]


async def test_a_card_comes_down_where_it_was_let_go(person: Person) -> None:
    stages = await person.stages()
    here = stages["Engaging"]
    c, b, a = [await make_deal(person, stage_id=here) for _ in range(3)]
    x = await make_deal(person)

    x = await person.move(x, here, after_id=a.id)
    assert await column_of(person, "Engaging") == [a.id, x.id, b.id, c.id]
    x = await person.move(x, here, after_id=c.id)
    assert await column_of(person, "Engaging") == [a.id, b.id, c.id, x.id]
    x = await person.move(x, here, before_id=b.id)
    assert await column_of(person, "Engaging") == [a.id, x.id, b.id, c.id]
    x = await person.move(x, here)
    assert await column_of(person, "Engaging") == [x.id, a.id, b.id, c.id]
    gone = str(new_id())
    x = await person.move(x, here, after_id=gone, before_id=c.id)
    assert await column_of(person, "Engaging") == [a.id, b.id, x.id, c.id]
    x = await person.move(x, here, after_id=gone)
    assert await column_of(person, "Engaging") == [x.id, a.id, b.id, c.id]


async def test_within_a_column_only_the_order_changes(person: Person) -> None:
    below, above = await make_deal(person), await make_deal(person)
    moved = await person.move(above, above.stage_id, after_id=below.id)
    assert moved.enter_stage_time == above.enter_stage_time
    request = pb.ListDealHistoryRequest(deal_id=above.id)
    history = await person.call("ListDealHistory", request)
    assert [entry.kind for entry in history.entries] == ["reordered", "created"]


async def test_a_deal_is_lost_for_a_reason(person: Person) -> None:
    deal, stages, reasons = (
        await make_deal(person),
        await person.stages(),
        await person.lost_reasons(),
    )
    with refused(ErrorKind.INVALID, "LOST_REASON_MISSING"):
        await person.move(deal, stages["Lost"])
    with refused(ErrorKind.NOT_FOUND, "LOST_REASON_NOT_FOUND"):
        await person.move(deal, stages["Lost"], lost_reason_id=str(new_id()))
    lost = await person.move(deal, stages["Lost"], lost_reason_id=reasons["Price"])
    assert (lost.lost_reason_name, lost.HasField("close_time")) == ("Price", True)
    again = await person.move(lost, stages["Engaging"])
    assert (again.lost_reason_id, again.HasField("close_time")) == ("", False)


async def test_a_stage_that_is_not_there_is_refused(person: Person) -> None:
    deal = await make_deal(person)
    with refused(ErrorKind.NOT_FOUND, "STAGE_NOT_FOUND"):
        await person.move(deal, str(new_id()))
    assert await person.deal(deal.id) == deal


async def test_a_move_is_four_statements(person: Person, database: ServiceDatabase) -> None:
    deal, stages = await make_deal(person), await person.stages()
    with recorded_queries(database.app) as queries:
        await person.move(deal, stages["Engaging"])
    # BEGIN with the workspace, lock and landing, save with history and event, COMMIT
    assert len(queries) == 4, queries


async def test_twenty_at_once_and_one_wins(person: Person) -> None:
    deal, stages = await make_deal(person), await person.stages()
    moves = (person.move(deal, stages["Engaging"]) for _ in range(20))
    results = await asyncio.gather(*moves, return_exceptions=True)
    won = [result for result in results if isinstance(result, pb.Deal)]
    stale = [result for result in results if isinstance(result, RemoteError)]
    assert (len(won), {error.reason for error in stale}) == (1, {"DEAL_HAS_CHANGED"})
    assert len(stale) == 19
    assert await person.deal(deal.id) == won[0]


async def test_a_key_repeats_the_first_answer(person: Person) -> None:
    deal, stages = await make_deal(person), await person.stages()
    first = await person.move(deal, stages["Engaging"], key="k1")
    assert await person.move(deal, stages["Engaging"], key="k1") == first
    with refused(ErrorKind.INVALID, "IDEMPOTENCY_KEY_REUSED"):
        await person.move(deal, stages["Won"], key="k1")
    assert (await person.deal(deal.id)).version == 2


async def test_fifty_creations_with_one_key_are_one_deal(person: Person) -> None:
    request = pb.CreateDealRequest(deal=pb.Deal(name="Once"))
    calls = (person.call("CreateDeal", request, key="k") for _ in range(50))
    results = await asyncio.gather(*calls, return_exceptions=True)
    reasons = {error.reason for error in results if isinstance(error, RemoteError)}
    assert reasons <= {"IDEMPOTENCY_KEY_IN_FLIGHT"}
    assert len({deal.id for deal in results if isinstance(deal, pb.Deal)}) == 1
    assert (await person.list_deals(with_total=True)).total == 1


async def test_a_cancelled_move_leaves_nothing_open(
    person: Person, database: ServiceDatabase
) -> None:
    deal, stages = await make_deal(person), await person.stages()
    async with database.owner.acquire() as blocker, blocker.transaction():
        await blocker.execute("SELECT 1 FROM deals WHERE id = $1 FOR UPDATE", UUID(deal.id))
        request = pb.MoveDealRequest(deal_id=deal.id, stage_id=stages["Engaging"], etag=deal.etag)
        with pytest.raises(DeadlineExceeded):
            await person.call("MoveDeal", request, within=0.3)
    assert (await person.move(deal, stages["Engaging"])).version == 2


async def test_keys_stay_short_however_often_one_gap_is_used(
    person: Person, database: ServiceDatabase
) -> None:
    below, above = await make_deal(person), await make_deal(person)
    a, b = await make_deal(person), await make_deal(person)
    # As if cards had been dropped between the two some hundred times.
    long = "a1" + "V" * LONGEST_KEY
    for deal, position in ((above, long), (below, f"{long}1")):
        await database.owner.execute(
            "UPDATE deals SET position = $1 WHERE id = $2", position, UUID(deal.id)
        )
    before = [card.id for card in (await person.board())["Prospecting"].cards]
    a = await person.move(a, a.stage_id, after_id=above.id)
    b = await person.move(b, b.stage_id, before_id=below.id)
    cards = (await person.board())["Prospecting"].cards
    assert before[-2:] == [above.id, below.id]
    assert [card.id for card in cards] == [above.id, a.id, b.id, below.id]
    assert max(len(card.position) for card in cards) <= LONGEST_KEY
