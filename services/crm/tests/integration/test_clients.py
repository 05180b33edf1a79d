"""Clients through the door."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from crm.application.workspaces import keep_workspace
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import client_service_pb2 as pb
from freelanceflow.crm.v1 import field_service_pb2 as field_pb
from freelanceflow.crm.v1.activity_service_pb2 import (
    ACTIVITY_KIND_CALL as CALL,
)
from freelanceflow.crm.v1.activity_service_pb2 import (
    ACTIVITY_KIND_MAIL as MAIL,
)
from freelanceflow.crm.v1.activity_service_pb2 import (
    ACTIVITY_KIND_TASK as TASK,
)
from kit.clock import FakeClock, from_timestamp, to_timestamp
from kit.errors import ErrorKind
from kit.ids import new_id
from kit.testing.database import ServiceDatabase, recorded_queries
from services.crm.tests.factories import (
    Person,
    by,
    euros,
    make_activity,
    make_client,
    make_deal,
    mask,
    refused,
    where,
)


async def test_a_client_reads_as_it_was_written(person: Person) -> None:
    company = await make_client(person, name="Acme")
    field = field_pb.CustomField(resource="clients", name="Size", type="number")
    await person.call("CreateCustomField", field_pb.CreateCustomFieldRequest(custom_field=field))
    new = pb.Client(notes="Likes blue")
    new.custom_fields.update({"size": 7})
    ann = await make_client(
        person,
        name="Ann",
        kind=pb.CLIENT_KIND_PERSON,
        parent_id=company.id,
        emails=["ann@acme.ch"],
        phones=["+41 1"],
        owner_id=str(person.user_id),
        tags=["vip"],
        notes=new.notes,
        custom_fields=new.custom_fields,
        external_id="C1",
    )
    assert (ann.parent_name, ann.version if hasattr(ann, "version") else ann.etag) == ("Acme", "1")
    found = await person.call("GetClient", pb.GetClientRequest(client_id=ann.id))
    assert found == ann
    page = await person.call("ListClients", pb.ListClientsRequest(with_total=True))
    assert ([client.name for client in page.clients], page.total) == (["Acme", "Ann"], 2)


async def test_a_client_knows_what_it_is_worth(person: Person) -> None:
    client, stages = await make_client(person), await person.stages()
    await make_deal(person, client_id=client.id, amount=euros(300))
    await make_deal(person, client_id=client.id, amount=None)
    won = await make_deal(person, client_id=client.id, amount=euros(50))
    await person.move(won, stages["Won"])
    found = await person.call("GetClient", pb.GetClientRequest(client_id=client.id))
    assert (found.open_deal_count, found.open_value, found.won_value) == (2, euros(300), euros(50))


async def test_a_company_is_worth_what_its_people_are(person: Person) -> None:
    company, stages = await make_client(person), await person.stages()
    ann = await make_client(person, kind=pb.CLIENT_KIND_PERSON, parent_id=company.id)
    reasons = await person.lost_reasons()
    for amount, client, stage in ((70, ann, "Won"), (30, company, "Won"), (9, ann, "Lost")):
        deal = await make_deal(person, client_id=client.id, amount=euros(amount))
        reason = {"lost_reason_id": reasons["Price"]} if stage == "Lost" else {}
        await person.move(deal, stages[stage], **reason)
    found = await person.call("GetClient", pb.GetClientRequest(client_id=company.id))
    assert (found.won_value, found.closed_deal_count, found.people_count) == (euros(100), 3, 1)
    assert found.win_rate == pytest.approx(2 / 3)
    hers = await person.call("GetClient", pb.GetClientRequest(client_id=ann.id))
    assert (hers.won_value, hers.win_rate, hers.people_count) == (euros(70), 0.5, 0)
    assert not company.HasField("win_rate")
    await make_client(person)
    page = await person.call("ListClients", pb.ListClientsRequest(sort=[by("created_at")]))
    assert [one.won_value for one in page.clients] == [euros(100), euros(70), euros(0)]
    assert [one.people_count for one in page.clients] == [1, 0, 0]


async def test_the_last_contact_is_the_last_that_was_made(person: Person, clock: FakeClock) -> None:
    company = await make_client(person)
    ann = await make_client(person, kind=pb.CLIENT_KIND_PERSON, parent_id=company.id)
    days = [clock.now() - timedelta(days=days) for days in (9, 5, 1)]
    for kind, client, done in (
        (CALL, company, days[0]),
        (MAIL, ann, days[1]),
        (TASK, company, days[2]),
    ):
        await make_activity(person, client_id=client.id, kind=kind, done_time=to_timestamp(done))
    await make_activity(person, client_id=company.id, due_time=to_timestamp(clock.now()))
    found = await person.call("GetClient", pb.GetClientRequest(client_id=company.id))
    assert from_timestamp(found.last_contact_time) == days[1]
    await make_client(person)
    page = await person.call("ListClients", pb.ListClientsRequest(sort=[by("created_at")]))
    assert [one.HasField("last_contact_time") for one in page.clients] == [True, True, False]


async def test_addresses_are_kept_in_one_form(person: Person, app: App) -> None:
    async with app.unit_of_work(person.workspace_id) as uow:
        await keep_workspace(uow, version=1, name="Ours", currency="EUR", time_zone="Europe/Berlin")
    client = await make_client(
        person,
        emails=["Ann@Acme.CH", "ann@acme.ch"],
        phones=["030 1234567", "+49 30 1234567"],
        website="acme.ch",
    )
    assert (list(client.emails), list(client.phones)) == (["ann@acme.ch"], ["+49 30 1234567"])
    assert client.website == "https://acme.ch"
    page = await person.call(
        "ListClients",
        pb.ListClientsRequest(conditions=[where("emails", "CONTAINS", "ann@acme.ch")]),
    )
    assert [found.id for found in page.clients] == [client.id]


async def test_figures_cost_no_further_query(person: Person, database: ServiceDatabase) -> None:
    for _ in range(3):
        await make_deal(person, client_id=(await make_client(person)).id)
    with recorded_queries(database.app) as recorded:
        await person.call("ListClients", pb.ListClientsRequest())
    assert len(recorded.sql) == 1


async def test_a_client_changes_and_goes(person: Person) -> None:
    client = await make_client(person, tags=["a"])
    request = pb.UpdateClientRequest(
        client=pb.Client(id=client.id, name="New", kind=pb.CLIENT_KIND_PERSON),
        update_mask=mask("name", "kind", "tags"),
        etag=client.etag,
    )
    updated = await person.call("UpdateClient", request)
    assert (updated.name, updated.kind, list(updated.tags)) == ("New", pb.CLIENT_KIND_PERSON, [])
    with refused(ErrorKind.STALE, "CLIENT_HAS_CHANGED"):
        await person.call("UpdateClient", request)
    deal = await make_deal(person, client_id=client.id)
    await person.call("DeleteClient", pb.DeleteClientRequest(client_id=client.id, etag="2"))
    with refused(ErrorKind.NOT_FOUND, "CLIENT_NOT_FOUND"):
        await person.call("GetClient", pb.GetClientRequest(client_id=client.id))
    with refused(ErrorKind.NOT_FOUND, "CLIENT_NOT_FOUND"):
        await make_deal(person, client_id=client.id)
    assert (await person.deal(deal.id)).client_name == "New"


@pytest.mark.parametrize(
    ("wrong", "reason", "field"),
    [
        ({"name": ""}, "NAME_MISSING", "name"),
        ({"kind": pb.CLIENT_KIND_UNSPECIFIED}, "KIND_UNKNOWN", "kind"),
        ({"emails": ["not one"]}, "EMAIL_INVALID", "emails"),
        ({"emails": [f"a{n}@b.ch" for n in range(11)]}, "EMAILS_TOO_MANY", "emails"),
        ({"notes": "x" * 10_001}, "NOTES_TOO_LONG", "notes"),
        ({"phones": ["ask Tom"]}, "PHONE_INVALID", "phones"),
        ({"website": "javascript:alert(1)"}, "WEBSITE_INVALID", "website"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_field(
    person: Person, wrong: dict[str, Any], reason: str, field: str
) -> None:
    with refused(ErrorKind.INVALID, reason) as refusal:
        await make_client(person, **wrong)
    assert field in refusal.value.fields


async def test_every_address_that_is_none_is_named_at_its_field(person: Person) -> None:
    emails = ["mira@atelier.example", "not one", "mira@", "nor this"]
    with refused(ErrorKind.INVALID, "EMAIL_INVALID") as refusal:
        await make_client(person, emails=emails, phones=["ask Tom", "+49 30 901820", "his wife"])
    assert refusal.value.fields == {
        "emails": "“not one”, “mira@” and “nor this” are not e-mail addresses.",
        "phones": "“ask Tom” and “his wife” are not phone numbers.",
    }
    with refused(ErrorKind.INVALID, "EMAILS_TOO_MANY") as refusal:
        await make_client(person, emails=["wrong", *(f"a{n}@b.ch" for n in range(10))])
    said = "At most 10 of them. “wrong” is not an e-mail address."
    assert refusal.value.fields == {"emails": said}


async def test_only_a_company_has_others_under_it(person: Person) -> None:
    ann = await make_client(person, kind=pb.CLIENT_KIND_PERSON)
    with refused(ErrorKind.INVALID, "PARENT_NOT_COMPANY"):
        await make_client(person, parent_id=ann.id)
    with refused(ErrorKind.NOT_FOUND, "CLIENT_NOT_FOUND"):
        await make_client(person, parent_id=str(new_id()))
    company = await make_client(person)
    request = pb.UpdateClientRequest(
        client=pb.Client(id=company.id, parent_id=company.id), etag=company.etag
    )
    with refused(ErrorKind.INVALID, "CLIENT_UNDER_ITSELF"):
        await person.call("UpdateClient", request)


async def test_who_stands_under_what_was_made_a_person_can_be_changed(person: Person) -> None:
    company = await make_client(person)
    ann = await make_client(person, kind=pb.CLIENT_KIND_PERSON, parent_id=company.id)
    for client, given in (
        (company, {"kind": pb.CLIENT_KIND_PERSON}),
        (ann, {"name": "Anna", "parent_id": company.id}),
    ):
        request = pb.UpdateClientRequest(
            client=pb.Client(id=client.id, **given), update_mask=mask(*given), etag=client.etag
        )
        changed = await person.call("UpdateClient", request)
    assert (changed.name, changed.parent_id) == ("Anna", company.id)


async def test_an_external_id_is_taken_once(person: Person) -> None:
    await make_client(person, external_id="C1")
    with refused(ErrorKind.DUPLICATE, "EXTERNAL_ID_TAKEN"):
        await make_client(person, external_id="C1")


async def test_clients_are_filtered_and_sorted(person: Person) -> None:
    acme = await make_client(person, name="acme", tags=["x"])
    await make_client(person, name="Zoe", kind=pb.CLIENT_KIND_PERSON, parent_id=acme.id)
    await make_client(person, name="Bolt")

    async def names(**over: Any) -> list[str]:
        page = await person.call("ListClients", pb.ListClientsRequest(**over))
        return [client.name for client in page.clients]

    assert await names() == ["acme", "Bolt", "Zoe"]
    assert await names(sort=[by("created_at", True)]) == ["Bolt", "Zoe", "acme"]
    assert await names(conditions=[where("kind", "EQ", "person")]) == ["Zoe"]
    assert await names(conditions=[where("parent_id", "EQ", acme.id)]) == ["Zoe"]
    assert await names(conditions=[where("tags", "CONTAINS", "x")]) == ["acme"]
    assert await names(conditions=[where("name", "CONTAINS", "O")]) == ["Bolt", "Zoe"]
    first = await person.call("ListClients", pb.ListClientsRequest(page_size=2))
    assert await names(page_size=2, page_token=first.next_page_token) == ["Zoe"]
    assert UUID(acme.id).version == 7
