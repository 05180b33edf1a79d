"""Activities through the door."""

from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from freelanceflow.crm.v1 import activity_service_pb2 as pb
from kit.clock import FakeClock, from_timestamp, to_timestamp
from kit.errors import ErrorKind
from kit.ids import new_id
from kit.testing.database import ServiceDatabase, recorded_queries
from kit.years import is_plausible
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
    for seconds in (2**50, 253402300799, -62135596800):  # beyond, and the ends of, the calendar
        with refused(ErrorKind.INVALID, "TIME_INVALID"):
            await make_activity(person, client_id=client.id, due_time=Timestamp(seconds=seconds))


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
    assert await subjects(conditions=[where("subject", "CONTAINS", "ON")]) == ["none"]
    request = pb.ListActivitiesRequest(page_size=3, with_total=True)
    first = await person.call("ListActivities", request)
    assert first.total == 4
    assert await subjects(page_size=3, page_token=first.next_page_token) == ["none"]


async def test_on_a_deal_it_is_with_the_deals_client_too(person: Person) -> None:
    client = await make_client(person, name="Acme")
    deal = await make_deal(person, client_id=client.id, name="Website")
    call = await make_activity(person, deal_id=deal.id)
    assert (call.client_id, call.client_name, call.deal_name) == (client.id, "Acme", "Website")
    other = await make_client(person)
    assert (await make_activity(person, deal_id=deal.id, client_id=other.id)).client_id == other.id


async def test_what_was_done_can_be_written_down(person: Person, clock: FakeClock) -> None:
    deal, done = await make_deal(person), clock.now() - timedelta(days=2)
    call = await make_activity(person, deal_id=deal.id, done_time=to_timestamp(done))
    assert from_timestamp(call.done_time) == done
    with refused(ErrorKind.INVALID, "DONE_IN_FUTURE"):
        await make_activity(person, deal_id=deal.id, done_time=at(30))


async def test_a_whole_day_begins_at_its_beginning(person: Person) -> None:
    deal = await make_deal(person)
    call = await make_activity(person, deal_id=deal.id, due_time=at(3), all_day=True)
    assert from_timestamp(call.due_time) == datetime(2030, 1, 3, tzinfo=UTC)
    request = pb.UpdateActivityRequest(
        activity=pb.Activity(id=call.id), update_mask=mask("due_time"), etag=call.etag
    )
    assert not (await person.call("UpdateActivity", request)).all_day


async def set_done(person: Person, activity_id: str, done: bool = True) -> pb.Activity:
    request = pb.SetActivityDoneRequest(activity_id=activity_id, done=done)
    answer: pb.Activity = await person.call("SetActivityDone", request)
    return answer


async def listed(person: Person, **over: Any) -> list[pb.Activity]:
    page = await person.call("ListActivities", pb.ListActivitiesRequest(**over))
    return list(page.activities)


async def test_a_series_goes_on_when_one_is_done(person: Person) -> None:
    first = await make_activity(
        person,
        deal_id=(await make_deal(person)).id,
        due_time=at(2),
        remind_time=at(1),
        repetition=pb.ACTIVITY_REPETITION_WEEKLY,
    )
    for _ in range(2):  # twice is once
        await set_done(person, first.id)
    following, done = await listed(person)
    assert (done.id, done.HasField("done_time")) == (first.id, True)
    assert (following.due_time, following.remind_time) == (at(9), at(8))
    assert following.repetition == pb.ACTIVITY_REPETITION_WEEKLY
    assert following.subject == first.subject


async def test_a_series_goes_back_unless_somebody_has_changed_what_followed(
    person: Person,
) -> None:
    first = await make_activity(
        person,
        deal_id=(await make_deal(person)).id,
        due_time=at(2),
        repetition=pb.ACTIVITY_REPETITION_DAILY,
    )
    await set_done(person, first.id)
    await set_done(person, first.id, False)
    assert [activity.id for activity in await listed(person)] == [first.id]
    await set_done(person, first.id)
    following, _ = await listed(person)
    request = pb.UpdateActivityRequest(
        activity=pb.Activity(id=following.id, subject="Ask again"), etag=following.etag
    )
    await person.call("UpdateActivity", request)
    await set_done(person, first.id, False)
    await set_done(person, first.id)
    assert [activity.subject for activity in await listed(person)] == ["Ask again", "Ask"]


