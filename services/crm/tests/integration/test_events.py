"""What crm tells decodes to what its database holds, and what auth tells arrives in it."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import nats.errors
import pytest

from crm.entrypoints.app import App
from crm.entrypoints.consumers import OF_AUTH
from freelanceflow.auth.v1 import account_events_pb2 as auth_pb
from freelanceflow.crm.v1 import (
    activity_service_pb2,
    client_service_pb2,
    deal_events_pb2,
    deal_service_pb2,
    stage_service_pb2,
    view_service_pb2,
)
from kit.bus.consumer import Consumer
from kit.bus.events import Event, decode
from kit.bus.jetstream import Bus
from kit.clock import FakeClock, to_timestamp
from kit.ids import new_id
from kit.relay import OutboxRelay
from kit.testing.background import running, until
from kit.testing.database import ServiceDatabase
from proto.tests.events import MESSAGES
from services.crm.tests.factories import (
    Person,
    euros,
    imported,
    make_activity,
    make_client,
    make_deal,
    mask,
)

SET_UP = ("crm.stage.v1.changed", "crm.reason.v1.changed")


async def told(
    database: ServiceDatabase, workspace_id: UUID, *, set_up: bool = False
) -> list[tuple[str, Any, Any]]:
    """Type, message and headers of what was told of a workspace, in order.

    What it begins with, whenever that is, counts only when it is asked for.
    """
    rows = await database.system.fetch(
        "SELECT type, body, headers FROM outbox WHERE workspace_id = $1 ORDER BY number",
        workspace_id,
    )
    return [
        (row["type"], MESSAGES[row["type"]].FromString(row["body"]), row["headers"])
        for row in rows
        if set_up or row["type"] not in SET_UP or "ff-actor" in row["headers"]
    ]


def expect_the_same(snapshot: Any, deal: deal_service_pb2.Deal) -> None:
    """Everything that a snapshot says is what the deal says."""
    assert snapshot.deal_id == deal.id
    for field in snapshot.DESCRIPTOR.fields:
        if field.name == "base_amount":
            assert snapshot.base_amount == deal.amount  # in the workspace's own currency
        elif field.name != "deal_id":
            assert getattr(snapshot, field.name) == getattr(deal, field.name), field.name


async def test_a_deal_tells_its_life(person: Person, database: ServiceDatabase) -> None:
    client, stages, reasons = (
        await make_client(person),
        await person.stages(),
        await person.lost_reasons(),
    )
    created = await make_deal(
        person, client_id=client.id, expected_close_date="2030-01-01", source="web"
    )
    updated = await person.call(
        "UpdateDeal",
        deal_service_pb2.UpdateDealRequest(
            deal=deal_service_pb2.Deal(
                id=created.id, amount=euros(7), expected_close_date="2030-02-01"
            ),
            update_mask=mask("amount", "expected_close_date"),
            etag=created.etag,
        ),
    )
    lost = await person.move(updated, stages["Lost"], lost_reason_id=reasons["Timing"])
    other = await make_deal(person, stage_id=stages["Engaging"])
    back = await person.move(lost, stages["Engaging"])
    last = await person.move(back, stages["Engaging"], after_id=other.id)
    await person.call(
        "DeleteDeal", deal_service_pb2.DeleteDealRequest(deal_id=last.id, etag=last.etag)
    )
    all_told = await told(database, person.workspace_id)
    events = [(kind, body) for kind, body, headers in all_told[1:] if kind.startswith("crm.deal")]
    kinds = [kind.rpartition(".")[2] for kind, _ in events]
    assert kinds == ["created", "updated", "moved", "created", "moved", "reordered", "deleted"]
    for number, deal in ((0, created), (1, updated), (2, lost), (3, other), (4, back)):
        expect_the_same(events[number][1].deal, deal)
        assert events[number][1].version == deal.version
    change, move, reorder, deletion = (events[number][1] for number in (1, 2, 5, 6))
    assert list(change.changed_fields) == ["amount", "expected_close_date"]
    assert change.amount_before == created.amount
    assert change.expected_close_date_before == "2030-01-01"
    assert (move.from_stage_id, move.from_stage_name) == (created.stage_id, "Prospecting")
    assert move.from_stage_type == stage_service_pb2.STAGE_TYPE_OPEN
    assert (move.lost_reason_name, move.actor_id) == ("Timing", str(person.user_id))
    assert (reorder.deal_id, reorder.version) == (last.id, 5)
    assert (deletion.deal.deal_id, deletion.version) == (last.id, 6)
    assert {headers["ff-actor"] for _, _, headers in all_told} == {str(person.user_id)}


async def test_clients_and_activities_tell_theirs(
    person: Person, database: ServiceDatabase
) -> None:
    client = await make_client(person, tags=["a"])
    request = client_service_pb2.UpdateClientRequest(
        client=client_service_pb2.Client(id=client.id, name="New"), etag="1"
    )
    await person.call("UpdateClient", request)
    call = await make_activity(person, client_id=client.id)
    done = activity_service_pb2.SetActivityDoneRequest(activity_id=call.id, done=True)
    await person.call("SetActivityDone", done)
    gone = activity_service_pb2.DeleteActivityRequest(activity_id=call.id, etag="2")
    await person.call("DeleteActivity", gone)
    drop = client_service_pb2.DeleteClientRequest(client_id=client.id, etag="2")
    await person.call("DeleteClient", drop)
    events = await told(database, person.workspace_id)
    assert [(kind.removeprefix("crm."), body.version) for kind, body, _ in events] == [
        ("client.v1.created", 1),
        ("client.v1.updated", 2),
        ("activity.v1.created", 1),
        ("activity.v1.updated", 2),
        ("activity.v1.deleted", 3),
        ("client.v1.deleted", 3),
    ]
    assert (events[0][1].client.name, list(events[0][1].client.tags)) == (client.name, ["a"])
    assert list(events[1][1].changed_fields) == ["name"]
    assert (events[2][1].activity.kind, events[2][1].activity.client_id) == ("call", client.id)
    assert list(events[3][1].changed_fields) == ["done_at"]
    assert events[3][1].activity.HasField("done_time")


async def test_what_is_refused_is_not_told(person: Person, database: ServiceDatabase) -> None:
    deal, stages = await make_deal(person), await person.stages()
    before = len(await told(database, person.workspace_id))
    with pytest.raises(Exception, match="lost"):
        await person.move(deal, stages["Lost"])
    await person.call(
        "UpdateDeal",
        deal_service_pb2.UpdateDealRequest(
            deal=deal_service_pb2.Deal(id=deal.id, name=deal.name), etag=deal.etag
        ),
    )
    assert len(await told(database, person.workspace_id)) == before


async def test_an_import_tells_record_by_record_and_then_that_it_is_finished(
    app: App, person: Person, database: ServiceDatabase
) -> None:
    text = "name,stage,created_at,closed_at\nA,Won,2020-01-01,2020-01-11\nB,,2020-02-01,\nC,x,,\n"
    done = await imported(app, person, text)
    events = await told(database, person.workspace_id)
    assert [kind.removeprefix("crm.") for kind, _, _ in events] == [
        "deal.v1.created",
        "deal.v1.moved",
        "deal.v1.created",
        "import.v1.finished",
    ]
    created, moved, _, finished = (body for _, body, _ in events)
    assert (created.deal.stage_name, created.version) == ("Prospecting", 1)
    assert created.happen_time.ToJsonString() == "2020-01-01T00:00:00Z"
    assert (moved.deal.stage_name, moved.days_in_stage, moved.version) == ("Won", 10.0, 2)
    assert (created.actor_id, moved.actor_id) == ("", "")
    assert (finished.import_id, finished.created_rows, finished.failed_rows) == (done.id, 2, 1)
    assert finished.actor_id == str(person.user_id)
    assert {headers["ce-bulkid"] for _, _, headers in events} == {done.id}


@pytest.fixture(scope="module")
async def bus(nats_url: str) -> AsyncIterator[Bus]:
    async with Bus(nats_url, name="crm-test", profile="test") as bus:
        yield bus


async def test_what_is_told_reaches_the_bus(
    person: Person, database: ServiceDatabase, bus: Bus
) -> None:
    # Imports of other tests leave tens of thousands of events, which would all be told first.
    await database.owner.execute("UPDATE outbox SET sent_at = now() WHERE sent_at IS NULL")
    deal = await make_deal(person)
    relay = OutboxRelay(database.dsns["system"], bus, service="crm")
    heard: list[Event] = []
    subscription = await bus.jetstream.subscribe("crm.*.deal.v1.created", stream="CRM")
    async with running(relay.run):

        async def arrived() -> bool:
            try:
                message = await subscription.next_msg(timeout=5)
            except nats.errors.TimeoutError:
                return False
            heard.append(decode(message.subject, message.headers, message.data))
            return heard[-1].workspace_id == person.workspace_id

        await until(arrived)
    await subscription.unsubscribe()
    assert (heard[-1].subject_id, heard[-1].version) == (UUID(deal.id), 1)
    message = deal_events_pb2.DealCreated.FromString(heard[-1].body)
    assert message.deal.deal_id == deal.id


async def test_the_audit_hears_any_name_as_it_is(
    person: Person, database: ServiceDatabase, bus: Bus
) -> None:
    await database.owner.execute("UPDATE outbox SET sent_at = now() WHERE sent_at IS NULL")
    subscription = await bus.jetstream.subscribe("crm.*.view.v1.changed", stream="CRM")
    view = view_service_pb2.View(resource="deals", name="Größe: 大\r\nx: y", shared=True)
    view = await person.call("CreateView", view_service_pb2.CreateViewRequest(view=view))
    async with running(OutboxRelay(database.dsns["system"], bus, service="crm").run):
        message = await subscription.next_msg(timeout=60)
    await subscription.unsubscribe()
    event = decode(message.subject, message.headers, message.data)
    assert (event.subject_id, event.actor_id) == (UUID(view.id), person.user_id)
    # A name cannot end the header that it travels in.
    assert event.headers["ff-detail"] == "Größe: 大  x: y (deals, shared): new"
    assert "x" not in event.headers


async def test_what_auth_tells_is_kept_and_older_news_are_not(
    person: Person, app: App, database: ServiceDatabase, bus: Bus, clock: FakeClock
) -> None:
    user_id, now = new_id(), to_timestamp(clock.now())
    workspace = str(person.workspace_id)

    def workspace_told(version: int, currency: str) -> Any:
        return auth_pb.WorkspaceUpdated(
            workspace_id=workspace,
            name="Studio",
            currency_code=currency,
            time_zone="Europe/Zurich",
            version=version,
        )

    def member_told(version: int, name: str) -> Any:
        return auth_pb.MemberAdded(
            workspace_id=workspace, user_id=str(user_id), name=name, version=version
        )

    gone = auth_pb.MemberRemoved(
        workspace_id=workspace, user_id=str(user_id), happen_time=now, version=4
    )
    await make_deal(Person(person.crm, person.workspace_id, user_id))  # before auth's event is here
    told_by_auth: list[tuple[str, Any]] = [
        ("auth.workspace.v1.created", workspace_told(1, "CHF")),
        ("auth.workspace.v1.updated", workspace_told(3, "JPY")),
        ("auth.workspace.v1.updated", workspace_told(2, "USD")),
        ("auth.member.v1.added", member_told(1, "Ann")),
        ("auth.member.v1.role_changed", member_told(3, "Anna")),
        ("auth.member.v1.added", member_told(2, "Ann")),
    ]
    consumer = Consumer(
        bus,
        stream="AUTH",
        name=f"crm-{new_id()}",
        handlers=OF_AUTH,
        open_unit=app.unit_of_work,
        system=app.system,
    )

    async def tell(type_: str, body: Any) -> None:
        service, name = type_.split(".", 1)
        await bus.jetstream.publish(
            f"{service}.0.{name}",
            body.SerializeToString(),
            headers={
                "ce-specversion": "1.0",
                "ce-id": str(new_id()),
                "ce-type": type_,
                "ce-source": "/auth",
                "ce-subject": str(user_id),
                "ce-time": clock.now().isoformat(),
                "ce-workspaceid": workspace,
            },
        )

    async with running(consumer.run):
        for type_, body in told_by_auth:
            await tell(type_, body)

        async def names() -> list[str]:
            found = await person.call("ListOwners", stage_service_pb2.ListOwnersRequest())
            return [owner.name for owner in found.owners]

        async def is_called_anna() -> bool:
            return await names() == ["Anna"]

        await until(is_called_anna)
        board = await person.call("GetBoard", deal_service_pb2.GetBoardRequest())
        assert board.currency_code == "JPY"
        assert (await person.list_deals()).deals[0].owner_name == "Anna"
        await tell("auth.member.v1.removed", gone)

        async def nobody() -> bool:
            return await names() == []

        await until(nobody)
    assert (await person.list_deals()).deals[0].owner_name == "Anna"
