"""Clients that may be one: said when one is created, found, made one, and two again."""

import json
from typing import Any

import pytest

from freelanceflow.crm.v1 import activity_service_pb2 as activity_pb
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import contact_service_pb2 as contact_pb
from freelanceflow.crm.v1 import deal_service_pb2 as deal_pb
from freelanceflow.crm.v1 import duplicate_service_pb2 as pb
from freelanceflow.crm.v1 import field_service_pb2 as field_pb
from kit.errors import ErrorKind
from kit.ids import new_id
from kit.sight import Sight
from services.crm.tests.factories import (
    Person,
    make_activity,
    make_client,
    make_deal,
    mask,
    refused,
    where,
)

COMPANY, PERSON = client_pb.CLIENT_KIND_COMPANY, client_pb.CLIENT_KIND_PERSON


async def get(person: Person, client_id: str) -> client_pb.Client:
    found: client_pb.Client = await person.call(
        "GetClient", client_pb.GetClientRequest(client_id=client_id)
    )
    return found


async def create(person: Person, *, anyway: bool = False, **given: Any) -> client_pb.Client:
    request = client_pb.CreateClientRequest(
        client=client_pb.Client(**{"kind": COMPANY} | given), allow_duplicate=anyway
    )
    made: client_pb.Client = await person.call("CreateClient", request)
    return made


async def merge(
    person: Person, one: client_pb.Client, other: client_pb.Client, *fields: str
) -> pb.Merge:
    one, other = await get(person, one.id), await get(person, other.id)
    request = pb.MergeClientsRequest(
        client_id=one.id,
        etag=one.etag,
        other_id=other.id,
        other_etag=other.etag,
        fields_from_other=fields,
    )
    made: pb.Merge = await person.call("MergeClients", request)
    return made


async def whose(person: Person, deal: deal_pb.Deal) -> str:
    found = await person.call("GetDeal", deal_pb.GetDealRequest(deal_id=deal.id))
    return str(found.client_id)


async def pairs(person: Person) -> list[tuple[set[str], str]]:
    found = await person.call("ListDuplicates", pb.ListDuplicatesRequest())
    return [({pair.one.name, pair.other.name}, pair.matched_by) for pair in found.pairs]


@pytest.mark.parametrize(
    ("given", "by"),
    [
        ({"name": "Something else", "emails": ["Info@Acme.com"]}, "email"),
        ({"name": "Acme, Inc.", "phones": ["044 123 45 67"]}, "phone"),
        ({"name": "Acme Labs", "website": "https://acme.com/about"}, "domain"),
        ({"name": "ACME Studio"}, "name"),
    ],
)
async def test_who_looks_like_somebody_is_asked_about(
    person: Person, given: dict[str, Any], by: str
) -> None:
    there = await make_client(
        person, name="Acme Studios GmbH", emails=["info@acme.com"], phones=["+41441234567"]
    )
    with refused(ErrorKind.DUPLICATE, "CLIENT_ALIKE") as refusal:
        await create(person, **given)
    (candidate,) = json.loads(refusal.value.details["candidates"])
    assert candidate == {"id": there.id, "name": there.name, "matched_by": by}
    assert (await create(person, anyway=True, **given)).id != there.id


async def test_others_are_others(person: Person, stranger: Person) -> None:
    await make_client(stranger, name="Delta", emails=["a@delta.io"])
    await make_client(person, name="Acme 1", emails=["ann@gmail.com"])
    await create(person, name="Acme 2", emails=["bob@gmail.com"])  # other numbers, free mail
    await create(person, name="Acme 1", kind=PERSON)  # a person is no company
    await create(person, name="Delta", emails=["a@delta.io"])  # another workspace's is not there
    assert await pairs(person) == []


async def test_whom_one_does_not_see_is_not_named(person: Person) -> None:
    await make_client(person, name="Acme", owner_id=str(person.user_id))
    me = Person(person.crm, person.workspace_id, new_id())
    me.sight = Sight((me.user_id,))
    await create(me, name="Acme", owner_id=str(me.user_id))
    assert await pairs(me) == []
    assert len(await pairs(person)) == 1
    one, other = [await make_client(person, owner_id=str(person.user_id)) for _ in range(2)]
    await merge(person, one, other)
    assert not (await me.call("ListMerges", pb.ListMergesRequest())).merges


