"""Who sees only their own records reaches no others: by no operation, and not by SQL."""

from typing import Any
from uuid import UUID

import pytest
from google.protobuf.descriptor import MethodDescriptor
from sqlalchemy import select

from crm.adapters.reading import Read, rows
from crm.adapters.tables import deals
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import activity_service_pb2 as activity_pb
from freelanceflow.crm.v1 import bulk_service_pb2 as bulk_pb
from freelanceflow.crm.v1 import calendar_service_pb2 as calendar_pb
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import contact_service_pb2 as contact_pb
from freelanceflow.crm.v1 import deal_service_pb2 as deal_pb
from freelanceflow.crm.v1 import duplicate_service_pb2 as duplicate_pb
from freelanceflow.crm.v1 import export_service_pb2 as export_pb
from freelanceflow.crm.v1 import record_service_pb2 as record_pb
from freelanceflow.crm.v1 import view_service_pb2 as view_pb
from kit.database import Transaction
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
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
    refused,
    where,
)
from services.crm.tests.integration.test_isolation import everything, replayed
from services.crm.tests.replay import (
    ANSWERS_FOR_EACH,
    BY_ID,
    METHODS,
    NAMES_NOTHING,
    OF_NO_MEMBER,
    REFUSES_THE_WHOLE,
    SECRET,
    Others,
    access,
)

# What belongs to all of a workspace; and imports, which auth gives to nobody who sees less than
# everything (NEEDS_ALL in auth.domain.roles). Taking out all of it is refused in test_takeout.
OF_ALL = {
    method.name
    for method in METHODS
    if (access(method).permission or "").partition(".")[0] in ("settings", "imports", "workspace")
}
# A stage is everybody's: its cards are shown as far as they are seen.
SHARED = {"ListCards"}


def narrow(crm: Crm, boss: Person, *mates: Person) -> Person:
    """A member of the same workspace who sees what is theirs, and what is their mates'."""
    member = Person(crm, boss.workspace_id)
    member.sight = Sight((member.user_id, *(mate.user_id for mate in mates)))
    return member


@pytest.fixture
async def seller(crm: Crm, person: Person) -> Person:
    """Sees their own records only."""
    return narrow(crm, person)


@pytest.fixture
async def hidden(person: Person) -> dict[str, str]:
    """Ids of what belongs to somebody else in the same workspace, by the field that takes them."""
    mine = {"owner_id": str(person.user_id), "tags": [SECRET]}
    client = await make_client(person, notes=SECRET, **mine)
    deal = await make_deal(person, client_id=client.id, source=SECRET, tags=[SECRET])
    activity = await make_activity(person, deal_id=deal.id, body=SECRET)
    stages = await person.stages()
    return {
        "client_id": client.id,
        "parent_id": client.id,
        "deal_id": deal.id,
        "activity_id": activity.id,
        "Deal.id": deal.id,
        "Client.id": client.id,
        "Activity.id": activity.id,
        "stage_id": stages["Engaging"],
    }


@pytest.fixture
async def others(person: Person, hidden: dict[str, str]) -> Others:
    """With what only operations reach."""
    trashed = await make_deal(person, source=SECRET)
    request = deal_pb.DeleteDealRequest(deal_id=trashed.id, etag=trashed.etag)
    await person.call("DeleteDeal", request)
    alike = {"owner_id": str(person.user_id), "name": "Alike", "notes": SECRET}
    three = [await make_client(person, **alike) for _ in range(4)]
    merge = await person.call(
        "MergeClients",
        duplicate_pb.MergeClientsRequest(
            client_id=three[0].id, etag="1", other_id=three[1].id, other_etag="1"
        ),
    )
    asked = export_pb.CreateExportRequest(
        resource=export_pb.EXPORT_RESOURCE_DEALS, format=export_pb.EXPORT_FORMAT_CSV
    )
    export = await person.call("CreateExport", asked)
    view = view_pb.View(resource="deals", name=SECRET)
    kept = await person.call("CreateView", view_pb.CreateViewRequest(view=view))
    await person.call("CreateCalendarFeed", calendar_pb.CreateCalendarFeedRequest())
    return Others(
        {
            **hidden,
            "record_id": trashed.id,
            "other_id": three[2].id,
            "other_etag": "1",
            "merge_id": merge.id,
            "export_id": export.id,
            "job_id": export.job_id,
            "view_id": kept.id,
            "View.id": kept.id,
        }
    )


