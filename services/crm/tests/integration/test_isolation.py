"""Nobody reaches another workspace: not by an id, and not by SQL."""

from typing import Any
from uuid import UUID

import pytest
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from sqlalchemy import select

from crm.adapters.reading import WORKSPACE, Read, rows
from crm.adapters.tables import deals, metadata
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import (
    activity_service_pb2,
    calendar_service_pb2,
    client_service_pb2,
    contact_service_pb2,
    deal_service_pb2,
    duplicate_service_pb2,
    export_service_pb2,
    import_service_pb2,
    record_service_pb2,
    setup_service_pb2,
    stage_service_pb2,
    timeline_service_pb2,
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
)

FILES = (
    deal_service_pb2,
    client_service_pb2,
    activity_service_pb2,
    duplicate_service_pb2,
    export_service_pb2,
    import_service_pb2,
    stage_service_pb2,
    record_service_pb2,
    setup_service_pb2,
    timeline_service_pb2,
    contact_service_pb2,
)
METHODS = [
    method
    for file in FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]
# Lists show nothing of others, and some name nothing; they have tests of their own. An order that
# names what is not there is incomplete.
BY_ID = [
    method
    for method in METHODS
    if not method.name.startswith(
        (
            "List",
            "GetBoard",
            "CreateExport",
            "CreateImport",
            "CreateStage",
            "CreateLostReason",
            "Reorder",
            "DraftActivity",
            "GetSetup",
            "AddSamples",
            "RemoveSamples",
        )
    )
    or method.name
    in (
        "ListCards",
        "ListDealHistory",
        "ListImportErrors",
        "ListImportRows",
        "ListClientHistory",
        "ListActivityHistory",
    )
    or method.name in ("ListCards", "ListDealHistory", "ListDealContacts", "ListImportErrors")
]
# Tables in which the victim has nothing.
NOT_USED = {
    *("workspaces", "idempotency_keys", "removed_stages", "currency_rates"),
    *("custom_fields", "tags", "views", "view_choices"),
}
TABLES = [*sorted(metadata.tables), "outbox", "idempotency_keys", "files", "file_chunks", "jobs"]


@pytest.fixture
async def victim(stranger: Person) -> dict[str, str]:
    """Ids of everything that somebody else has, by the name of the field that takes them."""
    client, deal = await make_client(stranger), await make_deal(stranger)
    activity = await make_activity(stranger, deal_id=deal.id)
    trashed = await make_deal(stranger)
    await stranger.call(
        "DeleteDeal", deal_service_pb2.DeleteDealRequest(deal_id=trashed.id, etag="1")
    )
    contact = contact_service_pb2.PutDealContactRequest(deal_id=deal.id, client_id=client.id)
    await stranger.call("PutDealContact", contact)
    await stranger.call("CreateCalendarFeed", calendar_service_pb2.CreateCalendarFeedRequest())
    upload_ = await upload(stranger, "name\nx\n")
    export = await stranger.call(
        "CreateExport",
        export_service_pb2.CreateExportRequest(
            resource=export_service_pb2.EXPORT_RESOURCE_DEALS,
            format=export_service_pb2.EXPORT_FORMAT_CSV,
        ),
    )
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
    stages, reasons = await stranger.stages(), await stranger.lost_reasons()
    return {
        "other_id": others[1].id,
        "other_etag": "1",
        "merge_id": merge.id,
        "client_id": client.id,
        "parent_id": client.id,
        "deal_id": deal.id,
        "after_id": deal.id,
        "before_id": deal.id,
        "activity_id": activity.id,
        "import_id": upload_.id,
        "export_id": export.id,
        "record_id": trashed.id,
        "stage_id": stages["Engaging"],
        "move_to_stage_id": stages["Engaging"],
        "lost_reason_id": reasons["Price"],
        "owner_id": str(stranger.user_id),
        "Deal.id": deal.id,
        "Client.id": client.id,
        "Activity.id": activity.id,
        "Stage.id": stages["Engaging"],
        "LostReason.id": reasons["Price"],
    }


