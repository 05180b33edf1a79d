"""The board: its sums are always those of a recount, whatever happens at once."""

import asyncio
import random
from datetime import timedelta
from uuid import UUID

import pytest

from crm.adapters import board
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import deal_service_pb2 as pb
from freelanceflow.type.v1 import money_pb2
from kit.clock import FakeClock
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
from kit.testing.database import ServiceDatabase
from services.crm.tests.factories import Crm, Person, euros, make_deal, mask, refused, where

RECOUNT = """
SELECT stage_id, coalesce(owner_id, '00000000-0000-0000-0000-000000000000') AS owner_id,
    coalesce(currency, '') AS currency, count(*) AS deals,
    coalesce(sum(amount_minor), 0) AS amount_minor,
    coalesce(sum(round(amount_minor * win_probability)::bigint), 0) AS weighted_minor,
    coalesce(sum(amount_minor) FILTER (WHERE win_probability IS NULL), 0) AS unscored_minor
FROM deals WHERE workspace_id = $1 AND deleted_at IS NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
KEPT = """
SELECT stage_id, owner_id, currency, sum(deals) AS deals, sum(amount_minor) AS amount_minor,
    sum(weighted_minor) AS weighted_minor, sum(unscored_minor) AS unscored_minor
FROM board_totals WHERE workspace_id = $1 GROUP BY 1, 2, 3
HAVING sum(deals) <> 0 OR sum(amount_minor) <> 0 OR sum(weighted_minor) <> 0
    OR sum(unscored_minor) <> 0
