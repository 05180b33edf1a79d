"""What happened, from one ordered source."""

from datetime import timedelta
from typing import Any

from freelanceflow.crm.v1 import activity_service_pb2 as activity_pb
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import timeline_service_pb2 as pb
from kit.clock import FakeClock, from_timestamp, to_timestamp
from kit.errors import ErrorKind
from kit.ids import new_id
from kit.testing.database import ServiceDatabase, recorded_queries
from services.crm.tests.factories import (
    Person,
    make_activity,
    make_client,
    make_deal,
    refused,
)


async def timeline(person: Person, **over: Any) -> pb.ListTimelineResponse:
    answer: pb.ListTimelineResponse = await person.call(
        "ListTimeline", pb.ListTimelineRequest(**over)
    )
    return answer


async def kinds(person: Person, **over: Any) -> list[str]:
    return [entry.kind for entry in (await timeline(person, **over)).entries]


async def test_a_deals_timeline_tells_changes_and_what_was_done(
    person: Person, clock: FakeClock
) -> None:
    client, stages = await make_client(person, name="Acme"), await person.stages()
    deal = await make_deal(person, client_id=client.id, name="Website")
    clock.advance(timedelta(minutes=1))
    await make_activity(person, deal_id=deal.id, done_time=to_timestamp(clock.now()))
    clock.advance(timedelta(minutes=1))
    moved = await person.move(deal, stages["Engaging"])
    await person.move(moved, stages["Engaging"])  # to another place: nothing to tell
    await make_activity(person, deal_id=deal.id, due_time=to_timestamp(clock.now()))
    clock.advance(timedelta(minutes=1))
    note = await make_activity(
        person, deal_id=deal.id, kind=activity_pb.ACTIVITY_KIND_NOTE, subject="Likes blue"
    )
    assert note.HasField("done_time")
    entries = (await timeline(person, deal_id=deal.id)).entries
    assert [entry.kind for entry in entries] == [
        "note",
        "deal_moved",
        "activity_done",
        "deal_created",
    ]
    told, move, did, created = entries
    assert (told.activity.subject, told.activity.id) == ("Likes blue", note.id)
    assert (move.from_stage_name, move.to_stage_name) == ("Prospecting", "Engaging")
    assert (did.activity.kind, did.client_name) == (activity_pb.ACTIVITY_KIND_CALL, "Acme")
    assert (created.deal_name, created.actor_id) == ("Website", str(person.user_id))
    assert not created.HasField("activity")


async def test_a_clients_timeline_is_that_of_its_people_and_deals(
    person: Person, clock: FakeClock
) -> None:
    company, other = await make_client(person), await make_client(person)
    clock.advance(timedelta(minutes=1))
    ann = await make_client(person, kind=client_pb.CLIENT_KIND_PERSON, parent_id=company.id)
    clock.advance(timedelta(minutes=1))
    await make_deal(person, client_id=ann.id)
    await make_deal(person, client_id=other.id)
    clock.advance(timedelta(minutes=1))
    await make_activity(person, client_id=ann.id, done_time=to_timestamp(clock.now()))
    assert await kinds(person, client_id=company.id) == [
        "activity_done",
        "deal_created",
        "client_created",
        "client_created",
    ]
    assert await kinds(person, client_id=ann.id) == [
        "activity_done",
        "deal_created",
        "client_created",
    ]
    assert await kinds(person) == ["activity_done", "deal_created", "deal_created"]


async def test_a_client_says_who_added_it(person: Person) -> None:
    client = await make_client(person)
    (entry,) = (await timeline(person, client_id=client.id)).entries
    assert (entry.kind, entry.actor_id) == ("client_created", str(person.user_id))


async def test_pages_follow_each_other_without_gap_or_repetition(
    person: Person, clock: FakeClock
) -> None:
    deal = await make_deal(person)
    for number in range(5):
        same = clock.now() - timedelta(days=number // 2)  # two at the same time each
        await make_activity(person, deal_id=deal.id, done_time=to_timestamp(same))
    whole = [entry.id for entry in (await timeline(person, deal_id=deal.id)).entries]
    paged, token = [], ""
    while True:
        page = await timeline(person, deal_id=deal.id, page_size=2, page_token=token)
        paged += [entry.id for entry in page.entries]
        token = page.next_page_token
        if not token:
            break
    assert (paged, len(paged)) == (whole, 6)
    times = [
        from_timestamp(entry.happen_time)
        for entry in (await timeline(person, deal_id=deal.id)).entries
    ]
    assert times == sorted(times, reverse=True)


async def test_a_page_is_one_query(person: Person, database: ServiceDatabase) -> None:
    deal = await make_deal(person)
    with recorded_queries(database.app) as recorded:
        await timeline(person, deal_id=deal.id)
    assert len(recorded.sql) == 1


async def test_what_is_not_there_has_no_timeline(person: Person, stranger: Person) -> None:
    deal = await make_deal(stranger, client_id=(await make_client(stranger)).id)
    for missing in (str(new_id()), deal.id):
        with refused(ErrorKind.NOT_FOUND, "DEAL_NOT_FOUND"):
            await timeline(person, deal_id=missing)
    for missing in (str(new_id()), deal.client_id):
        with refused(ErrorKind.NOT_FOUND, "CLIENT_NOT_FOUND"):
            await timeline(person, client_id=missing)
    assert await kinds(person) == []
    with refused(ErrorKind.INVALID, "INVALID_INPUT"):
        await timeline(stranger, deal_id=deal.id, client_id=deal.client_id)
