"""A member's calendar, behind a secret."""

from datetime import timedelta

import pytest

from crm.application.workspaces import keep_member, keep_workspace
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import calendar_service_pb2 as pb
from kit.clock import FakeClock, to_timestamp
from kit.errors import ErrorKind
from kit.rpc.identity import CallIdentity
from kit.testing.database import ServiceDatabase
from services.crm.tests.factories import Person, make_activity, make_client, make_deal, refused

NOBODY = CallIdentity()


async def calendar(person: Person, token: str) -> pb.Calendar:
    """As somebody who is not signed in."""
    crm = person.crm
    found: pb.Calendar = await crm.caller.call(
        crm.method("GetCalendar"), pb.GetCalendarRequest(token=token), identity=NOBODY, timeout=20
    )
    return found


async def feed(person: Person, method: str = "GetCalendarFeed") -> pb.CalendarFeed:
    request = getattr(pb, f"{method}Request")()
    found: pb.CalendarFeed = await person.call(method, request)
    return found


@pytest.fixture
async def member(person: Person, app: App) -> Person:
    """Somebody whom auth has told of."""
    async with app.unit_of_work(person.workspace_id) as uow:
        await keep_member(uow, user_id=person.user_id, version=1, name="Mira")
    async with app.unit_of_work(person.workspace_id) as uow:
        await keep_workspace(uow, version=1, name="Ours", currency="EUR", time_zone="Asia/Tokyo")
    return person


async def test_a_secret_leads_to_what_one_member_has_before_them(
    member: Person, clock: FakeClock
) -> None:
    client = await make_client(member, name="Acme")
    mine = await make_deal(
        member, name="Website", client_id=client.id, expected_close_date="2031-01-01"
    )
    due = to_timestamp(clock.now() + timedelta(days=2))
    call = await make_activity(member, deal_id=mine.id, due_time=due)
    await make_activity(member, deal_id=mine.id)  # on no day
    await make_activity(member, deal_id=mine.id, due_time=due, done_time=to_timestamp(clock.now()))
    colleague = Person(member.crm, member.workspace_id)
    await make_deal(colleague, expected_close_date="2031-01-01")
    await make_activity(colleague, deal_id=mine.id, due_time=due)
    token = (await feed(member, "CreateCalendarFeed")).token
    found = await calendar(member, token)
    assert (found.workspace_name, found.time_zone) == ("Ours", "Asia/Tokyo")
    assert [activity.id for activity in found.activities] == [call.id]
    assert [(close.name, close.client_name) for close in found.closes] == [("Website", "Acme")]


async def test_a_secret_is_told_once_replaced_and_revoked(
    member: Person, database: ServiceDatabase
) -> None:
    assert not (await feed(member)).exists
    first = await feed(member, "CreateCalendarFeed")
    again = await feed(member)
    assert (again.exists, again.token) == (True, "")
    second = await feed(member, "CreateCalendarFeed")
    with refused(ErrorKind.NOT_FOUND, "CALENDAR_NOT_FOUND"):
        await calendar(member, first.token)
    await calendar(member, second.token)
    kept = await database.owner.fetchval(
        "SELECT token_hash FROM calendar_feeds WHERE workspace_id = $1", member.workspace_id
    )
    assert second.token.encode() not in kept
    await feed(member, "DeleteCalendarFeed")
    for token in (second.token, "", "x" * 1000):
        with refused(ErrorKind.NOT_FOUND, "CALENDAR_NOT_FOUND"):
            await calendar(member, token)


async def test_who_has_left_reads_no_more(member: Person, app: App, clock: FakeClock) -> None:
    token = (await feed(member, "CreateCalendarFeed")).token
    async with app.unit_of_work(member.workspace_id) as uow:
        await keep_member(uow, user_id=member.user_id, version=2, name="", removed_at=clock.now())
    with refused(ErrorKind.NOT_FOUND, "CALENDAR_NOT_FOUND"):
        await calendar(member, token)


async def test_of_a_closed_workspace_nobody_reads(
    member: Person, database: ServiceDatabase
) -> None:
    token = (await feed(member, "CreateCalendarFeed")).token
    close = "INSERT INTO closures VALUES ($1, 2, true)"
    await database.owner.execute(close, member.workspace_id)
    with refused(ErrorKind.NOT_FOUND, "CALENDAR_NOT_FOUND"):
        await calendar(member, token)


async def test_who_may_not_read_any_more_reads_no_more(member: Person, app: App) -> None:
    await make_deal(member, expected_close_date="2031-01-01")
    token = (await feed(member, "CreateCalendarFeed")).token

    async def may(version: int, *permissions: str) -> None:
        async with app.unit_of_work(member.workspace_id) as uow:
            await keep_member(
                uow,
                user_id=member.user_id,
                version=version,
                name="Mira",
                permissions=permissions,
            )

    await may(2, "activities.read", "deals.read")
    assert len((await calendar(member, token)).closes) == 1
    await may(3, "activities.read")
    assert not (await calendar(member, token)).closes
    await may(4, "deals.read")
    with refused(ErrorKind.NOT_FOUND, "CALENDAR_NOT_FOUND"):
        await calendar(member, token)
    await may(5, "activities.read", "deals.read")
    assert len((await calendar(member, token)).closes) == 1
