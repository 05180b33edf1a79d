"""The first run of a workspace, and what is planned for deals."""

from datetime import timedelta

from freelanceflow.crm.v1 import activity_service_pb2 as activity_pb
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import setup_service_pb2 as pb
from kit.clock import FakeClock, to_timestamp
from kit.errors import ErrorKind
from services.crm.tests.factories import Person, make_activity, make_deal, refused, where


async def setup(person: Person) -> tuple[bool, int]:
    found = await person.call("GetSetup", pb.GetSetupRequest())
    return found.empty, found.sample_count


async def test_samples_come_and_go_at_once(person: Person) -> None:
    assert await setup(person) == (True, 0)
    added = await person.call("AddSamples", pb.AddSamplesRequest())
    assert (added.empty, added.sample_count) == (False, 3)
    board = await person.board()
    assert [board[name].count for name in ("Prospecting", "Engaging", "Proposal")] == [1, 1, 1]
    (client,) = (await person.call("ListClients", client_pb.ListClientsRequest())).clients
    assert client.open_deal_count == 3
    calls = await person.call("ListActivities", activity_pb.ListActivitiesRequest())
    assert [call.client_id for call in calls.activities] == [client.id]
    mine = await make_deal(person, client_id=client.id)
    for _ in range(2):  # twice is once
        removed = await person.call("RemoveSamples", pb.RemoveSamplesRequest())
        assert (removed.empty, removed.sample_count) == (False, 0)
    assert [deal.id for deal in (await person.list_deals()).deals] == [mine.id]
    assert not (await person.call("ListClients", client_pb.ListClientsRequest())).clients
    assert not (await person.call("ListActivities", activity_pb.ListActivitiesRequest())).activities


async def test_where_there_was_a_deal_nobody_needs_samples(person: Person) -> None:
    await make_deal(person)
    assert await setup(person) == (False, 0)
    with refused(ErrorKind.REFUSED, "WORKSPACE_NOT_EMPTY"):
        await person.call("AddSamples", pb.AddSamplesRequest())


async def test_a_card_without_a_next_step_shows_what_is_planned(
    person: Person, clock: FakeClock
) -> None:
    deal = await make_deal(person)
    bare = [where("next_step", "ISNULL", "true"), where("next_activity_at", "ISNULL", "true")]
    assert len((await person.list_deals(*bare)).deals) == 1
    for days, subject in ((5, "Later"), (2, "Sooner")):
        due = to_timestamp(clock.now() + timedelta(days=days))
        await make_activity(person, deal_id=deal.id, due_time=due, subject=subject)
    (card,) = (await person.board())["Prospecting"].cards
    day = (clock.now() + timedelta(days=2)).date().isoformat()
    assert (card.next_step, card.next_step_due_date) == ("Sooner", day)
    assert not (await person.list_deals(*bare)).deals
    soon = (clock.now() + timedelta(days=3)).isoformat()
    assert len((await person.list_deals(where("next_activity_at", "LT", soon))).deals) == 1
    own = await make_deal(person, next_step="Mine")
    await make_activity(person, deal_id=own.id, due_time=to_timestamp(clock.now()))
    first = (await person.board())["Prospecting"].cards[0]
    assert (first.next_step, first.next_step_due_date) == ("Mine", "")