@pytest.mark.parametrize(
    "method",
    [method for method in BY_ID if method.name not in OF_ALL | SHARED],
    ids=lambda method: method.name,
)
async def test_records_out_of_sight_are_not_found_and_nothing_is_written(
    person: Person,
    seller: Person,
    others: Others,
    database: ServiceDatabase,
    method: MethodDescriptor,
) -> None:
    before = await everything(database, person.workspace_id)
    with pytest.raises(RemoteError) as refusal:
        await seller.call(method.name, others.request(method))
    assert refusal.value.kind is ErrorKind.NOT_FOUND
    assert SECRET not in refusal.value.message
    assert await everything(database, person.workspace_id) == before


@pytest.mark.parametrize("name", sorted((NAMES_NOTHING - OF_ALL) | SHARED))
async def test_what_names_nothing_tells_nothing_out_of_sight_and_leaves_it_alone(
    person: Person, seller: Person, others: Others, database: ServiceDatabase, name: str
) -> None:
    del others.ids["stage_id"]  # everybody's
    stages = await person.stages()
    asked = Others({**others.ids, "stage_id": stages["Prospecting"]})
    before = await records_of(database, person)
    assert not others.are_told_of(await replayed(seller, asked, name))
    assert await records_of(database, person) == before


@pytest.mark.parametrize("name", sorted(ANSWERS_FOR_EACH))
async def test_one_of_many_out_of_sight_is_not_found_by_itself(
    person: Person, seller: Person, others: Others, database: ServiceDatabase, name: str
) -> None:
    before = await records_of(database, person)
    (answer,) = await replayed(seller, others, name)
    assert [result.reason.endswith("_NOT_FOUND") for result in answer.results] == [True] * 3
    assert await records_of(database, person) == before


def test_every_operation_is_replayed_or_belongs_to_all() -> None:
    replayed_here = {method.name for method in BY_ID} | NAMES_NOTHING | ANSWERS_FOR_EACH
    left_out = {method.name for method in METHODS} - replayed_here
    assert left_out == OF_NO_MEMBER | REFUSES_THE_WHOLE
    assert REFUSES_THE_WHOLE <= OF_ALL


async def records_of(database: ServiceDatabase, person: Person) -> list[Any]:
    """All that somebody owns."""
    return [
        await database.owner.fetch(
            f"SELECT * FROM {table} WHERE workspace_id = $1 AND {column} = $2 ORDER BY id",
            person.workspace_id,
            person.user_id,
        )
        for table, column in (
            *((table, "owner_id") for table in ("clients", "deals", "activities", "views")),
            *((table, "created_by") for table in ("exports", "merges")),
        )
    ]


async def test_lists_board_and_sums_are_those_of_what_is_seen(
    crm: Crm, person: Person, seller: Person, hidden: dict[str, str]
) -> None:
    mine = await make_deal(seller, amount=euros(700), source="web")
    own = await make_client(seller)
    todo = await make_activity(seller, client_id=own.id)
    assert own.owner_id == str(seller.user_id)
    for who in (seller, narrow(crm, person, seller)):
        listed = await who.list_deals(with_total=True)
        assert ([deal.id for deal in listed.deals], listed.total) == ([mine.id], 1)
        for conditions in (
            [],
            [where("owner_id", "EQ", str(seller.user_id))],
            [where("source", "EQ", "web")],
        ):
            column = (await who.board(*conditions))["Prospecting"]
            assert (column.count, column.sum) == (1, euros(700))
            assert [card.id for card in column.cards] == [mine.id]
        others = await who.board(where("owner_id", "EQ", str(person.user_id)))
        assert others["Prospecting"].count == 0
        clients = await who.call("ListClients", client_pb.ListClientsRequest(with_total=True))
        assert ([client.id for client in clients.clients], clients.total) == ([own.id], 1)
        found = await who.call("ListActivities", activity_pb.ListActivitiesRequest())
        assert [activity.id for activity in found.activities] == [todo.id]
    assert (await person.list_deals(with_total=True)).total == 2
    assert (await person.board())["Prospecting"].count == 2


