"""The trash: what was deleted comes back as it was, or goes for good with all that was told."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from crm.adapters.trash import ERASE
from crm.domain.trash import KEPT_FOR, RecordKind
from crm.entrypoints.app import App
from crm.entrypoints.upkeep import purge_due
from freelanceflow.crm.v1 import activity_service_pb2 as activity_pb
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import deal_service_pb2 as deal_pb
from freelanceflow.crm.v1 import record_events_pb2 as events_pb
from freelanceflow.crm.v1 import record_service_pb2 as pb
from freelanceflow.crm.v1 import stage_service_pb2 as stage_pb
from kit.clock import FakeClock
from kit.errors import ErrorKind
from kit.testing.database import ServiceDatabase, recorded_queries
from services.crm.tests.factories import (
    Person,
    euros,
    make_activity,
    make_client,
    make_deal,
    mask,
    refused,
)


async def delete(person: Person, record: Any) -> None:
    """Into the trash, whatever it is."""
    kind = type(record).__name__
    module = {"Deal": deal_pb, "Client": client_pb, "Activity": activity_pb}[kind]
    request = getattr(module, f"Delete{kind}Request")(
        **{f"{kind.lower()}_id": record.id}, etag=record.etag
    )
    await person.call(f"Delete{kind}", request)


async def trash_of(person: Person, **over: Any) -> list[pb.TrashedRecord]:
    """What lies in it."""
    found = await person.call("ListTrash", pb.ListTrashRequest(**over))
    return list(found.records)


async def restore(person: Person, record_id: str) -> pb.RestoreRecordResponse:
    """Out of the trash."""
    restored: pb.RestoreRecordResponse = await person.call(
        "RestoreRecord", pb.RestoreRecordRequest(record_id=record_id)
    )
    return restored


async def events_of(app: App, record_id: str) -> list[tuple[str, bytes]]:
    """What was told of a record, in order."""
    rows = await app.system.fetch(
        "SELECT type, body FROM outbox WHERE aggregate_id = $1 ORDER BY number", UUID(record_id)
    )
    return [(row["type"], row["body"]) for row in rows]


async def test_what_was_deleted_comes_back_as_it_was(person: Person, app: App) -> None:
    client = await make_client(person, name="Weir & Heron", tags=["a"], notes="Call first.")
    deal = await make_deal(person, client_id=client.id, amount=euros(900))
    activity = await make_activity(person, deal_id=deal.id)
    for record in (client, deal, activity):
        await delete(person, record)
    trashed = await trash_of(person)
    assert [record.id for record in trashed] == [activity.id, deal.id, client.id]
    assert [(r.kind, r.name) for r in trashed][1:] == [
        (pb.RECORD_KIND_DEAL, deal.name),
        (pb.RECORD_KIND_CLIENT, "Weir & Heron"),
    ]
    assert trashed[0].purge_time.ToDatetime() - trashed[0].delete_time.ToDatetime() == KEPT_FOR
    for record in (client, deal, activity):
        assert (await restore(person, record.id)).etag == "3"
        with refused(ErrorKind.NOT_FOUND, "RECORD_NOT_IN_TRASH"):
            await restore(person, record.id)
    assert await trash_of(person) == []
    back = await person.deal(deal.id)
    for field in ("name", "client_name", "amount", "stage_id", "owner_id", "create_time"):
        assert getattr(back, field) == getattr(deal, field)
    found = await person.call("GetClient", client_pb.GetClientRequest(client_id=client.id))
    assert (found.notes, list(found.tags), found.etag) == ("Call first.", ["a"], "3")
    kind, body = (await events_of(app, deal.id))[-1]
    told = events_pb.DealRestored.FromString(body)
    assert (kind, told.deal.client_id, told.version) == ("crm.deal.v1.restored", client.id, 3)
    assert (await events_of(app, client.id))[-1][0] == "crm.client.v1.restored"
    assert (await events_of(app, activity.id))[-1][0] == "crm.activity.v1.restored"


async def test_a_restored_deal_stands_on_top_and_counts_again(person: Person) -> None:
    deal = await make_deal(person, amount=euros(100))
    other = await make_deal(person, amount=euros(10))
    await delete(person, deal)
    assert (await person.board())["Prospecting"].sum == euros(10)
    await restore(person, deal.id)
    column = (await person.board())["Prospecting"]
    assert ([card.id for card in column.cards], column.sum) == ([deal.id, other.id], euros(110))
    history = await person.call("ListDealHistory", deal_pb.ListDealHistoryRequest(deal_id=deal.id))
    assert [entry.kind for entry in history.entries] == ["restored", "deleted", "created"]


async def test_the_trash_is_paged_and_by_kind(person: Person) -> None:
    made = [await make_deal(person) for _ in range(3)]
    client = await make_client(person)
    for record in (*made, client):
        await delete(person, record)
    first = await person.call("ListTrash", pb.ListTrashRequest(page_size=3))
    rest = await person.call(
        "ListTrash", pb.ListTrashRequest(page_size=3, page_token=first.next_page_token)
    )
    ids = [record.id for page in (first, rest) for record in page.records]
    assert ids == [client.id, *(deal.id for deal in reversed(made))]
    assert rest.next_page_token == ""
    only = await trash_of(person, kind=pb.RECORD_KIND_CLIENT)
    assert [record.id for record in only] == [client.id]


async def test_what_is_purged_is_gone_with_all_that_was_told(
    person: Person, app: App, database: ServiceDatabase
) -> None:
    client = await make_client(person)
    deal = await make_deal(person, client_id=client.id)
    both = await make_activity(person, deal_id=deal.id, client_id=client.id)
    alone = await make_activity(person, client_id=client.id)
    under = await make_client(person, parent_id=client.id)
    await delete(person, client)
    await app.system.execute("UPDATE outbox SET sent_at = now() WHERE sent_at IS NULL")
    await person.call("PurgeRecord", pb.PurgeRecordRequest(record_id=client.id))
    with refused(ErrorKind.NOT_FOUND, "RECORD_NOT_IN_TRASH"):
        await person.call("PurgeRecord", pb.PurgeRecordRequest(record_id=client.id))
    for table in ("clients", "activities", "record_history"):
        column = "record_id" if table == "record_history" else "id"
        left = await database.owner.fetchval(
            f"SELECT count(*) FROM {table} WHERE {column} = ANY($1)",
            [UUID(client.id), UUID(alone.id)],
        )
        assert left == 0, table
    for gone in (client, alone):
        told = await events_of(app, gone.id)
        assert [kind.rpartition(".")[2] for kind, _ in told] == ["purged"]
    assert (await person.deal(deal.id)).client_id == ""
    kept = activity_pb.GetActivityRequest(activity_id=both.id)
    assert (await person.call("GetActivity", kept)).client_id == ""
    person_under = client_pb.GetClientRequest(client_id=under.id)
    assert (await person.call("GetClient", person_under)).parent_id == ""


async def purge_all_due(app: App) -> None:
    """As upkeep does it: other tests' trash may be due as well."""
    while (await purge_due(app))[0]:
        pass


