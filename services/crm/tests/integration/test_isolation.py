"""Nobody reaches another workspace: not by an id, and not by SQL."""

from typing import Any
from uuid import UUID

import pytest
from google.protobuf.descriptor import MethodDescriptor
from sqlalchemy import select

from crm.adapters.reading import WORKSPACE, Read, rows
from crm.adapters.tables import deals, metadata
from crm.application.bulk_changes import JOB as BULK_JOB
from crm.application.exports import JOB as EXPORT_JOB
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import (
    bulk_service_pb2,
    calendar_service_pb2,
    contact_service_pb2,
    deal_service_pb2,
    duplicate_service_pb2,
    export_service_pb2,
    field_service_pb2,
    rate_service_pb2,
    view_service_pb2,
)
from kit.database import Transaction
from kit.errors import ErrorKind
from kit.migrations import WITHOUT_TENANT
from kit.rpc.errors import RemoteError
from kit.testing.database import ServiceDatabase
from services.crm.tests.factories import (
    Person,
    commit,
    make_activity,
    make_client,
    make_deal,
    upload,
    work_off,
)
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

# Tables in which the victim has nothing.
NOT_USED = {"workspaces", "idempotency_keys", "removed_stages", "view_choices"}
TABLES = [*sorted(metadata.tables), "outbox", "idempotency_keys", "files", "file_chunks", "jobs"]


@pytest.fixture
async def victim(stranger: Person, app: App) -> Others:
    """Of everything that somebody else has, one."""
    client = await make_client(stranger, name="Client", notes=SECRET, tags=[SECRET])
    deal = await make_deal(stranger, name="Deal", source=SECRET, tags=[SECRET])
    activity = await make_activity(stranger, deal_id=deal.id, body=SECRET)
    trashed = await make_deal(stranger, name=SECRET)
    await stranger.call(
        "DeleteDeal", deal_service_pb2.DeleteDealRequest(deal_id=trashed.id, etag="1")
    )
    contact = contact_service_pb2.PutDealContactRequest(deal_id=deal.id, client_id=client.id)
    await stranger.call("PutDealContact", contact)
    await stranger.call("CreateCalendarFeed", calendar_service_pb2.CreateCalendarFeedRequest())
    uploaded = await upload(stranger, f"name\n{SECRET}\n", file_name=f"{SECRET}.csv")
    asked = export_service_pb2.CreateExportRequest(
        resource=export_service_pb2.EXPORT_RESOURCE_DEALS,
        format=export_service_pb2.EXPORT_FORMAT_CSV,
    )
    export = await stranger.call("CreateExport", asked)
    await work_off(app, export.job_id, EXPORT_JOB)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("crm.entrypoints.rpc.bulk.AT_ONCE", 0)
        change = bulk_service_pb2.BulkChange(
            action=bulk_service_pb2.BULK_ACTION_TAG, ids=[trashed.id], add_tags=[SECRET]
        )
        bulk = await stranger.call(
            "ChangeDeals", bulk_service_pb2.ChangeDealsRequest(change=change)
        )
    await work_off(app, bulk.job_id, BULK_JOB)  # of which a refused record is told
    others = [await make_client(stranger) for _ in range(3)]
    two = duplicate_service_pb2.DismissDuplicateRequest(
        client_id=others[0].id, other_id=others[1].id
    )
    await stranger.call("DismissDuplicate", two)
    merge = await stranger.call(
        "MergeClients",
        duplicate_service_pb2.MergeClientsRequest(
            client_id=others[0].id, etag="1", other_id=others[2].id, other_etag="1"
        ),
    )
    settings = await settings_of(stranger)
    return Others(
        {
            "other_id": others[1].id,
            "other_etag": "1",
            "merge_id": merge.id,
            "client_id": client.id,
            "parent_id": client.id,
            "deal_id": deal.id,
            "after_id": deal.id,
            "before_id": deal.id,
            "activity_id": activity.id,
            "import_id": uploaded.id,
            "export_id": export.id,
            "job_id": bulk.job_id,
            "record_id": trashed.id,
            "owner_id": str(stranger.user_id),
            "Deal.id": deal.id,
            "Client.id": client.id,
            "Activity.id": activity.id,
            **settings,
        }
    )


