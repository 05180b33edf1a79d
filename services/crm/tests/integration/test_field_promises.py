"""What is promised of custom fields, one by one."""

import asyncio
from typing import Any

import pytest

from crm.domain.custom_field import MAX_FIELDS
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import deal_service_pb2 as deal_pb
from freelanceflow.crm.v1 import duplicate_service_pb2 as duplicate_pb
from freelanceflow.crm.v1 import field_service_pb2 as pb
from freelanceflow.crm.v1 import import_service_pb2 as import_pb
from freelanceflow.crm.v1 import record_service_pb2 as record_pb
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
from services.crm.tests.factories import (
    Person,
    imported,
    make_client,
    make_deal,
    mask,
    refused,
    where,
)
from services.crm.tests.integration.test_custom_files import plain
from services.crm.tests.integration.test_exports import exported, table
from services.crm.tests.integration.test_fields import change, deal_with, make_field, names

TYPES = ["text", "number", "money", "date", "select", "multi_select", "url", "checkbox"]
GOOD = {
    "text": "x", "number": "1.5", "money": "10 EUR", "date": "2026-03-31", "select": "a",
    "multi_select": "a; b", "url": "https://a.example", "checkbox": "yes",
}  # fmt: skip
BAD = {
    "text": "x" * 1001, "number": "many", "money": "much", "date": "2026-02-31", "select": "c",
    "multi_select": "a; c", "url": "javascript:x", "checkbox": "perhaps",
}  # fmt: skip


async def removed(person: Person, field: pb.CustomField) -> None:
    gone = pb.DeleteCustomFieldRequest(custom_field_id=field.id, etag=field.etag)
    await person.call("DeleteCustomField", gone)


async def filled(person: Person, deal: deal_pb.Deal, **values: Any) -> deal_pb.Deal:
    edited = deal_pb.Deal(id=deal.id)
    edited.custom_fields.update(values)
    changed: deal_pb.Deal = await person.call(
        "UpdateDeal",
        deal_pb.UpdateDealRequest(deal=edited, update_mask=mask("custom_fields"), etag=deal.etag),
    )
    return changed


async def test_the_limit_holds_for_two_at_once(person: Person) -> None:
    for number in range(MAX_FIELDS - 1):
        await make_field(person, f"Field {number}")
    answers = await asyncio.gather(
        *(make_field(person, f"Last {number}") for number in range(4)), return_exceptions=True
    )
    refusals = [answer.reason for answer in answers if isinstance(answer, RemoteError)]
    assert refusals == ["FIELDS_TOO_MANY"] * 3
    assert len(await names(person)) == MAX_FIELDS
    await make_field(person, "One of a client", resource="clients")  # which has fifty of its own


async def test_a_name_is_given_once_also_to_two_at_once(person: Person) -> None:
    answers = await asyncio.gather(
        *(make_field(person, "Level") for _ in range(4)), return_exceptions=True
    )
    refusals = [answer.reason for answer in answers if isinstance(answer, RemoteError)]
    assert refusals == ["FIELD_NAME_TAKEN"] * 3
    assert await names(person) == ["Level"]


async def test_who_may_fill_a_field_need_not_be_allowed_to_define_it(person: Person) -> None:
    field = await make_field(person, "Level")
    writer = Person(person.crm, person.workspace_id, permissions=("deals.read", "deals.write"))
    reader = Person(person.crm, person.workspace_id, permissions=("deals.read",))
    for who in (writer, reader):
        with refused(ErrorKind.FORBIDDEN, "PERMISSION_MISSING"):
            await make_field(who, "Mine")
        with refused(ErrorKind.FORBIDDEN, "PERMISSION_MISSING"):
            await change(who, field, name="Mine")
        with refused(ErrorKind.FORBIDDEN, "PERMISSION_MISSING"):
            await removed(who, field)
    deal = await deal_with(writer, level="high")
    with refused(ErrorKind.FORBIDDEN, "PERMISSION_MISSING"):
        await filled(reader, deal, level="low")
    assert plain((await reader.deal(deal.id)).custom_fields) == {"level": "high"}


async def test_an_option_in_use_goes_and_its_values_stay_until_they_are_changed(
    app: App, person: Person
) -> None:
    field = await make_field(person, "Level", "select", options=["gold", "iron"])
    deal = await deal_with(person, level="iron")
    field = await change(person, field, options=["gold"])
    kept = await person.deal(deal.id)
    assert plain(kept.custom_fields) == {"level": "iron"}
    assert [d.id for d in (await person.list_deals(where("cf_level", "EQ", "iron"))).deals] == [
        deal.id
    ]
    assert table(await exported(app, person, columns=["cf_level"])) == [["Level"], ["iron"]]
    request = deal_pb.UpdateDealRequest(
        deal=deal_pb.Deal(id=deal.id, name="Other"), update_mask=mask("name"), etag=kept.etag
    )
    kept = await person.call("UpdateDeal", request)
    kept = await filled(person, kept, level="iron")  # a form sends what stays as well
    assert plain(kept.custom_fields) == {"level": "iron"}
    kept = await filled(person, kept, level="gold")
    assert plain(kept.custom_fields) == {"level": "gold"}
    with refused(ErrorKind.INVALID, "FIELD_INVALID"):
        await filled(person, kept, level="iron")