async def test_a_team_hears_of_its_own_and_a_merge_leaves_nobodys_records_behind(
    person: Person,
) -> None:
    me, mate = Person(person.crm, person.workspace_id), Person(person.crm, person.workspace_id)
    me.sight = Sight((me.user_id, mate.user_id))
    his, hers, mine = [
        await make_client(owner, name=name, emails=["ann@acme.io"], owner_id=str(owner.user_id))
        for name, owner in (("Acme", person), ("Acme Ltd", mate), ("Acme AG", me))
    ]
    with refused(ErrorKind.DUPLICATE, "CLIENT_ALIKE") as refusal:
        await create(me, name="Acme GmbH", owner_id=str(me.user_id))
    assert his.id not in str(refusal.value.details)
    named = json.loads(refusal.value.details["candidates"])
    assert {one["id"] for one in named} == {hers.id, mine.id}
    assert await pairs(me) == [({"Acme Ltd", "Acme AG"}, "email")]
    assert len(await pairs(person)) == 3
    with refused(ErrorKind.NOT_FOUND, "CLIENT_NOT_FOUND"):
        request = pb.MergeClientsRequest(
            client_id=mine.id, etag=mine.etag, other_id=his.id, other_etag=his.etag
        )
        await me.call("MergeClients", request)
    hidden = await make_deal(person, client_id=hers.id, owner_id=str(person.user_id))
    with refused(ErrorKind.REFUSED, "MERGE_OUT_OF_SIGHT"):
        await merge(me, mine, hers)
    assert await get(me, hers.id) == hers
    assert await whose(person, hidden) == hers.id
    made = await merge(person, mine, hers)
    assert await whose(person, hidden) == mine.id
    undo = pb.UndoMergeRequest(merge_id=made.id)
    with refused(ErrorKind.REFUSED, "MERGE_OUT_OF_SIGHT"):
        await me.call("UndoMerge", undo)
    with refused(ErrorKind.NOT_FOUND, "CLIENT_NOT_FOUND"):
        await get(me, hers.id)
    await person.call("UndoMerge", undo)
    assert await whose(person, hidden) == hers.id


async def test_what_went_out_of_sight_since_does_not_stay_behind_at_an_undo(
    person: Person,
) -> None:
    me = Person(person.crm, person.workspace_id)
    me.sight = Sight((me.user_id,))
    mine = {"owner_id": str(me.user_id)}
    one = await make_client(me, **mine)

    async def handed_over(deal: deal_pb.Deal, owner: Person) -> None:
        deal = await person.deal(deal.id)
        deal.owner_id = str(owner.user_id)
        request = deal_pb.UpdateDealRequest(deal=deal, update_mask=mask("owner_id"), etag=deal.etag)
        await person.call("UpdateDeal", request)

    for as_contact in (False, True):
        other = await make_client(me, **mine)
        deal = await make_deal(me, client_id=one.id if as_contact else other.id, **mine)
        if as_contact:
            contact = contact_pb.PutDealContactRequest(deal_id=deal.id, client_id=other.id)
            await me.call("PutDealContact", contact)
        undo = pb.UndoMergeRequest(merge_id=(await merge(me, one, other)).id)
        await handed_over(deal, person)
        with refused(ErrorKind.REFUSED, "MERGE_OUT_OF_SIGHT"):
            await me.call("UndoMerge", undo)
        assert await whose(person, deal) == one.id
        await handed_over(deal, me)
        await me.call("UndoMerge", undo)
        assert await whose(person, deal) == (one if as_contact else other).id

    kept, gone = [await make_client(person, owner_id=str(person.user_id)) for _ in range(2)]
    made = await merge(person, kept, gone)
    with refused(ErrorKind.NOT_FOUND, "MERGE_NOT_FOUND"):  # nor is it listed
        await me.call("UndoMerge", pb.UndoMergeRequest(merge_id=made.id))


async def test_pairs_are_found_the_surest_first_and_can_be_dismissed(person: Person) -> None:
    await make_client(person, name="Müller Design")
    await create(person, anyway=True, name="Mueller Design AG")
    ann = await create(person, name="Ann", kind=PERSON, emails=["ann@gmail.com"])
    annie = await create(person, anyway=True, name="Annie", kind=PERSON, emails=["ann@gmail.com"])
    assert await pairs(person) == [
        ({"Ann", "Annie"}, "email"),
        ({"Müller Design", "Mueller Design AG"}, "name"),
    ]
    for _ in range(2):
        await person.call(
            "DismissDuplicate", pb.DismissDuplicateRequest(client_id=annie.id, other_id=ann.id)
        )
    assert [by for _, by in await pairs(person)] == ["name"]


