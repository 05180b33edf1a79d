"""Reminders: each time that was set is told once, and only while there is something to do."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from crm.adapters.reminders import DUE
from crm.application.reminders import AT_ONCE
from crm.entrypoints.app import App
from crm.entrypoints.upkeep import remind_due, remind_people
from freelanceflow.crm.v1 import activity_service_pb2 as pb
from freelanceflow.crm.v1.activity_events_pb2 import ActivityReminded, ActivityUpdated
from freelanceflow.crm.v1.record_service_pb2 import RestoreRecordRequest
from kit.clock import FakeClock, from_timestamp, to_timestamp
from kit.testing.background import running, until
from kit.testing.database import ServiceDatabase, recorded_queries
from services.crm.tests.factories import Person, make_activity, make_client, make_deal, mask

HOUR = timedelta(hours=1)


async def told(database: ServiceDatabase, activity: pb.Activity) -> list[ActivityReminded]:
    """The reminders of an activity, oldest first."""
    rows = await database.owner.fetch(
        "SELECT body FROM outbox WHERE aggregate_id = $1 AND type = 'crm.activity.v1.reminded' "
        "ORDER BY number",
        UUID(activity.id),
    )
    return [ActivityReminded.FromString(row["body"]) for row in rows]


async def planned(person: Person, due: datetime, **over: Any) -> pb.Activity:
    """A call on a deal, with a reminder an hour before it."""
    usual = {
        "deal_id": (await make_deal(person)).id,
        "due_time": to_timestamp(due),
        "remind_time": to_timestamp(due - HOUR),
    }
    return await make_activity(person, **usual | over)


async def change(person: Person, activity: pb.Activity, *paths: str, **to: Any) -> pb.Activity:
    request = pb.UpdateActivityRequest(
        activity=pb.Activity(id=activity.id, **to), update_mask=mask(*paths), etag=activity.etag
    )
    changed: pb.Activity = await person.call("UpdateActivity", request)
    return changed


async def test_it_is_told_once_and_not_before_its_time(
    person: Person, app: App, clock: FakeClock, database: ServiceDatabase
) -> None:
    client = await make_client(person, name="Weir & Heron")
    call = await planned(person, clock.now() + 2 * HOUR, client_id=client.id, subject="Ask")
    await remind_due(app)
    assert await told(database, call) == []
    clock.advance(HOUR)
    await asyncio.gather(*(remind_due(app) for _ in range(4)))
    await remind_due(app)
    (reminder,) = await told(database, call)
    assert reminder.activity.subject == "Ask"
    assert reminder.activity.client_name == "Weir & Heron"
    assert reminder.activity.owner_id == str(person.user_id)
    assert reminder.activity.due_time == call.due_time
    found = await person.call("GetActivity", pb.GetActivityRequest(activity_id=call.id))
    assert found == call  # to remind of it does not change it


async def test_what_is_done_or_deleted_reminds_nobody(
    person: Person, app: App, clock: FakeClock, database: ServiceDatabase
) -> None:
    done, gone, back = [await planned(person, clock.now() + 2 * HOUR) for _ in range(3)]
    await person.call("SetActivityDone", pb.SetActivityDoneRequest(activity_id=done.id, done=True))
    for activity in (gone, back):
        await person.call(
            "DeleteActivity",
            pb.DeleteActivityRequest(activity_id=activity.id, etag=activity.etag),
        )
    await person.call("RestoreRecord", RestoreRecordRequest(record_id=back.id))
    clock.advance(HOUR)
    await remind_due(app)
    assert [len(await told(database, activity)) for activity in (done, gone, back)] == [0, 0, 1]


async def test_a_reminder_moves_with_what_it_is_of(
    person: Person, app: App, clock: FakeClock, database: ServiceDatabase
) -> None:
    due = clock.now() + 2 * HOUR
    call = await planned(person, due)
    moved = await change(person, call, "due_time", due_time=to_timestamp(due + 5 * HOUR))
    assert from_timestamp(moved.remind_time) == due + 4 * HOUR
    row = await database.owner.fetchval(
        "SELECT body FROM outbox WHERE aggregate_id = $1 AND type = 'crm.activity.v1.updated'",
        UUID(call.id),
    )
    assert ActivityUpdated.FromString(row).changed_fields == ["due_at", "remind_at"]
    clock.advance(2 * HOUR)
    await remind_due(app)
    assert await told(database, call) == []
    clock.advance(4 * HOUR)
    await remind_due(app)
    assert len(await told(database, call)) == 1


async def test_another_time_is_told_again_and_the_same_is_not(
    person: Person, app: App, clock: FakeClock, database: ServiceDatabase
) -> None:
    call = await planned(person, clock.now() + 2 * HOUR)
    clock.advance(HOUR)
    await remind_due(app)
    call = await change(person, call, "subject", subject="Ask again")
    await remind_due(app)
    assert len(await told(database, call)) == 1
    later = to_timestamp(clock.now() + HOUR)
    await change(person, call, "remind_time", remind_time=later)
    clock.advance(HOUR)
    await remind_due(app)
    assert [told.activity.remind_time for told in await told(database, call)][1:] == [later]


@pytest.mark.parametrize(("away", "times"), [(timedelta(days=2), 1), (timedelta(days=9), 0)])
async def test_after_a_time_away_it_tells_what_is_still_of_use(
    person: Person,
    app: App,
    clock: FakeClock,
    database: ServiceDatabase,
    away: timedelta,
    times: int,
) -> None:
    call = await planned(person, clock.now() + HOUR)
    clock.advance(away)

    async def is_looked_at() -> bool:
        return not await database.system.fetch(DUE, clock.now(), 1)

    async with running(lambda: remind_people(app)):
        await until(is_looked_at)
    assert len(await told(database, call)) == times


async def test_more_than_a_handful_in_several_workspaces(
    person: Person, stranger: Person, app: App, clock: FakeClock, database: ServiceDatabase
) -> None:
    due = clock.now() + HOUR
    deals = {who.workspace_id: (await make_deal(who)).id for who in (person, stranger)}
    calls = [
        await planned(who, due, deal_id=deals[who.workspace_id])
        for who in [person] * (AT_ONCE + 5) + [stranger] * 2
    ]
    while await remind_due(app):
        pass
    assert [len(await told(database, call)) for call in calls] == [1] * len(calls)


async def test_a_look_at_a_workspace_is_one_query_and_one_write(
    person: Person, app: App, clock: FakeClock
) -> None:
    for _ in range(3):
        await planned(person, clock.now() + HOUR)
    with recorded_queries(app.system) as queries:
        await remind_due(app)
    assert len([sql for sql in queries.sql if "told AS" in sql]) == 1
    assert len([sql for sql in queries.sql if "INSERT INTO outbox" in sql]) == 1


async def test_in_a_closed_workspace_nobody_is_reminded(
    person: Person, app: App, clock: FakeClock, database: ServiceDatabase
) -> None:
    call = await planned(person, clock.now() + 2 * HOUR)
    close = "INSERT INTO closures VALUES ($1, 2, true)"
    await database.owner.execute(close, person.workspace_id)
    clock.advance(2 * HOUR)
    await remind_due(app)
    assert await told(database, call) == []
    await database.owner.execute("UPDATE closures SET closed = false")
    await remind_due(app)
    assert len(await told(database, call)) == 1