def filled(request: Message, ids: dict[str, str]) -> Message:
    """A request that is right in everything but whose things it names."""
    for field in request.DESCRIPTOR.fields:
        key = f"{request.DESCRIPTOR.name}.{field.name}"
        if field.message_type is not None and field.message_type.name in (
            "Deal",
            "Client",
            "Activity",
            "Stage",
            "LostReason",
        ):
            getattr(request, field.name).SetInParent()
            filled(getattr(request, field.name), ids)
        elif value := ids.get(key) or ids.get(field.name):
            setattr(request, field.name, value)
        elif field.name in ("name", "subject", "etag"):
            setattr(request, field.name, "1")
        elif field.type == FieldDescriptor.TYPE_ENUM and field.name == "kind":
            setattr(request, field.name, 1)
    return request


async def everything(database: ServiceDatabase, workspace_id: UUID) -> dict[str, Any]:
    return {
        table: await database.owner.fetch(
            f"SELECT * FROM {table} row WHERE workspace_id = $1 ORDER BY row::text", workspace_id
        )
        for table in TABLES
    }


@pytest.mark.parametrize("method", BY_ID, ids=lambda method: method.name)
async def test_foreign_ids_are_not_found_and_nothing_is_written(
    person: Person,
    stranger: Person,
    victim: dict[str, str],
    database: ServiceDatabase,
    method: MethodDescriptor,
) -> None:
    await person.stages()
    before = [await everything(database, who.workspace_id) for who in (person, stranger)]
    request = filled(GetMessageClass(method.input_type)(), victim)
    with pytest.raises(RemoteError) as refusal:
        await person.call(method.name, request)
    assert refusal.value.kind is ErrorKind.NOT_FOUND
    after = [await everything(database, who.workspace_id) for who in (person, stranger)]
    assert after == before


async def test_a_foreign_reference_is_not_found_in_each_single_field(
    person: Person, victim: dict[str, str]
) -> None:
    for field in ("client_id", "stage_id", "owner_id"):
        with pytest.raises(RemoteError) as refusal:
            await make_deal(person, **{field: victim[field]})
        assert refusal.value.kind is ErrorKind.NOT_FOUND
    deal, stages = await make_deal(person), await person.stages()
    moved = await person.move(deal, stages["Engaging"], after_id=victim["deal_id"])
    assert moved.version == 2  # as if the card were gone: the top of the column
    with pytest.raises(RemoteError) as refusal:
        await person.move(moved, victim["stage_id"])
    assert refusal.value.reason == "STAGE_NOT_FOUND"


async def test_lists_show_nothing_of_others(person: Person, victim: dict[str, str]) -> None:
    assert not (await person.list_deals(with_total=True)).total
    assert not any(column.count for column in (await person.board()).values())
    for method in METHODS:
        if method.name in ("ListClients", "ListActivities", "ListImports"):
            page = await person.call(method.name, GetMessageClass(method.input_type)())
            assert not page.ListFields()


async def test_without_a_workspace_the_app_role_sees_and_writes_nothing(
    stranger: Person, victim: dict[str, str], database: ServiceDatabase, app: App
) -> None:
    await commit(stranger, victim["import_id"])
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


@pytest.mark.parametrize("table", ["clients", "deals", "owners", "stages", "activities"])
async def test_sql_in_a_workspace_reaches_no_other(
    person: Person,
    stranger: Person,
    victim: dict[str, str],
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
        with pytest.raises(Exception, match="row-level security"):
            await connection.execute(
                f"INSERT INTO {table} SELECT r.* FROM jsonb_populate_record(NULL::{table}, $1) r"
                if table != "clients"
                else "INSERT INTO clients (id, workspace_id, version, kind, name, emails, phones,"
                " address, website, tags, custom_fields, notes, created_at, updated_at)"
                " SELECT id, workspace_id, version, kind, name, emails, phones, address, website,"
                " tags, custom_fields, notes, created_at, updated_at"
                " FROM jsonb_populate_record(NULL::clients, $1)",
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
