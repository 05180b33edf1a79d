"""Search finds what was meant, ranks it, and shows nobody what they may not see."""

from uuid import UUID

import pytest

from crm.adapters.search import MOST, forget_terms
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import deal_service_pb2 as deal_pb
from freelanceflow.crm.v1 import record_service_pb2 as record_pb
from freelanceflow.crm.v1 import search_service_pb2 as pb
from kit.database import SystemTransaction, Transaction
from kit.sight import Sight, seeing
from kit.testing.database import ServiceDatabase, recorded_queries
from services.crm.tests.factories import (
    Crm,
    Person,
    euros,
    make_activity,
    make_client,
    make_deal,
    mask,
)


async def search(person: Person, text: str) -> list[pb.SearchResult]:
    """What is found."""
    found = await person.call("Search", pb.SearchRequest(text=text))
    return list(found.results)


async def titles(person: Person, text: str) -> list[str]:
    """Their titles, the best first."""
    return [result.title for result in await search(person, text)]


@pytest.mark.parametrize(
    ("title", "asked"),
    [
        ("Café Société", "cafe societe"),
        ("Müller Straße", "muller strasse"),
        ("Brauerei Kroß", "kross"),
        ("Website relaunch", "relaunch website"),
        ("Website relaunch", "web rel"),
        ("Website relaunch", "wensite"),
        ("Heron Architects", "archtects"),
        ("Catalogue for Heron Architects 4711", "architects 4711 heron logue"),
        ("Catalogue for Heron Architects 4711", "a for 47 heron architects catalogue"),
        ("Catalogue for Heron Architects 4711", "cataloge herons"),
        ("Łódź", "lodz"),
        ("日本語 会社", "日本"),
        ("50% off & more", "50% off"),
        ("a_b", "a_b"),
        ("O'Neill", "o'neill"),
    ],
)
async def test_accents_order_beginnings_and_typing_errors_do_not_matter(
    person: Person, title: str, asked: str
) -> None:
    await make_deal(person, name=title)
    await make_deal(person, name="Something else entirely")
    assert (await titles(person, asked))[:1] == [title]


async def test_what_is_meant_comes_first(person: Person) -> None:
    for name in ("Old website", "Websites for Heron", "Website"):
        await make_deal(person, name=name)
    await make_client(person, name="Webster", emails=["hello@website.example"])
    assert (await titles(person, "website"))[:2] == ["Website", "Websites for Heron"]
    assert set(await titles(person, "website")) == {
        "Website",
        "Websites for Heron",
        "Old website",
        "Webster",
    }
    assert await titles(person, "") == await titles(person, "  ") == []
    assert await titles(person, "xyzzyx") == []


async def test_results_show_what_they_are(person: Person) -> None:
    client = await make_client(person, name="Weir Brewery", phones=["+49 30 123456"])
    deal = await make_deal(person, name="Labels", client_id=client.id, amount=euros(500))
    activity = await make_activity(person, subject="Ask about labels", deal_id=deal.id)
    for number in ("030123456", "30123456", "4930123456", "+49 30 123"):
        (found,) = await search(person, number)
        assert (found.id, found.kind) == (client.id, record_pb.RECORD_KIND_CLIENT)
    by_kind = {result.kind: result for result in await search(person, "labels")}
    shown = by_kind[record_pb.RECORD_KIND_DEAL]
    assert (shown.id, shown.amount, shown.client_name) == (deal.id, euros(500), "Weir Brewery")
    assert shown.stage_name == "Prospecting"
    shown = by_kind[record_pb.RECORD_KIND_ACTIVITY]
    assert (shown.id, shown.deal_name, shown.shown_on_id) == (activity.id, "Labels", deal.id)


async def test_a_person_is_told_from_a_company(person: Person) -> None:
    company = await make_client(person, name="Weir Brewery")
    await make_client(
        person, name="Weir Anna", kind=client_pb.CLIENT_KIND_PERSON, parent_id=company.id
    )
    by_kind = {result.client_kind: result for result in await search(person, "weir")}
    found = by_kind[client_pb.CLIENT_KIND_PERSON]
    assert (found.title, found.client_name) == ("Weir Anna", "Weir Brewery")
    found = by_kind[client_pb.CLIENT_KIND_COMPANY]
    assert (found.title, found.client_name) == ("Weir Brewery", "")


async def test_at_most_so_many_of_each_kind(person: Person, app: App) -> None:
    for number in range(MOST + 3):
        await make_deal(person, name=f"Poster {number}")
    await make_client(person, name="Poster house")
    with recorded_queries(app.pool) as queries:
        found = await search(person, "poster")
    assert len(queries) <= 1, queries
    kinds = [result.kind for result in found]
    assert kinds.count(record_pb.RECORD_KIND_DEAL) == MOST
    assert kinds.count(record_pb.RECORD_KIND_CLIENT) == 1