async def settings_of(stranger: Person) -> dict[str, str]:
    """Ids of what is set up in a workspace."""
    stages, reasons = await stranger.stages(), await stranger.lost_reasons()
    field = field_service_pb2.CustomField(resource="deals", name=SECRET, type="text")
    asked = field_service_pb2.CreateCustomFieldRequest(custom_field=field)
    made = await stranger.call("CreateCustomField", asked)
    tag = field_service_pb2.Tag(name=SECRET, color="teal")
    await stranger.call("PutTag", field_service_pb2.PutTagRequest(tag=tag))
    view = view_service_pb2.View(resource="deals", name=SECRET, shared=True)
    kept = await stranger.call("CreateView", view_service_pb2.CreateViewRequest(view=view))
    rate = rate_service_pb2.Rate(currency_code="USD", valid_from="2026-01-01", rate="0.9")
    await stranger.call("PutRates", rate_service_pb2.PutRatesRequest(rates=[rate]))
    return {
        "stage_id": stages["Engaging"],
        "move_to_stage_id": stages["Engaging"],
        "lost_reason_id": reasons["Price"],
        "custom_field_id": made.id,
        "view_id": kept.id,
        "Stage.id": stages["Engaging"],
        "LostReason.id": reasons["Price"],
        "CustomField.id": made.id,
        "View.id": kept.id,
    }


async def everything(database: ServiceDatabase, workspace_id: UUID) -> dict[str, Any]:
    return {
        table: await database.owner.fetch(
            f"SELECT * FROM {table} row WHERE workspace_id = $1 ORDER BY row::text", workspace_id
        )
        for table in TABLES
    }


async def both(database: ServiceDatabase, *people: Person) -> list[dict[str, Any]]:
    return [await everything(database, who.workspace_id) for who in people]


def test_what_is_said_of_operations_is_said_of_those_that_there_are() -> None:
    said = NAMES_NOTHING | ANSWERS_FOR_EACH | REFUSES_THE_WHOLE | OF_NO_MEMBER
    assert said <= {method.name for method in METHODS}
    for method in METHODS:
        rule = access(method)
        assert (rule.public or rule.internal) == (method.name in OF_NO_MEMBER), method.name


@pytest.mark.parametrize("method", BY_ID, ids=lambda method: method.name)
async def test_foreign_ids_are_not_found_and_nothing_is_written(
    person: Person,
    stranger: Person,
    victim: Others,
    database: ServiceDatabase,
    method: MethodDescriptor,
) -> None:
    await person.stages()
    before = await both(database, person, stranger)
    request = victim.request(method)
    with pytest.raises(RemoteError) as refusal:
        await person.call(method.name, request)
    assert refusal.value.kind is ErrorKind.NOT_FOUND
    assert not [word for word in (SECRET, "Client") if word in refusal.value.message]
    assert await both(database, person, stranger) == before
    if method.name.startswith(("Get", "List", "Download")):  # else the test would say nothing
        assert await stranger.call(method.name, request)


@pytest.mark.parametrize("name", sorted(NAMES_NOTHING))
async def test_what_names_nothing_tells_nothing_of_others_and_leaves_it_alone(
    person: Person, stranger: Person, victim: Others, database: ServiceDatabase, name: str
) -> None:
    before = await both(database, stranger)
    assert not victim.are_told_of(await replayed(person, victim, name))
    assert await both(database, stranger) == before


async def replayed(person: Person, others: Others, name: str) -> list[Any]:
    """All that is answered to a request with others' ids in it; nothing when it is refused."""
    (method,) = (method for method in METHODS if method.name == name)
    try:
        if name == "CreateImport":
            return [await upload(person, "name\n1\n")]
        answer = await person.call(name, others.request(method))
    except RemoteError as refusal:
        assert refusal.kind in (ErrorKind.NOT_FOUND, ErrorKind.INVALID, ErrorKind.REFUSED)  # noqa: PT017
        return []
    return answer if isinstance(answer, list) else [answer]


@pytest.mark.parametrize("name", sorted(ANSWERS_FOR_EACH))
async def test_one_of_many_is_not_found_by_itself(
    person: Person, stranger: Person, victim: Others, database: ServiceDatabase, name: str
) -> None:
    before = await both(database, stranger)
    (answer,) = await replayed(person, victim, name)
    assert len(answer.results) == 3
    assert all(result.reason.endswith("_NOT_FOUND") for result in answer.results)
    assert await both(database, stranger) == before


@pytest.mark.parametrize("name", sorted(REFUSES_THE_WHOLE))
async def test_an_order_of_others_things_is_none(
    person: Person, stranger: Person, victim: Others, database: ServiceDatabase, name: str
) -> None:
    await person.stages()
    before = await both(database, person, stranger)
    assert not await replayed(person, victim, name)
    assert await both(database, person, stranger) == before


