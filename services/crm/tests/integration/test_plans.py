"""What is asked all the time reads an index and nothing else: shown as the app role, at size."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from crm.adapters import board, bulk, bulk_lookups, deal_queries
from crm.adapters.activity_queries import ACTIVITIES
from crm.adapters.client_queries import CLIENTS
from crm.adapters.deal_statements import LOAD_TO_MOVE, SURROUNDINGS
from crm.adapters.search import SEARCH
from kit.database import Statement, Transaction
from kit.ids import new_id
from kit.provision import with_database
from kit.sight import EVERYTHING, Sight, seeing
from kit.testing.database import ServiceDatabase
from services.crm.tests.factories import Crm, Person, make_deal

DEALS, OTHERS, CLIENTS_EACH = 12_000, 4, 5_000
COPY = """
INSERT INTO deals (id, workspace_id, version, name, stage_id, position, source, next_step, tags,
    custom_fields, entered_stage_at, created_at, updated_at, amount_minor, currency, owner_id)
SELECT gen_random_uuid(), d.workspace_id, 1, 'Deal ' || n, s.id, 'b' || lpad(n::text, 6, '0'), '',
    '', '{}', '{}', now(), now() - n * interval '1 minute', now(), n, 'EUR', d.owner_id
FROM generate_series(1, $2::int) n, deals d
JOIN stages s ON s.workspace_id = d.workspace_id
WHERE d.id = $1 AND s.position = n % 5"""
THEIR_HISTORY = """
INSERT INTO deal_history (id, workspace_id, deal_id, version, kind, happened_at, changes)
SELECT gen_random_uuid(), workspace_id, id, 2, 'reordered', now(), '[]'
FROM deals WHERE workspace_id = $1"""
CLIENTS_OF = """
INSERT INTO clients (id, workspace_id, version, kind, name, emails, phones, address, website,
    tags, custom_fields, notes, created_at, updated_at, owner_id)
SELECT gen_random_uuid(), $1, 1, 'company', md5(n::text), '{}', '{}', '', '', '{}', '{}', '',
    now(), now(), $2
FROM generate_series(1, 5000) n"""

SOLD = """
INSERT INTO deals (id, workspace_id, version, name, stage_id, position, source, next_step, tags,
    custom_fields, entered_stage_at, created_at, updated_at, closed_at, amount_minor, currency,
    client_id, owner_id)
SELECT gen_random_uuid(), $1, 1, 'Deal', s.id, 'b' || c.id, '', '', '{}', '{}', now(), now(), now(),
    now() - interval '1 month', 100, 'USD', c.id, c.owner_id
FROM clients c JOIN stages s ON s.workspace_id = $1 AND s.type = 'won' WHERE c.workspace_id = $1"""
CALLED = """
INSERT INTO activities (id, workspace_id, version, kind, subject, body, client_id, owner_id,
    done_at, created_at, updated_at)
SELECT gen_random_uuid(), $1, 1, 'call', '', '', id, owner_id, now(), now(), now()
FROM clients WHERE workspace_id = $1"""
RATED = """
INSERT INTO currency_rates (workspace_id, base, currency, valid_from, version, rate, factor,
    updated_at)