async def test_a_team_sees_each_others_records_and_changes_them(
    crm: Crm, person: Person, seller: Person, hidden: dict[str, str]
) -> None:
    mate = narrow(crm, person, seller)
    deal = await make_deal(seller)
    stages = await mate.stages()
    moved = await mate.move(deal, stages["Engaging"])
    assert moved.version == 2
    with refused(ErrorKind.NOT_FOUND, "DEAL_NOT_FOUND"):
        await seller.deal((await make_deal(mate)).id)
    with refused(ErrorKind.NOT_FOUND, "DEAL_NOT_FOUND"):
        await mate.deal(hidden["deal_id"])


async def test_whoever_sees_a_deal_sees_what_others_did_for_it(
    person: Person, seller: Person
) -> None:
    deal = await make_deal(seller)
    activity = await make_activity(person, deal_id=deal.id)
    request = activity_pb.GetActivityRequest(activity_id=activity.id)
    assert (await seller.call("GetActivity", request)).id == activity.id
    history = await seller.call("ListDealHistory", deal_pb.ListDealHistoryRequest(deal_id=deal.id))
    assert [entry.kind for entry in history.entries] == ["created"]


async def test_no_client_is_deleted_whose_records_one_does_not_see(
    crm: Crm, person: Person, seller: Person
) -> None:
    """In thirty days they would lose their client, or their company, without being asked."""
    mine = {"owner_id": str(seller.user_id)}
    theirs = {"owner_id": str(person.user_id)}
    company = client_pb.CLIENT_KIND_COMPANY
    clients = [await make_client(seller, kind=company, **mine) for _ in range(4)]
    sold, led, known, free = clients
    await make_deal(person, client_id=sold.id, **theirs)
    await make_client(person, parent_id=led.id, **theirs)
    deal = await make_deal(person, **theirs)
    contact = contact_pb.PutDealContactRequest(deal_id=deal.id, client_id=known.id)
    await person.call("PutDealContact", contact)
    await make_deal(seller, client_id=free.id, **mine)
    gone = await make_deal(person, client_id=free.id, **theirs)
    request = deal_pb.DeleteDealRequest(deal_id=gone.id, etag=gone.etag)
    await person.call("DeleteDeal", request)  # what is in the trash itself is no obstacle

    def deletion(client: client_pb.Client) -> client_pb.DeleteClientRequest:
        return client_pb.DeleteClientRequest(client_id=client.id, etag=client.etag)

    for client in (sold, led, known):
        with refused(ErrorKind.REFUSED, "CLIENT_OUT_OF_SIGHT"):
            await seller.call("DeleteClient", deletion(client))
    many = bulk_pb.BulkChange(
        action=bulk_pb.BULK_ACTION_DELETE, ids=[client.id for client in clients]
    )
    answer = await seller.call("ChangeClients", bulk_pb.ChangeClientsRequest(change=many))
    assert [(one.reason, one.name) for one in answer.results] == [
        *(("CLIENT_OUT_OF_SIGHT", client.name) for client in (sold, led, known)),
        ("", ""),
    ]
    await person.call("DeleteClient", deletion(sold))
    # Nor for good, where somebody else threw it away, or something became theirs meanwhile.
    purge = record_pb.PurgeRecordRequest(record_id=sold.id)
    with refused(ErrorKind.REFUSED, "CLIENT_OUT_OF_SIGHT"):
        await seller.call("PurgeRecord", purge)
    await person.call("PurgeRecord", purge)
    await seller.call("PurgeRecord", record_pb.PurgeRecordRequest(record_id=free.id))