async def test_a_foreign_reference_is_not_found_in_each_single_field(
    person: Person, victim: Others
) -> None:
    for field in ("client_id", "stage_id", "owner_id"):
        with pytest.raises(RemoteError) as refusal:
            await make_deal(person, **{field: victim.ids[field]})
        assert refusal.value.kind is ErrorKind.NOT_FOUND
    deal, stages = await make_deal(person), await person.stages()
    moved = await person.move(deal, stages["Engaging"], after_id=victim.ids["deal_id"])
    assert moved.version == 2  # as if the card were gone: the top of the column
    with pytest.raises(RemoteError) as refusal:
        await person.move(moved, victim.ids["stage_id"])
    assert refusal.value.reason == "STAGE_NOT_FOUND"


async def test_without_a_workspace_the_app_role_sees_and_writes_nothing(
    stranger: Person, victim: Others, database: ServiceDatabase, app: App
) -> None:
    await commit(stranger, victim.ids["import_id"])
    for table in sorted({*TABLES} - {"outbox", "search_terms", "import_errors", "import_rows"}):
        assert (
            await database.owner.fetchval(
                f"SELECT count(*) FROM {table} WHERE workspace_id = $1", stranger.workspace_id
            )
            or table in NOT_USED
        ), table
        assert await app.pool.fetch(f"SELECT * FROM {table}") == [], table
    for table in ("outbox", "search_terms"):  # it writes the one; a function reads the other
        rights = f"SELECT has_table_privilege('crm_app', '{table}', 'SELECT')"
        assert not await database.owner.fetchval(rights)


async def test_every_table_of_a_tenant_is_forced_to_its_policy(database: ServiceDatabase) -> None:
    unforced = await database.owner.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        " AND NOT (relrowsecurity AND relforcerowsecurity)"
    )
    assert {row["relname"] for row in unforced} == set(WITHOUT_TENANT)


WRITABLE = """
SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
WHERE attrelid = $1::text::regclass AND attnum > 0 AND attgenerated = '' AND NOT attisdropped"""


@pytest.mark.parametrize("table", ["clients", "deals", "owners", "stages", "activities"])
async def test_sql_in_a_workspace_reaches_no_other(
    person: Person,
    stranger: Person,
    victim: Others,
    database: ServiceDatabase,
    table: str,
) -> None:
    other = stranger.workspace_id
    async with Transaction(database.app, person.workspace_id) as tx:
        connection = tx._connection
        assert await connection.fetch(f"SELECT 1 FROM {table} WHERE workspace_id = $1", other) == []
        touched = await connection.execute(
            f"UPDATE {table} SET version = 99 WHERE workspace_id = $1", other
        )
        assert touched == "UPDATE 0"
        columns = await connection.fetchval(WRITABLE, table)
        with pytest.raises(Exception, match="row-level security"):
            await connection.execute(
                f"INSERT INTO {table} ({columns}) SELECT {columns}"
                f" FROM jsonb_populate_record(NULL::{table}, $1)",
                row_of_everything(other),
            )


def row_of_everything(workspace_id: UUID) -> dict[str, Any]:
    """Values for all columns that these tables insist on; the policy speaks before the keys."""
    now = "2026-01-01T00:00:00Z"
    return {
        "id": str(UUID(int=1)),
        "workspace_id": str(workspace_id),
        "stage_id": str(UUID(int=1)),
        "client_id": str(UUID(int=1)),
        "version": 1,
        "type": "open",
        "kind": "company",
        "position": "0",
        "rotting_days": 0,
        "default_probability": 0,
        "recorded_at": now,
        "created_at": now,
        "updated_at": now,
        "entered_stage_at": now,
        "tags": [],
        "emails": [],
        "phones": [],
        "custom_fields": {},
        **dict.fromkeys(
            ("name", "source", "next_step", "subject", "body", "notes", "address", "website"), ""
        ),
    }


async def test_a_read_of_one_trip_enters_exactly_its_workspace(
    person: Person, stranger: Person, app: App
) -> None:
    mine, other = await make_deal(person), await make_deal(stranger)
    own = Read(select(deals.c.id).where(deals.c.workspace_id == WORKSPACE))
    # Without its own condition only the policy is left to keep workspaces apart.
    unfiltered = Read(select(deals.c.id))
    for who, deal in ((person, mine), (stranger, other), (person, mine)):
        for read in (own, unfiltered):
            found = await rows(app.pool, who.workspace_id, read)
            assert [str(row["id"]) for row in found] == [deal.id]
    assert await app.pool.fetch("SELECT id FROM deals") == []