ORDER BY 1, 2, 3"""


async def expect_totals_to_be_a_recount(database: ServiceDatabase, workspace_id: UUID) -> None:
    counted = await database.owner.fetch(RECOUNT, workspace_id)
    kept = await database.owner.fetch(KEPT, workspace_id)
    assert [tuple(row) for row in kept] == [tuple(row) for row in counted]


async def anything(person: Person, dice: random.Random, database: ServiceDatabase) -> None:
    """One random thing that people, programs or analytics do to deals."""
    stages, deals = await person.stages(), (await person.list_deals(page_size=20)).deals
    what = dice.choice(["create", "move", "move", "edit", "delete", "score", "score many"])
    if what == "create" or not deals:
        money = money_pb2.Money(
            amount_minor=dice.randrange(1000), currency_code=dice.choice(["EUR", "USD", "JPY"])
        )
        await make_deal(person, amount=dice.choice([None, money]))
        return
    deal = dice.choice(deals)
    match what:
        case "move":
            await person.move(deal, stages[dice.choice(["Engaging", "Proposal", "Won"])])
        case "edit":
            new = pb.Deal(id=deal.id, amount=dice.choice([None, euros(dice.randrange(1000))]))
            fields = mask(*dice.sample(["amount", "owner_id", "client_id"], 2))
            request = pb.UpdateDealRequest(deal=new, update_mask=fields, etag=deal.etag)
            await person.call("UpdateDeal", request)
        case "delete":
            await person.call("DeleteDeal", pb.DeleteDealRequest(deal_id=deal.id, etag=deal.etag))
        case "score":
            sql = "UPDATE deals SET win_probability = $1 WHERE id = $2"
            await database.owner.execute(sql, dice.choice([None, dice.random()]), UUID(deal.id))
        case "score many":
            sql = "UPDATE deals SET win_probability = $1 WHERE workspace_id = $2"
            await database.owner.execute(sql, dice.random(), person.workspace_id)


@pytest.mark.parametrize("seed", range(4))
async def test_totals_are_a_recount_after_anything_at_once(
    person: Person, app: App, database: ServiceDatabase, seed: int
) -> None:
    dice = random.Random(seed)

    async def somebody() -> None:
        for _ in range(12):
            try:
                await anything(person, dice, database)
            except RemoteError as error:
                if error.kind not in (ErrorKind.STALE, ErrorKind.NOT_FOUND):
                    raise  # else the others were quicker

    async def compacting() -> None:
        while True:
            await board.compact(app.system)
            await asyncio.sleep(0.005)

    loop = asyncio.create_task(compacting())
    await asyncio.gather(*(somebody() for _ in range(4)))
    loop.cancel()
    await expect_totals_to_be_a_recount(database, person.workspace_id)
    await board.compact(app.system)
    await expect_totals_to_be_a_recount(database, person.workspace_id)
    rows = await database.owner.fetchval(
        "SELECT max(n) FROM (SELECT count(*) AS n FROM board_totals WHERE workspace_id = $1 "
        "GROUP BY stage_id, owner_id, currency) x",
        person.workspace_id,
    )
    assert rows in (None, 1)
    await database.owner.execute(
        "DELETE FROM deal_history WHERE workspace_id = $1", person.workspace_id
    )
    await database.owner.execute("DELETE FROM deals WHERE workspace_id = $1", person.workspace_id)
    assert await database.owner.fetch(KEPT, person.workspace_id) == []


async def test_sums_of_the_whole_of_owners_and_of_filters_agree(
    crm: Crm, person: Person, database: ServiceDatabase
) -> None:
    colleague = Person(crm, person.workspace_id)
    stages = await person.stages()
    mine = await make_deal(person, amount=euros(1000), source="web")
    await make_deal(colleague, amount=euros(505), source="web")
    await make_deal(person, amount=money_pb2.Money(currency_code="USD", amount_minor=7))
    await make_deal(person, amount=None)
    await person.move(await make_deal(person, amount=euros(9)), stages["Won"])
    await database.owner.execute(
        "UPDATE deals SET win_probability = 0.255 WHERE id = $1", UUID(mine.id)
    )
    whole = (await person.board())["Prospecting"]
    assert (whole.count, whole.sum, whole.unconverted[0].amount_minor) == (4, euros(1505), 7)
    assert whole.weighted_sum == euros(255 + 50)  # 0.255 of 1000, and 0.1 of 505
    for columns in (
        await person.board(where("owner_id", "EQ", str(person.user_id))),
        await person.board(where("owner_id", "IN", str(person.user_id), mine.client_id or mine.id)),
        await person.board(
            where("owner_id", "EQ", str(person.user_id)), where("name", "CONTAINS", "")
        ),
    ):
        column = columns["Prospecting"]
        assert (column.count, column.sum, column.weighted_sum) == (3, euros(1000), euros(255))
        assert columns["Won"].sum == euros(9)
    web = (await person.board(where("source", "EQ", "web")))["Prospecting"]
    assert (web.count, web.sum, len(web.cards)) == (2, euros(1505), 2)
    nobodys = await person.board(where("owner_id", "ISNULL", "true"))
    assert nobodys["Prospecting"].count == 0


async def test_a_long_column_goes_on_where_the_board_ends(person: Person) -> None:
    made = [(await make_deal(person)).id for _ in range(30)]
    column = (await person.board())["Prospecting"]
    assert len(column.cards) == 25
    further = await person.call(
        "ListCards",
        pb.ListCardsRequest(stage_id=column.stage.id, page_token=column.next_page_token),
    )
    cards = [*column.cards, *further.cards]
    assert [card.id for card in cards] == made[::-1]
    assert further.next_page_token == ""
    first = await person.call("ListCards", pb.ListCardsRequest(stage_id=column.stage.id))
    assert list(first.cards) == list(column.cards)
    with refused(ErrorKind.INVALID, "FIELD_NOT_FILTERABLE"):
        await person.board(where("stage_id", "EQ", column.stage.id))


async def test_totals_alone_bring_no_cards(person: Person) -> None:
    await make_deal(person)
    board = await person.call("GetBoard", pb.GetBoardRequest(totals_only=True))
    assert (board.columns[0].count, list(board.columns[0].cards)) == (1, [])


async def test_what_is_left_lying_rots(person: Person, clock: FakeClock) -> None:
    deal = await make_deal(person)
    clock.advance(timedelta(days=31))
    assert (await person.deal(deal.id)).rotting
    assert (await person.board())["Prospecting"].cards[0].rotting