async def test_after_thirty_days_the_trash_is_emptied_and_nothing_else(
    person: Person, app: App, clock: FakeClock
) -> None:
    old, back, kept = [await make_deal(person) for _ in range(3)]
    await delete(person, old)
    await delete(person, back)
    clock.advance(KEPT_FOR - timedelta(minutes=5))
    await restore(person, back.id)
    await delete(person, kept)
    await purge_all_due(app)
    assert {record.id for record in await trash_of(person)} == {old.id, kept.id}
    clock.advance(timedelta(minutes=10))
    await purge_all_due(app)
    assert [record.id for record in await trash_of(person)] == [kept.id]
    assert (await events_of(app, old.id))[-1][0] == "crm.deal.v1.purged"
    assert (await person.deal(back.id)).etag == "3"


async def test_whatever_points_to_a_record_is_thought_of_when_it_goes(
    database: ServiceDatabase,
) -> None:
    for kind, table in (
        (RecordKind.DEAL, "deals"),
        (RecordKind.CLIENT, "clients"),
        (RecordKind.ACTIVITY, "activities"),
    ):
        pointing = await database.owner.fetch(
            "SELECT conrelid::regclass::text AS name FROM pg_constraint "
            "WHERE contype = 'f' AND confrelid = $1::text::regclass AND confdeltype = 'a'",
            table,
        )
        erased = " ".join(statement.sql for statement in ERASE[kind])
        for row in pointing:
            assert f" {row['name']} " in erased, f"{row['name']} points to {table}"


