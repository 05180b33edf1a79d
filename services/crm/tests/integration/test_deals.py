"""Deals through the door: what is kept, told, refused."""

from datetime import timedelta

import pytest

from freelanceflow.crm.v1 import deal_service_pb2 as pb
from kit.clock import FakeClock
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
from services.crm.tests.factories import Person, make_client, make_deal, mask


async def test_a_new_deal_stands_on_top_of_the_first_open_stage(person: Person) -> None:
    first, second = await make_deal(person), await make_deal(person)
    assert (first.stage_name, first.version, first.etag) == ("Prospecting", 1, "1")
    assert first.owner_id == str(person.user_id)
    column = (await person.board())["Prospecting"]
    assert [card.id for card in column.cards] == [second.id, first.id]
    assert (column.count, column.sum.amount_minor) == (2, 2_400_00)
    assert column.weighted_sum.amount_minor == 240_00


async def test_a_deal_reads_as_it_was_written(person: Person) -> None:
    client = await make_client(person)
    deal = await make_deal(
        person,
        client_id=client.id,
        expected_close_date="2026-05-01",
        source="referral",
        next_step="Send the offer",
        next_step_due_date="2026-04-01",
        tags=["web", "hot"],
        external_id="A1",
    )
    assert deal.client_name == client.name
    assert await person.deal(deal.id) == deal
    assert (await person.list_deals()).deals == [deal]


async def test_a_move_is_kept_with_its_history(person: Person, clock: FakeClock) -> None:
    deal, stages = await make_deal(person), await person.stages()
    clock.advance(timedelta(days=3))
    moved = await person.move(deal, stages["Won"])
    assert (moved.stage_name, moved.version, moved.position) == ("Won", 2, "a0")
    assert moved.HasField("close_time")
    assert await person.deal(deal.id) == moved
    history = await person.call("ListDealHistory", pb.ListDealHistoryRequest(deal_id=deal.id))
    assert [entry.kind for entry in history.entries] == ["moved", "created"]
    assert history.entries[0].days_in_stage == 3.0
    assert history.entries[0].from_stage_name == "Prospecting"


async def test_an_update_changes_what_the_mask_names(person: Person) -> None:
    deal = await make_deal(person, source="web", tags=["a"])
    request = pb.UpdateDealRequest(
        deal=pb.Deal(id=deal.id, name="Shop", source="not meant"),
        update_mask=mask("name", "tags"),
        etag=deal.etag,
    )
    updated = await person.call("UpdateDeal", request)
    assert (updated.name, updated.source, list(updated.tags)) == ("Shop", "web", [])
    history = await person.call("ListDealHistory", pb.ListDealHistoryRequest(deal_id=deal.id))
    assert {(c.field, c.before, c.after) for c in history.entries[0].changes} == {
        ("name", deal.name, "Shop"),
        ("tags", "a", ""),
    }


async def test_a_deleted_deal_is_gone_from_everywhere(person: Person) -> None:
    deal = await make_deal(person)
    await person.call("DeleteDeal", pb.DeleteDealRequest(deal_id=deal.id, etag=deal.etag))
    with pytest.raises(RemoteError) as refusal:
        await person.deal(deal.id)
    assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.NOT_FOUND, "DEAL_NOT_FOUND")
    assert (await person.list_deals(with_total=True)).total == 0
    assert (await person.board())["Prospecting"].count == 0