async def test_a_series_needs_a_beginning(person: Person) -> None:
    deal = await make_deal(person)
    with refused(ErrorKind.INVALID, "REPETITION_WITHOUT_DUE"):
        await make_activity(person, deal_id=deal.id, repetition=pb.ACTIVITY_REPETITION_DAILY)
    with refused(ErrorKind.INVALID, "REPETITION_UNKNOWN"):
        await make_activity(person, deal_id=deal.id, due_time=at(1), repetition=99)


async def test_a_list_is_one_query(person: Person, database: ServiceDatabase) -> None:
    await make_activity(person, deal_id=(await make_deal(person)).id)
    with recorded_queries(database.app) as recorded:
        await listed(person)
    assert len(recorded.sql) == 1


async def draft(person: Person, text: str) -> pb.DraftActivityResponse:
    answer: pb.DraftActivityResponse = await person.call(
        "DraftActivity", pb.DraftActivityRequest(text=text)
    )
    return answer


async def test_a_line_is_read_with_the_client_it_names(person: Person) -> None:
    mira = await make_client(person, name="Mira Holm")
    await make_client(person, name="Mi")
    read = (await draft(person, "Call mira, tomorrow 14:00")).activity
    assert (read.client_id, read.client_name, read.kind) == (
        mira.id,
        "Mira Holm",
        pb.ACTIVITY_KIND_CALL,
    )
    assert (read.subject, from_timestamp(read.due_time).hour) == ("Call mira", 14)
    created = await person.call("CreateActivity", pb.CreateActivityRequest(activity=read))
    assert created.client_name == "Mira Holm"
    assert len(await listed(person)) == 1  # a draft is not stored


@pytest.mark.parametrize("name", ["Müller, GmbH", "Müller; Söhne", "Müller."])
async def test_a_comma_in_a_name_is_not_asked_for(person: Person, name: str) -> None:
    await make_client(person, name=name)
    read = (await draft(person, "Call Müller tomorrow 9:30")).activity
    assert read.client_name == name


async def test_of_several_clients_none_is_guessed(person: Person) -> None:
    for name in ("Mira Holm", "Mira Studio"):
        await make_client(person, name=name)
    both = await draft(person, "Call Mira")
    assert (both.activity.client_id, len(both.clients)) == ("", 2)
    one = await draft(person, "Call Mira Studio")
    assert one.activity.client_name == "Mira Studio"
    assert not (await draft(person, "Buy paper")).clients
    with refused(ErrorKind.INVALID, "TEXT_MISSING"):
        await draft(person, "  ")


async def test_years_that_nobody_meant_are_mended(
    person: Person, database: ServiceDatabase
) -> None:
    """An older version took any; one row of year 1 broke every list that it was in."""
    client = await make_client(person)
    early, late, usual = [
        await make_activity(person, client_id=client.id, **times)
        for times in ({"due_time": at(2), "remind_time": at(1)}, {"due_time": at(2)}, {})
    ]
    set_ = "UPDATE activities SET due_at = $2::timestamptz, remind_at = $3::timestamptz"
    ends = [datetime(year, 1, 1, tzinfo=UTC) for year in (1, 9999)]
    await database.owner.execute(f"{set_} WHERE id = $1", early.id, ends[0], ends[0])
    await database.owner.execute(f"{set_} WHERE id = $1", late.id, ends[1], None)
    before = await person.call("GetActivity", pb.GetActivityRequest(activity_id=usual.id))
    migration = import_module("crm.migrations.versions.0026_years_of_activities")
    await database.owner.execute(migration.MEND)

    async def years(activity: pb.Activity) -> tuple[int, int]:
        found = await person.call("GetActivity", pb.GetActivityRequest(activity_id=activity.id))
        return from_timestamp(found.due_time).year, from_timestamp(found.remind_time).year

    assert await years(early) == (1900, 1900)
    assert await years(late) == (2199, 1970), "no reminder, as before"
    assert before == await person.call("GetActivity", pb.GetActivityRequest(activity_id=usual.id))
    listed = await person.call("ListActivities", pb.ListActivitiesRequest())
    for activity in listed.activities:
        for zone in ("Etc/GMT+12", "Pacific/Kiritimati"):
            if activity.HasField("due_time"):
                assert is_plausible(from_timestamp(activity.due_time).astimezone(ZoneInfo(zone)))