async def test_a_merge_unites_what_both_have(person: Person) -> None:
    one = await make_client(
        person, name="Acme", emails=["a@acme.com"], tags=["x"], address="Bern", notes=""
    )
    other = await create(
        person,
        anyway=True,
        name="Acme Ltd",
        emails=["b@acme.com", "a@acme.com"],
        tags=["y"],
        address="Zürich",
        notes="noted",
        external_id="7",
    )
    deal = await make_deal(person, client_id=other.id)
    activity = await make_activity(person, client_id=other.id)
    ann = await create(person, name="Ann", kind=PERSON, parent_id=other.id)
    made = await merge(person, one, other, "name")
    assert (made.deals, made.activities, made.people) == (1, 1, 1)
    after = await get(person, one.id)
    assert (after.name, after.address, after.notes) == ("Acme Ltd", "Bern", "noted")
    assert (list(after.emails), list(after.tags)) == (["a@acme.com", "b@acme.com"], ["x", "y"])
    assert after.external_id == "7"
    assert (await person.deal(deal.id)).client_id == one.id
    assert (await get(person, ann.id)).parent_id == one.id
    moved = await person.call(
        "GetActivity", activity_pb.GetActivityRequest(activity_id=activity.id)
    )
    assert moved.client_id == one.id
    with refused(ErrorKind.NOT_FOUND, "CLIENT_NOT_FOUND"):
        await get(person, other.id)
    history = await person.call("ListDealHistory", deal_pb.ListDealHistoryRequest(deal_id=deal.id))
    assert history.entries[0].changes[0].field == "client_id"


async def test_an_undo_makes_two_of_them_again(person: Person) -> None:
    one = await make_client(person, name="Acme", emails=["a@acme.com"])
    other = await create(
        person, anyway=True, name="Acme Ltd", emails=["b@acme.com"], external_id="7"
    )
    deals = [await make_deal(person, client_id=other.id) for _ in range(2)]
    spoken = await make_deal(person, client_id=one.id)
    await person.call(
        "PutDealContact",
        contact_pb.PutDealContactRequest(deal_id=spoken.id, client_id=other.id, role="Buyer"),
    )
    activity = await make_activity(person, client_id=other.id)
    made = await merge(person, one, other, "name", "external_id")
    assert (await person.call("ListMerges", pb.ListMergesRequest())).merges[0].id == made.id
    # Meanwhile: one deal goes elsewhere, and somebody renames the client.
    third = await make_client(person, name="Third")
    await change_deal(person, deals[0].id, client_id=third.id)
    united = await get(person, one.id)
    await person.call(
        "UpdateClient",
        client_pb.UpdateClientRequest(
            client=client_pb.Client(id=one.id, name="Renamed"),
            update_mask=mask("name"),
            etag=united.etag,
        ),
    )
    undone = await person.call("UndoMerge", pb.UndoMergeRequest(merge_id=made.id))
    assert undone.HasField("undo_time")
    again, back = await get(person, one.id), await get(person, other.id)
    assert (again.name, list(again.emails), again.external_id) == ("Renamed", ["a@acme.com"], "")
    assert (back.name, list(back.emails), back.external_id) == ("Acme Ltd", ["b@acme.com"], "7")
    assert (await person.deal(deals[0].id)).client_id == third.id
    assert (await person.deal(deals[1].id)).client_id == other.id
    moved = await person.call(
        "GetActivity", activity_pb.GetActivityRequest(activity_id=activity.id)
    )
    assert moved.client_id == other.id
    contacts = await person.call(
        "ListDealContacts", contact_pb.ListDealContactsRequest(deal_id=spoken.id)
    )
    assert [(contact.client_id, contact.role) for contact in contacts.contacts] == [
        (other.id, "Buyer")
    ]
    with refused(ErrorKind.REFUSED, "MERGE_UNDONE"):
        await person.call("UndoMerge", pb.UndoMergeRequest(merge_id=made.id))


async def change_deal(person: Person, deal_id: str, **given: Any) -> None:
    deal = await person.deal(deal_id)
    await person.call(
        "UpdateDeal",
        deal_pb.UpdateDealRequest(
            deal=deal_pb.Deal(id=deal_id, **given), update_mask=mask(*given), etag=deal.etag
        ),
    )