SELECT $1, 'EUR', 'USD', current_date - n, 1, 0.9, 0.9, now() FROM generate_series(0, 99) n"""


@pytest.fixture(scope="module")
async def seller(crm: Crm, database: ServiceDatabase) -> Person:
    """Somebody with twelve thousand deals, among others who have some as well."""
    person = Person(crm)
    for who in (person, *(Person(crm) for _ in range(OTHERS))):
        deal = await make_deal(who)
        count = DEALS if who is person else DEALS // OTHERS
        await database.owner.execute(COPY, UUID(deal.id), count)
        await database.owner.execute(THEIR_HISTORY, who.workspace_id)
        await database.owner.execute(CLIENTS_OF, who.workspace_id, None)
    await database.owner.execute("ANALYZE")
    return person


async def plan(
    database: ServiceDatabase, person: Person, statement: Statement, **values: Any
) -> str:
    """As the app role in the workspace, with the plan that prepared statements come to."""
    values["workspace"] = person.workspace_id
    async with Transaction(database.app, person.workspace_id) as tx:
        await tx._connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        lines = await tx._connection.fetch(
            f"EXPLAIN (COSTS OFF) {statement.sql}", *statement.arguments(values)
        )
    return "\n".join(line[0] for line in lines)


def expect(plan: str, *indexes: str) -> None:
    for index in indexes:
        assert index in plan, plan
    assert "Seq Scan on deals" not in plan, plan
    assert "Bitmap Heap Scan on deals" not in plan, plan


EMPTY = (  # as the planner knows a table that is only being filled
    "UPDATE pg_class SET reltuples = 0, relpages = 0 WHERE relname = $1",
    "DELETE FROM pg_statistic WHERE starelid = $1::regclass",
)


@pytest.mark.parametrize("table", ["deals", "clients"])
@pytest.mark.parametrize("known", [True, False], ids=["analyzed", "being filled"])
async def test_a_batch_of_an_import_looks_up_ids_of_the_source(
    database: ServiceDatabase, seller: Person, postgres: str, table: str, known: bool
) -> None:
    """Not the whole workspace for each batch, also before anybody has counted what came in."""
    statement = bulk.KNOWN_DEALS if table == "deals" else bulk.KNOWN_CLIENTS
    if not known:
        name = database.dsns["owner"].rpartition("/")[2]
        admin = await asyncpg.connect(with_database(postgres, name))
        for forget in EMPTY:
            await admin.execute(forget, table)
        await admin.close()
    try:
        found = await plan(database, seller, statement, names=[f"b{n}" for n in range(500)])
    finally:
        await database.owner.execute(f"ANALYZE {table}")
    assert f"Index Scan using ux_{table}_external_id" in found, found
    assert "external_id = given.id" in found, found


async def test_a_batch_of_an_import_looks_up_deals_of_nobody(
    database: ServiceDatabase, seller: Person
) -> None:
    """All of the seller's deals are nobody's, and only their names tell them apart."""
    wanted = {
        "names": [f"deal {n}" for n in range(500)],
        "clients": [None] * 500,
        "amounts": list(range(500)),
    }
    found = await plan(database, seller, bulk_lookups.DEALS_ALIKE, **wanted)
    assert "ix_deals_of_nobody on deals t" in found, found
    assert "sort_name = g_1.name)" in found, found


async def test_the_first_page_and_the_next(database: ServiceDatabase, seller: Person) -> None:
    first = deal_queries.DEALS._page((), (("created_at", True),), 50, False)
    expect(await plan(database, seller, first), "ix_deals_list")
    following = deal_queries.DEALS._page((), (("created_at", True),), 50, True)
    deal = (await seller.list_deals(page_size=1)).deals[0]
    found = await plan(
        database,
        seller,
        following,
        k0=deal.create_time.ToDatetime(None).astimezone(),
        k1=UUID(deal.id),
    )
    expect(found, "ix_deals_list", "ROW(created_at, id) < ROW(")


async def test_one_deal(database: ServiceDatabase, seller: Person) -> None:
    expect(await plan(database, seller, deal_queries.GET, deal=new_id()), "deals_pkey")


async def test_the_board(database: ServiceDatabase, seller: Person) -> None:
    expect(await plan(database, seller, board._cards(())), "ix_deals_board")
    totals = await plan(database, seller, board.TOTALS)
    assert " on deals" not in totals, totals
    page = deal_queries.CARDS._page((), (("position", False),), 25, True)
    found = await plan(database, seller, page, stage=new_id(), k0="b1", k1=new_id())
    expect(found, "ix_deals_board", "position")


async def test_a_board_of_a_few_hundred(database: ServiceDatabase, crm: Crm) -> None:
    """The first cards are read in their order, not found by sorting whole columns."""
    person = Person(crm)
    deal = await make_deal(person)
    await database.owner.execute(COPY, UUID(deal.id), 2_000)
    await database.owner.execute("ANALYZE deals")
    found = await plan(database, person, board._cards(()))
    expect(found, "ix_deals_board")
    assert 'Sort Key: deals."position"' not in found, found


async def test_who_sees_some_reads_an_index_too(database: ServiceDatabase, seller: Person) -> None:
    with seeing(Sight((new_id(),))):
        expect(await plan(database, seller, board._cards(())), "ix_deals_board")
        found = await plan(database, seller, deal_queries.GET, deal=new_id())
        expect(found, "deals_pkey", "owner_id = ANY")


async def test_history(database: ServiceDatabase, seller: Person) -> None:
    found = await plan(database, seller, deal_queries.HISTORY, deal=new_id(), below=9, size=51)
    expect(found, "deal_history_pkey")
    assert "Sort" not in found, found


async def test_what_a_move_and_a_creation_look_at(
    database: ServiceDatabase, seller: Person
) -> None:
    ids = dict.fromkeys(("deal", "stage", "after", "before", "reason", "by"), new_id())
    expect(await plan(database, seller, LOAD_TO_MOVE, **ids), "deals_pkey", "ix_deals_board")
    ids = dict.fromkeys(("stage", "client", "owner"), new_id())
    expect(await plan(database, seller, SURROUNDINGS, **ids), "ix_deals_board")


async def test_clients_by_name(database: ServiceDatabase, seller: Person) -> None:
    following = CLIENTS._page((), (("name", False),), 50, True)
    found = await plan(database, seller, following, k0="a", k1=new_id())
    assert "ix_clients_list" in found, found
    assert "Seq Scan on deals" not in found, found


@pytest.fixture(scope="module")
async def agency(crm: Crm, database: ServiceDatabase) -> Person:
    """Five thousand clients who brought something and were spoken with, and rates of a season."""
    person = Person(crm)
    owner = UUID((await make_deal(person)).owner_id)
    await database.owner.execute(CLIENTS_OF, person.workspace_id, owner)
    for fill in (SOLD, CALLED, RATED):
        await database.owner.execute(fill, person.workspace_id)
    await database.owner.execute("ANALYZE")
    return person


@pytest.mark.parametrize("field", ["won_value", "last_contact_at"])
@pytest.mark.parametrize("sees_all", [True, False], ids=["all", "some"])
async def test_clients_by_what_they_come_to(
    database: ServiceDatabase, agency: Person, field: str, sees_all: bool
) -> None:
    """No client is held against each other one, and no deal against each rate."""
    read = CLIENTS._page((), ((field, True),), 50, False)
    with seeing(EVERYTHING if sees_all else Sight((agency.user_id,))):
        arguments = read.arguments({"workspace": agency.workspace_id})
        asked = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {read.sql}"
        found = await database.app.fetchval(asked, *arguments)
    touched = max(_touched(json.loads(found)[0]["Plan"]))
    assert touched <= 10 * CLIENTS_EACH, found


def _touched(node: dict[str, Any]) -> Iterator[float]:
    """How many rows each part of a plan has looked at, in all."""
    looked_at = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter")
    yield node["Actual Loops"] * sum(node.get(name, 0) for name in looked_at)
    for part in node.get("Plans", ()):
        yield from _touched(part)


async def test_who_sees_their_own_has_nothing_read_but_what_is_asked_for(
    database: ServiceDatabase, seller: Person
) -> None:
    """As reads are planned: before anybody has said which workspace it is."""
    first = ACTIVITIES._page((), (("due_at", False),), 50, False)
    with seeing(Sight((seller.user_id,))):
        for read, values in ((SEARCH, {"asked": "deal"}), (first, {})):
            arguments = read.arguments({"workspace": seller.workspace_id, **values})
            lines = await database.app.fetch(f"EXPLAIN (COSTS OFF) {read.sql}", *arguments)
            found = "\n".join(line[0] for line in lines)
            assert "hashed SubPlan" not in found, found
            assert "Seq Scan on deals" not in found, found
