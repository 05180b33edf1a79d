"""Deals through the door: what is kept, told, refused."""

from datetime import timedelta
from typing import Any

import pytest

from freelanceflow.crm.v1 import deal_service_pb2 as pb
from freelanceflow.type.v1 import money_pb2
from kit.clock import FakeClock
from kit.errors import ErrorKind
from kit.ids import new_id
from services.crm.tests.factories import Person, euros, make_client, make_deal, mask, refused


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


async def test_same_values_are_no_change(person: Person) -> None:
    deal = await make_deal(person, source="web")
    request = pb.UpdateDealRequest(deal=pb.Deal(id=deal.id, source="web"), etag=deal.etag)
    assert (await person.call("UpdateDeal", request)) == deal


async def test_an_absent_mask_means_the_populated_fields(person: Person) -> None:
    client = await make_client(person)
    deal = await make_deal(person, client_id=client.id, next_step="Call")
    request = pb.UpdateDealRequest(
        deal=pb.Deal(id=deal.id, name="Shop", stage_name="ignored", amount=euros(5)),
        etag=deal.etag,
    )
    updated = await person.call("UpdateDeal", request)
    assert (updated.name, updated.amount.amount_minor) == ("Shop", 5)
    assert (updated.client_id, updated.next_step) == (client.id, "Call")


async def test_a_named_field_can_be_emptied(person: Person) -> None:
    client = await make_client(person)
    deal = await make_deal(person, client_id=client.id, expected_close_date="2030-01-01")
    request = pb.UpdateDealRequest(
        deal=pb.Deal(id=deal.id),
        update_mask=mask("client_id", "amount", "expected_close_date", "owner_id"),
        etag=deal.etag,
    )
    updated = await person.call("UpdateDeal", request)
    assert not updated.HasField("amount")
    assert (updated.client_id, updated.expected_close_date, updated.owner_id) == ("", "", "")


@pytest.mark.parametrize(
    ("wrong", "reason", "field"),
    [
        ({"name": "  "}, "NAME_MISSING", "name"),
        ({"name": "x" * 201}, "NAME_TOO_LONG", "name"),
        ({"name": "nul\0"}, "TEXT_INVALID", "name"),
        ({"amount": euros(-1)}, "AMOUNT_INVALID", "amount"),
        ({"amount": euros(10**14)}, "AMOUNT_INVALID", "amount"),
        (
            {"amount": money_pb2.Money(currency_code="euro", amount_minor=1)},
            "CURRENCY_UNKNOWN",
            "amount.currency",
        ),
        ({"expected_close_date": "01.02.2026"}, "DATE_INVALID", "expected_close_date"),
        ({"expected_close_date": "2026-02-30"}, "DATE_INVALID", "expected_close_date"),
        ({"expected_close_date": "0026-03-01"}, "DATE_INVALID", "expected_close_date"),
        ({"tags": ["x" * 51]}, "TAGS_TOO_LONG", "tags"),
        ({"tags": [str(n) for n in range(21)]}, "TAGS_TOO_MANY", "tags"),
        ({"owner_id": "me"}, "INVALID_INPUT", "owner_id"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_field(
    person: Person, wrong: dict[str, Any], reason: str, field: str
) -> None:
    with refused(ErrorKind.INVALID, reason) as refusal:
        await make_deal(person, **wrong)
    assert field in refusal.value.fields
    assert (await person.list_deals(with_total=True)).total == 0


async def test_all_wrong_fields_are_named_at_once(person: Person) -> None:
    with refused(ErrorKind.INVALID, "NAME_MISSING") as refusal:
        await make_deal(person, name="", tags=["x" * 51], amount=euros(-1))
    assert set(refusal.value.fields) == {"name", "tags", "amount"}


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("client_id", "CLIENT_NOT_FOUND"),
        ("stage_id", "STAGE_NOT_FOUND"),
        ("owner_id", "OWNER_NOT_FOUND"),
    ],
)
async def test_what_is_not_there_cannot_be_referred_to(
    person: Person, field: str, reason: str
) -> None:
    with refused(ErrorKind.NOT_FOUND, reason):
        await make_deal(person, **{field: str(new_id())})


async def test_only_what_may_change_can_be_named(person: Person) -> None:
    deal = await make_deal(person)
    for path in ("stage_id", "version", "nonsense", "amount.currency_code"):
        request = pb.UpdateDealRequest(deal=deal, update_mask=mask(path), etag=deal.etag)
        with refused(ErrorKind.INVALID, "FIELD_NOT_WRITABLE"):
            await person.call("UpdateDeal", request)


async def test_an_external_id_is_taken_once(person: Person) -> None:
    await make_deal(person, external_id="A1")
    with refused(ErrorKind.DUPLICATE, "EXTERNAL_ID_TAKEN"):
        await make_deal(person, external_id="A1")
    other = await make_deal(person, external_id="A2")
    request = pb.UpdateDealRequest(deal=pb.Deal(id=other.id, external_id="A1"), etag=other.etag)
    with refused(ErrorKind.DUPLICATE, "EXTERNAL_ID_TAKEN"):
        await person.call("UpdateDeal", request)


@pytest.mark.parametrize("etag", ["7", "x", ""])
async def test_a_change_is_decided_on_the_current_state(person: Person, etag: str) -> None:
    deal, stages = await make_deal(person), await person.stages()
    kind, reason = (
        (ErrorKind.STALE, "DEAL_HAS_CHANGED") if etag else (ErrorKind.INVALID, "ETAG_MISSING")
    )
    calls = (
        ("MoveDeal", pb.MoveDealRequest(deal_id=deal.id, stage_id=stages["Won"], etag=etag)),
        ("UpdateDeal", pb.UpdateDealRequest(deal=pb.Deal(id=deal.id, name="x"), etag=etag)),
        ("DeleteDeal", pb.DeleteDealRequest(deal_id=deal.id, etag=etag)),
    )
    for method, request in calls:
        with refused(kind, reason) as refusal:
            await person.call(method, request)
        assert refusal.value.details.get("current") == ("1" if etag else None)
    assert await person.deal(deal.id) == deal


async def test_a_deleted_deal_is_gone_from_everywhere(person: Person) -> None:
    deal = await make_deal(person)
    await person.call("DeleteDeal", pb.DeleteDealRequest(deal_id=deal.id, etag=deal.etag))
    with refused(ErrorKind.NOT_FOUND, "DEAL_NOT_FOUND"):
        await person.deal(deal.id)
    assert (await person.list_deals(with_total=True)).total == 0
    assert (await person.board())["Prospecting"].count == 0


async def test_another_deal_under_a_key_is_told_which_one_it_made(person: Person) -> None:
    asked = pb.CreateDealRequest(deal=pb.Deal(name="Relaunch"))
    first = await person.call("CreateDeal", asked, key="form-1")
    asked.deal.name = "Relaunch, corrected"
    with refused(ErrorKind.INVALID, "IDEMPOTENCY_KEY_REUSED") as refusal:
        await person.call("CreateDeal", asked, key="form-1")
    assert refusal.value.details == {"first_id": first.id}