async def test_the_index_follows_every_change(person: Person) -> None:
    deal = await make_deal(person, name="Alpha")
    renamed = deal_pb.UpdateDealRequest(
        deal=deal_pb.Deal(id=deal.id, name="Omega"), update_mask=mask("name"), etag=deal.etag
    )
    deal = await person.call("UpdateDeal", renamed)
    assert (await titles(person, "alpha"), await titles(person, "omega")) == ([], ["Omega"])
    moved = await person.move(deal, (await person.stages())["Engaging"])
    await person.call("DeleteDeal", deal_pb.DeleteDealRequest(deal_id=deal.id, etag=moved.etag))
    assert await titles(person, "omega") == []
    await person.call("RestoreRecord", record_pb.RestoreRecordRequest(record_id=deal.id))
    assert await titles(person, "omega") == ["Omega"]
    client = await make_client(person, name="Sigma")
    change = client_pb.UpdateClientRequest(
        client=client_pb.Client(id=client.id, emails=["noor@tau.example"]),
        update_mask=mask("emails"),
        etag=client.etag,
    )
    await person.call("UpdateClient", change)
    assert await titles(person, "tau.example") == ["Sigma"]


async def test_nobody_finds_what_they_do_not_see(
    crm: Crm, person: Person, stranger: Person
) -> None:
    seller = Person(crm, person.workspace_id)
    seller.sight = Sight((seller.user_id,))
    client = await make_client(person, name="Secret brewery", owner_id=str(person.user_id))
    deal = await make_deal(person, name="Secret label", client_id=client.id)
    await make_activity(person, subject="Secret call", deal_id=deal.id)
    own = await make_deal(seller, name="Secret of mine")
    await make_activity(person, subject="Secret hint", deal_id=own.id)
    assert len(await titles(person, "secret")) == 5
    assert set(await titles(seller, "secret")) == {"Secret of mine", "Secret hint"}
    assert await titles(stranger, "secret") == []
    seller.sight = Sight((stranger.user_id,))
    assert await titles(seller, "secret") == []


async def test_the_few_that_somebody_sees_are_found_among_many(
    crm: Crm, person: Person, database: ServiceDatabase
) -> None:
    """More than a net holds have the word, and are somebody else's."""
    seller = Person(crm, person.workspace_id)
    seller.sight = Sight((seller.user_id,))
    theirs = await make_deal(person)
    await database.owner.execute(FILL, UUID(theirs.id), 1, 4000)
    assert await titles(seller, "project") == []
    client = await make_client(seller, name="Projectors of mine")
    deal = await make_deal(seller, name="My project", client_id=client.id)
    for subject, on in (
        ("Project call", {"deal_id": deal.id}),
        ("Project mail", {"client_id": client.id}),
        ("Project task", {"deal_id": deal.id, "client_id": client.id}),
    ):
        await make_activity(person, subject=subject, **on)
    await make_activity(person, subject="Project of others", deal_id=theirs.id)
    assert sorted(await titles(seller, "project")) == [
        "My project",
        "Project call",
        "Project mail",
        "Project task",
        "Projectors of mine",
    ]
    assert sorted(await titles(seller, "prject mail")) == ["Project mail"]


@pytest.mark.parametrize("sees_all", [True, False])
@pytest.mark.parametrize("title", ["Big project", "Project"])
async def test_of_a_word_that_many_hold_the_newest_are_found(
    person: Person, database: ServiceDatabase, title: str, sees_all: bool
) -> None:
    """More begin with it, or hold it, than a net takes; equals are shown from the newest on."""
    person.sight = Sight() if sees_all else Sight((person.user_id,))
    theirs = await make_deal(person)
    await database.owner.execute(FILL, UUID(theirs.id), 1, 900)
    names = "UPDATE deals SET name = $2 WHERE workspace_id = $1 AND name LIKE 'Project %'"
    await database.owner.execute(names, person.workspace_id, title)
    newest = [(await make_deal(person, name=title)).id for _ in range(MOST)]
    found = await search(person, "project")
    assert [result.id for result in found] == newest[::-1]


async def test_the_function_itself_asks_for_workspace_and_sight(
    person: Person, stranger: Person, database: ServiceDatabase
) -> None:
    await make_deal(person, name="Hidden")
    ask = "SELECT record_id FROM search_records('hidden', 8)"
    assert await database.app.fetch(ask) == []
    for who, sight, count in (
        (person, Sight(), 1),
        (person, Sight((person.user_id,)), 1),
        (person, Sight((stranger.user_id,)), 0),
        (stranger, Sight(), 0),
    ):
        with seeing(sight):
            async with Transaction(database.app, who.workspace_id) as tx:
                assert len(await tx._connection.fetch(ask)) == count
    rights = "SELECT has_table_privilege('crm_app', 'search_index', 'INSERT, UPDATE, DELETE')"
    assert not await database.owner.fetchval(rights)
    assert not await database.owner.fetchval(
        "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'crm_definer'"
    )


