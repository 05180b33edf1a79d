"""Activities through the door."""

from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from freelanceflow.crm.v1 import activity_service_pb2 as pb
from kit.clock import to_timestamp
from kit.errors import ErrorKind
from kit.ids import new_id
from services.crm.tests.factories import (
    Person,
    by,
    make_activity,
    make_client,
    make_deal,
    mask,
    refused,
    where,
)


def at(day: int) -> Timestamp:
    return to_timestamp(datetime(2030, 1, day, 9, tzinfo=UTC))


async def test_an_activity_reads_as_it_was_written(person: Person) -> None:
    client, deal = await make_client(person), await make_deal(person)
    call = await make_activity(
        person,
        client_id=client.id,
        deal_id=deal.id,
        body="About the offer",
        due_time=at(2),
        remind_time=at(1),
    )
    assert (call.owner_id, call.etag) == (str(person.user_id), "1")
    found = await person.call("GetActivity", pb.GetActivityRequest(activity_id=call.id))
    assert found == call


async def test_an_activity_is_about_something(person: Person) -> None:
    with refused(ErrorKind.INVALID, "ACTIVITY_WITHOUT_TARGET"):
        await make_activity(person)
    client = await make_client(person)
    with refused(ErrorKind.INVALID, "SUBJECT_MISSING"):
        await make_activity(person, client_id=client.id, subject=" ")
    with refused(ErrorKind.INVALID, "KIND_UNKNOWN"):
        await make_activity(person, client_id=client.id, kind=pb.ACTIVITY_KIND_UNSPECIFIED)
    with refused(ErrorKind.INVALID, "TIME_INVALID"):
        far = Timestamp(seconds=2**50)
        await make_activity(person, client_id=client.id, due_time=far)


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("client_id", "CLIENT_NOT_FOUND"),
        ("deal_id", "DEAL_NOT_FOUND"),
        ("owner_id", "OWNER_NOT_FOUND"),
    ],
)
async def test_what_is_not_there_cannot_be_referred_to(
    person: Person, field: str, reason: str
) -> None:
    client = await make_client(person)
    with refused(ErrorKind.NOT_FOUND, reason):
        await make_activity(person, **{"client_id": client.id, field: str(new_id())})


async def test_done_twice_is_done_once(person: Person) -> None:
    call = await make_activity(person, deal_id=(await make_deal(person)).id)

    async def done(yes: bool) -> pb.Activity:
        request = pb.SetActivityDoneRequest(activity_id=call.id, done=yes)
        answer: pb.Activity = await person.call("SetActivityDone", request)
        return answer

    once = await done(True)
    assert (once.HasField("done_time"), once.etag) == (True, "2")
    assert await done(True) == once
    assert not (await done(False)).HasField("done_time")


async def test_an_activity_changes_and_goes(person: Person) -> None:
    deal, client = await make_deal(person), await make_client(person)
    call = await make_activity(person, deal_id=deal.id, due_time=at(3))
    request = pb.UpdateActivityRequest(
        activity=pb.Activity(id=call.id, client_id=client.id, kind=pb.ACTIVITY_KIND_MEETING),
        update_mask=mask("deal_id", "client_id", "kind", "due_time"),
        etag=call.etag,
    )
    changed = await person.call("UpdateActivity", request)
    assert (changed.deal_id, changed.client_id) == ("", client.id)
    assert (changed.kind, changed.HasField("due_time")) == (pb.ACTIVITY_KIND_MEETING, False)
    with refused(ErrorKind.STALE, "ACTIVITY_HAS_CHANGED"):
        await person.call("UpdateActivity", request)
    with refused(ErrorKind.STALE, "ACTIVITY_HAS_CHANGED"):
        await person.call("DeleteActivity", pb.DeleteActivityRequest(activity_id=call.id, etag="1"))
    await person.call("DeleteActivity", pb.DeleteActivityRequest(activity_id=call.id, etag="2"))
    with refused(ErrorKind.NOT_FOUND, "ACTIVITY_NOT_FOUND"):
        await person.call("GetActivity", pb.GetActivityRequest(activity_id=call.id))


async def test_the_latest_due_comes_first(person: Person) -> None:
    deal = await make_deal(person)
    for day in (2, 3, 1):
        await make_activity(person, deal_id=deal.id, subject=str(day), due_time=at(day))
    await make_activity(person, client_id=(await make_client(person)).id, subject="none")

    async def subjects(**over: Any) -> list[str]:
        page = await person.call("ListActivities", pb.ListActivitiesRequest(**over))
        return [activity.subject for activity in page.activities]

    assert await subjects() == ["3", "2", "1", "none"]
    assert await subjects(sort=[by("due_at")]) == ["none", "1", "2", "3"]
    assert await subjects(conditions=[where("deal_id", "EQ", deal.id)]) == ["3", "2", "1"]
    assert await subjects(conditions=[where("due_at", "LT", "2030-01-02T00:00:00Z")]) == ["1"]
    first = await person.call("ListActivities", pb.ListActivitiesRequest(page_size=3))
    assert await subjects(page_size=3, page_token=first.next_page_token) == ["none"]