async def test_nothing_can_be_put_out_of_ones_own_sight(
    person: Person, seller: Person, database: ServiceDatabase
) -> None:
    await make_deal(person)  # so that the other is known as an owner
    deal, client = await make_deal(seller), await make_client(seller)
    before = await everything(database, person.workspace_id)
    for owner in (str(person.user_id), ""):
        with refused(ErrorKind.FORBIDDEN, "RECORD_OUT_OF_SIGHT"):
            await seller.call(
                "UpdateDeal",
                deal_pb.UpdateDealRequest(
                    deal=deal_pb.Deal(id=deal.id, owner_id=owner),
                    update_mask=mask("owner_id"),
                    etag=deal.etag,
                ),
            )
        with refused(ErrorKind.FORBIDDEN, "RECORD_OUT_OF_SIGHT"):
            await seller.call(
                "UpdateClient",
                client_pb.UpdateClientRequest(
                    client=client_pb.Client(id=client.id, owner_id=owner),
                    update_mask=mask("owner_id"),
                    etag=client.etag,
                ),
            )
    with refused(ErrorKind.FORBIDDEN, "RECORD_OUT_OF_SIGHT"):
        await make_deal(seller, owner_id=str(person.user_id))
    assert await everything(database, person.workspace_id) == before


TABLES = ("clients", "deals", "deal_history", "activities", "board_totals")


@pytest.mark.parametrize("table", TABLES)
async def test_sql_without_a_condition_reaches_only_what_is_seen(
    person: Person, seller: Person, hidden: dict[str, str], database: ServiceDatabase, table: str
) -> None:
    own = await make_client(seller)
    deal = await make_deal(seller, client_id=own.id)
    await make_activity(seller, deal_id=deal.id)
    with seeing(seller.sight):
        async with Transaction(database.app, person.workspace_id) as tx:
            seen = await tx._connection.fetchval(f"SELECT count(*) FROM {table}")
            if table in ("clients", "deals", "activities"):
                touched = await tx._connection.execute(f"UPDATE {table} SET version = 99")
                assert touched == "UPDATE 1"
    assert seen == 1
    async with Transaction(database.app, person.workspace_id) as tx:
        assert await tx._connection.fetchval(f"SELECT count(*) FROM {table}") == 2
    with seeing(Sight(())):
        async with Transaction(database.app, person.workspace_id) as tx:
            assert await tx._connection.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_without_a_sight_nothing_is_seen(
    person: Person, hidden: dict[str, str], database: ServiceDatabase
) -> None:
    for setting in (None, ""):
        async with Transaction(database.app, person.workspace_id) as tx:
            if setting is not None:
                await tx._connection.execute("SELECT set_config('ff.sees', '', true)")
            count: Any = await tx._connection.fetchval("SELECT count(*) FROM deals")
        assert count == (1 if setting is None else 0)


async def test_a_read_of_one_trip_sees_exactly_that_much(
    person: Person, seller: Person, hidden: dict[str, str], app: App
) -> None:
    mine = await make_deal(seller)
    unfiltered = Read(select(deals.c.id))
    for _ in range(2):
        with seeing(seller.sight):
            found = await rows(app.pool, person.workspace_id, unfiltered)
        assert [row["id"] for row in found] == [UUID(mine.id)]
        assert len(await rows(app.pool, person.workspace_id, unfiltered)) == 2


async def test_seeing_less_costs_no_further_round_trip(seller: Person, app: App) -> None:
    deal = await make_deal(seller)
    with recorded_queries(app.pool) as queries:
        await seller.deal(deal.id)
    assert len(queries) <= 1, queries
    stages = await seller.stages()
    with recorded_queries(app.pool) as queries:
        await seller.move(deal, stages["Engaging"])
    assert [sql.partition(" ")[0] for sql in queries.sql] == ["BEGIN;", "WITH", "WITH", "COMMIT"]