FILL = """
INSERT INTO deals (id, workspace_id, version, name, stage_id, position, source, next_step, tags,
    custom_fields, entered_stage_at, created_at, updated_at, owner_id)
SELECT uuidv7(), d.workspace_id, 1, 'Project ' || md5(n::text), d.stage_id,
    'b' || lpad(n::text, 6, '0'), '', '', '{}', '{}', d.created_at, d.created_at, d.updated_at,
    d.owner_id
FROM generate_series($2::int, $3::int) n, deals d WHERE d.id = $1"""


async def test_words_are_looked_up_in_the_index_of_their_kind(
    person: Person, database: ServiceDatabase
) -> None:
    deal = await make_deal(person)
    await database.owner.execute(FILL, UUID(deal.id), 1, 4000)
    await database.owner.execute("SELECT refresh_statistics()")
    # That skips a table which autovacuum looks at in this moment; this waits.
    await database.owner.execute("ANALYZE search_index")
    async with SystemTransaction(database.owner) as tx:
        # So few rows are read as quickly one by one; what matters is that the index can serve.
        await tx._connection.execute("SET LOCAL enable_seqscan = off")
        plan = await tx._connection.fetch(
            f"EXPLAIN SELECT 1 FROM search_index WHERE workspace_id = '{person.workspace_id}'"
            " AND kind = 'deal' AND words LIKE '%abcdef%'"
        )
    assert "ix_search_index_deals" in "\n".join(line[0] for line in plan)
    name = (await person.list_deals(page_size=1)).deals[0].name
    assert name in await titles(person, name.removeprefix("Project ")[4:20])


async def test_each_search_reads_little_that_is_not_in_order_yet(
    person: Person, database: ServiceDatabase
) -> None:
    """Pages that wait in an index: few after single deals, more after many at once."""
    deal = UUID((await make_deal(person)).id)
    put_in_order = "SELECT gin_clean_pending_list('ix_search_index_deals')"
    await database.owner.fetchval(put_in_order)
    for number in range(200):
        await database.owner.execute(FILL, deal, number, number)
    assert await database.owner.fetchval(put_in_order) <= 10
    await database.owner.execute(FILL, deal, 1000, 1400)
    assert await database.owner.fetchval(put_in_order) > 10


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("kestrl", ["Kestrel Forge"]),  # a letter less
        ("kestrell", ["Kestrel Forge"]),
        ("forge kestrl", ["Kestrel Forge"]),  # only what is unknown is guessed
        ("kestrl frge", ["Kestrel Forge"]),
        ("kestrl 2027", []),  # numbers are what they are
        ("kestrl otter", []),  # every word has to be there
        ("otter", ["Otter Mill"]),
    ],
)
async def test_typing_errors_are_looked_up_among_known_words(
    person: Person, asked: str, found: list[str]
) -> None:
    for name in ("Kestrel Forge", "Otter Mill"):
        await make_deal(person, name=name)
    assert await titles(person, asked) == found


async def test_known_words_are_of_the_workspace_and_go_with_their_records(
    person: Person, stranger: Person, app: App, database: ServiceDatabase
) -> None:
    async def known(who: Person) -> list[str]:
        terms = "SELECT word FROM search_terms WHERE workspace_id = $1 ORDER BY word"
        return [row["word"] for row in await database.owner.fetch(terms, who.workspace_id)]

    deal = await make_deal(person, name="Kestrel 2027, kestrel@forge.example")
    await make_deal(person, name="Kestrel again")
    await make_deal(stranger, name="Heron")
    assert await known(person) == ["again", "kestrel"]
    renamed = deal_pb.UpdateDealRequest(
        deal=deal_pb.Deal(id=deal.id, name="Otter"), update_mask=mask("name"), etag=deal.etag
    )
    deal = await person.call("UpdateDeal", renamed)
    assert await known(person) == ["again", "kestrel", "otter"]
    await person.call("DeleteDeal", deal_pb.DeleteDealRequest(deal_id=deal.id, etag=deal.etag))
    await forget_terms(app.system, person.workspace_id)
    assert await known(person) == ["again", "kestrel"]
    assert await known(stranger) == ["heron"]


async def test_a_question_is_never_a_statement(person: Person) -> None:
    await make_deal(person, name="It's 100% done")
    for asked in ("it's", "100%", "'; DELETE FROM deals; --", "%s %L %1$s", "\\", "$found$"):
        await search(person, asked)
    assert await titles(person, "100% it's") == ["It's 100% done"]