async def test_history_of_a_client_says_before_and_after_in_words(person: Person, app: App) -> None:
    company = await make_client(person, name="Weir")
    client = await make_client(person, name="Noor", kind=client_pb.CLIENT_KIND_PERSON)
    edited = client_pb.Client(id=client.id, name="Noor V.", tags=["vip", "a"], parent_id=company.id)
    request = client_pb.UpdateClientRequest(
        client=edited, update_mask=mask("name", "tags", "parent_id"), etag=client.etag
    )
    with recorded_queries(app.pool) as queries:
        changed = await person.call("UpdateClient", request)
    assert sum(sql.startswith(("INSERT", "WITH")) for sql in queries.sql) <= 2, queries
    await delete(person, changed)
    await restore(person, client.id)
    found = await person.call(
        "ListClientHistory", pb.ListClientHistoryRequest(client_id=client.id, page_size=3)
    )
    assert [entry.kind for entry in found.entries] == ["restored", "deleted", "updated"]
    assert [(c.field, c.before, c.after) for c in found.entries[2].changes] == [
        ("name", "Noor", "Noor V."),
        ("tags", "", "vip, a"),
        ("parent_id", "", "Weir"),
    ]
    assert found.entries[2].actor_id == str(person.user_id)
    rest = pb.ListClientHistoryRequest(client_id=client.id, page_token=found.next_page_token)
    last = await person.call("ListClientHistory", rest)
    assert [(entry.kind, entry.version) for entry in last.entries] == [("created", 1)]


async def test_history_of_an_activity(person: Person) -> None:
    activity = await make_activity(person, deal_id=(await make_deal(person)).id)
    request = activity_pb.SetActivityDoneRequest(activity_id=activity.id, done=True)
    await person.call("SetActivityDone", request)
    found = await person.call(
        "ListActivityHistory", pb.ListActivityHistoryRequest(activity_id=activity.id)
    )
    assert [entry.kind for entry in found.entries] == ["updated", "created"]
    (change,) = found.entries[0].changes
    assert (change.field, change.before) == ("done_at", "")


async def test_a_closed_deal_is_reopened_where_it_was(person: Person) -> None:
    stages, reasons = await person.stages(), await person.lost_reasons()
    deal = await person.move(await make_deal(person), stages["Proposal"])
    with refused(ErrorKind.REFUSED, "DEAL_NOT_CLOSED"):
        await person.call("ReopenDeal", pb.ReopenDealRequest(deal_id=deal.id, etag=deal.etag))
    lost = await person.move(deal, stages["Lost"], lost_reason_id=reasons["Price"])
    with refused(ErrorKind.STALE, "DEAL_HAS_CHANGED"):
        await person.call("ReopenDeal", pb.ReopenDealRequest(deal_id=deal.id, etag=deal.etag))
    again = await person.call("ReopenDeal", pb.ReopenDealRequest(deal_id=deal.id, etag=lost.etag))
    assert (again.stage_name, again.stage_type) == ("Proposal", stage_pb.STAGE_TYPE_OPEN)
    assert not again.HasField("close_time")
    assert again.lost_reason_id == ""