async def test_a_merge_of_what_was_changed_meanwhile_is_refused(person: Person) -> None:
    one, other = await make_client(person), await make_client(person)
    request = pb.MergeClientsRequest(client_id=one.id, etag="1", other_id=other.id, other_etag="0")
    with refused(ErrorKind.STALE, "CLIENT_HAS_CHANGED"):
        await person.call("MergeClients", request)
    with refused(ErrorKind.INVALID, "MERGE_WITH_ITSELF"):
        await merge(person, one, one)
    with refused(ErrorKind.INVALID, "FIELD_UNKNOWN"):
        await merge(person, one, other, "shoe_size")


async def test_a_parent_under_its_own_child_does_not_become_its_own_parent(person: Person) -> None:
    company = await make_client(person, name="Acme")
    branch = await create(person, name="Branch", parent_id=company.id)
    await merge(person, branch, company, "parent_id")
    after = await get(person, branch.id)
    assert after.parent_id == ""
    found = await person.call(
        "ListClients",
        client_pb.ListClientsRequest(conditions=[where("parent_id", "EQ", branch.id)]),
    )
    assert not found.clients


async def undo(person: Person, made: pb.Merge) -> None:
    await person.call("UndoMerge", pb.UndoMergeRequest(merge_id=made.id))


async def change(person: Person, client_id: str, **given: Any) -> None:
    client = await get(person, client_id)
    await person.call(
        "UpdateClient",
        client_pb.UpdateClientRequest(
            client=client_pb.Client(id=client_id, **given),
            update_mask=mask(*given),
            etag=client.etag,
        ),
    )


async def test_an_undo_takes_away_custom_fields_that_came_with_the_other(person: Person) -> None:
    field = field_pb.CustomField(resource="clients", name="Size", type="text")
    request = field_pb.CreateCustomFieldRequest(custom_field=field)
    key = (await person.call("CreateCustomField", request)).key
    one, other = await make_client(person), await make_client(person, custom_fields={key: "S"})
    made = await merge(person, one, other)
    assert dict((await get(person, one.id)).custom_fields) == {key: "S"}
    await undo(person, made)
    assert dict((await get(person, one.id)).custom_fields) == {}


async def test_an_undo_leaves_both_where_both_were_contacts(person: Person) -> None:
    one, other, deal = await make_client(person), await make_client(person), await make_deal(person)
    for client, role in ((one, "Pays"), (other, "Decides")):
        request = contact_pb.PutDealContactRequest(deal_id=deal.id, client_id=client.id, role=role)
        await person.call("PutDealContact", request)
    await undo(person, await merge(person, one, other))
    asked = contact_pb.ListDealContactsRequest(deal_id=deal.id)
    found = (await person.call("ListDealContacts", asked)).contacts
    assert [(contact.client_id, contact.role) for contact in found] == [
        (one.id, "Pays"),
        (other.id, "Decides"),
    ]


async def test_an_undo_does_not_take_an_external_id_from_who_has_it_now(person: Person) -> None:
    one, other = [await make_client(person, external_id=id) for id in ("1", "2")]
    made = await merge(person, one, other, "external_id")
    await make_client(person, external_id="1")
    await change(person, one.id, external_id="3")
    third = await make_client(person, external_id="2")
    await undo(person, made)
    found = [await get(person, client.id) for client in (one, other, third)]
    assert [client.external_id for client in found] == ["3", "", "2"]


async def test_an_undo_knows_a_parent_by_its_id(person: Person) -> None:
    above = await make_client(person, name="Holding")
    one, other = await make_client(person), await make_client(person, parent_id=above.id)
    made = await merge(person, one, other)
    assert (await get(person, one.id)).parent_id == above.id
    await change(person, above.id, name="Group")
    await undo(person, made)
    assert (await get(person, one.id)).parent_id == ""
    assert (await get(person, other.id)).parent_id == above.id


async def test_who_stood_under_the_other_stands_where_the_other_stood(person: Person) -> None:
    above = await make_client(person)
    other = await make_client(person, parent_id=above.id)
    one = await make_client(person, parent_id=other.id)
    made = await merge(person, one, other)
    assert (await get(person, one.id)).parent_id == above.id
    await undo(person, made)
    assert (await get(person, one.id)).parent_id == other.id


async def test_an_undo_puts_a_line_back_as_it_was(person: Person) -> None:
    """The top of a line went up into its bottom, so that the middle came under the bottom."""
    top = await make_client(person)
    middle = await make_client(person, parent_id=top.id)
    bottom = await make_client(person, parent_id=middle.id)
    await undo(person, await merge(person, bottom, top))
    assert [(await get(person, one.id)).parent_id for one in (middle, bottom)] == [
        top.id,
        middle.id,
    ]