async def test_of_several_options_each_that_is_held_may_stay(person: Person) -> None:
    options = ["web", "app", "print"]
    for resource in ("deals", "clients"):
        field = await make_field(
            person, "Made of", "multi_select", options=options, resource=resource
        )
        held = {field.key: ["web", "print"]}
        if resource == "deals":
            deal = await deal_with(person, **held)
        else:
            client = await make_client(person, custom_fields=held)
        await change(person, field, options=["app", "print"])
    deal = await filled(person, deal, made_of=["web", "app"])
    assert plain(deal.custom_fields) == {"made_of": ["web", "app"]}
    client.custom_fields.update({"made_of": ["web"]})
    request = client_pb.UpdateClientRequest(
        client=client, update_mask=mask("custom_fields"), etag=client.etag
    )
    client = await person.call("UpdateClient", request)
    assert plain(client.custom_fields) == {"made_of": ["web"]}
    deal = await filled(person, deal, made_of=["app"])
    with refused(ErrorKind.INVALID, "FIELD_INVALID"):
        await filled(person, deal, made_of=["web"])


async def test_a_field_that_is_gone_takes_its_values_out_of_sight_for_good(
    app: App, person: Person
) -> None:
    field = await make_field(person, "Level")
    deal = await deal_with(person, level="iron")
    await removed(person, field)
    with refused(ErrorKind.INVALID, "FIELD_NOT_FILTERABLE"):
        await person.list_deals(where("cf_level", "EQ", "iron"))
    assert "Level" not in table(await exported(app, person))[0]
    again = await make_field(person, "Level")
    assert again.key == "level_2"
    assert "level_2" not in plain((await person.deal(deal.id)).custom_fields)
    assert (await person.list_deals(where("cf_level_2", "EQ", "iron"))).deals == []


async def test_values_are_in_the_history_and_outlive_the_trash(person: Person) -> None:
    await make_field(person, "Level")
    deal = await filled(person, await deal_with(person, level="iron"), level="gold")
    history = await person.call("ListDealHistory", deal_pb.ListDealHistoryRequest(deal_id=deal.id))
    (changed,) = history.entries[0].changes
    assert "iron" in changed.before
    assert "gold" in changed.after
    await person.call("DeleteDeal", deal_pb.DeleteDealRequest(deal_id=deal.id, etag=deal.etag))
    await person.call("RestoreRecord", record_pb.RestoreRecordRequest(record_id=deal.id))
    assert plain((await person.deal(deal.id)).custom_fields) == {"level": "gold"}


async def test_a_file_fills_fifty_fields_and_names_each_bad_cell(app: App, person: Person) -> None:
    kinds = [TYPES[number % len(TYPES)] for number in range(MAX_FIELDS)]
    for number, kind in enumerate(kinds):
        options = ["a", "b"] if "select" in kind else []
        await make_field(person, f"Field {number}", kind, options=options)
    header = ["deal", *(f"Field {number}" for number in range(MAX_FIELDS))]
    rows = [["Good", *(GOOD[kind] for kind in kinds)], ["Bad", *(BAD[kind] for kind in kinds)]]
    text = "\n".join(",".join(row) for row in (header, *rows))
    done = await imported(app, person, text)
    assert (done.created_rows, done.failed_rows) == (1, 1)
    (deal,) = (await person.list_deals()).deals
    assert len(deal.custom_fields) == MAX_FIELDS
    found = await person.call(
        "ListImportErrors", import_pb.ListImportErrorsRequest(import_id=done.id, page_size=100)
    )
    assert {(error.row, error.column) for error in found.errors} == {
        (3, f"Field {number}") for number in range(MAX_FIELDS)
    }


@pytest.mark.parametrize("name", ["=1+1", "+49", "-x", "@SUM(A1)", "\t=1", "a\n=1"])
async def test_no_name_of_a_field_runs_in_a_spreadsheet(
    app: App, person: Person, name: str
) -> None:
    field = await make_field(person, name)
    await deal_with(person, **{field.key: "=cmd()"})
    header, row = table(await exported(app, person, columns=["name", f"cf_{field.key}"]))
    assert row[1] == "'=cmd()"
    assert all(not line.lstrip('"').startswith(tuple("=+-@\t")) for line in header[1].split("\n"))


async def test_values_outlive_a_merge(person: Person) -> None:
    for name in ("Level", "Size"):
        await make_field(person, name, resource="clients")
    one = await make_client(person, name="A", custom_fields={"level": "gold"})
    other = await make_client(person, name="B", custom_fields={"level": "iron", "size": "S"})
    await make_deal(person, client_id=other.id)
    request = duplicate_pb.MergeClientsRequest(
        client_id=one.id, etag=one.etag, other_id=other.id, other_etag=other.etag
    )
    await person.call("MergeClients", request)
    kept = await person.call("GetClient", client_pb.GetClientRequest(client_id=one.id))
    assert plain(kept.custom_fields) == {"level": "gold", "size": "S"}
