"""The people one speaks with about a deal."""

from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import contact_service_pb2 as pb
from freelanceflow.crm.v1 import deal_service_pb2 as deal_pb
from kit.errors import ErrorKind
from services.crm.tests.factories import Person, make_client, make_deal, refused


async def put(person: Person, deal_id: str, client_id: str, role: str = "") -> pb.DealContact:
    request = pb.PutDealContactRequest(deal_id=deal_id, client_id=client_id, role=role)
    contact: pb.DealContact = await person.call("PutDealContact", request)
    return contact


async def remove(person: Person, deal_id: str, client_id: str) -> None:
    request = pb.RemoveDealContactRequest(deal_id=deal_id, client_id=client_id)
    await person.call("RemoveDealContact", request)


async def names(person: Person, deal_id: str) -> list[tuple[str, str]]:
    found = await person.call("ListDealContacts", pb.ListDealContactsRequest(deal_id=deal_id))
    return [(contact.name, contact.role) for contact in found.contacts]


async def test_a_deal_has_several_contacts_in_the_order_they_came(person: Person) -> None:
    deal = await make_deal(person)
    ann, bob = [
        await make_client(
            person, name=name, kind=client_pb.CLIENT_KIND_PERSON, emails=[f"{name}@acme.ch"]
        )
        for name in ("Ann", "Bob")
    ]
    contact = await put(person, deal.id, bob.id)
    assert (contact.name, list(contact.emails), contact.role) == ("Bob", ["bob@acme.ch"], "")
    await put(person, deal.id, ann.id, "Decides")
    await put(person, deal.id, bob.id, " Pays ")
    assert await names(person, deal.id) == [("Bob", "Pays"), ("Ann", "Decides")]
    await remove(person, deal.id, bob.id)
    assert await names(person, deal.id) == [("Ann", "Decides")]


async def test_it_is_a_change_of_the_deal_once(person: Person) -> None:
    deal, ann = await make_deal(person), await make_client(person, name="Ann")
    for _ in range(2):
        await put(person, deal.id, ann.id, "Decides")
    for _ in range(2):
        await remove(person, deal.id, ann.id)
    assert (await person.deal(deal.id)).version == 3
    request = deal_pb.ListDealHistoryRequest(deal_id=deal.id)
    history = (await person.call("ListDealHistory", request)).entries
    assert [tuple((c.field, c.before, c.after) for c in e.changes) for e in history] == [
        (("contacts", "Ann (Decides)", ""),),
        (("contacts", "", "Ann (Decides)"),),
        (),
    ]


async def test_who_is_not_there_is_no_contact(person: Person, stranger: Person) -> None:
    deal, theirs = await make_deal(person), await make_client(stranger)
    with refused(ErrorKind.NOT_FOUND, "CLIENT_NOT_FOUND"):
        await put(person, deal.id, theirs.id)
    with refused(ErrorKind.NOT_FOUND, "DEAL_NOT_FOUND"):
        await put(stranger, deal.id, theirs.id)
    with refused(ErrorKind.INVALID, "ROLE_TOO_LONG"):
        await put(person, deal.id, (await make_client(person)).id, "x" * 101)
    for _ in range(20):
        await put(person, deal.id, (await make_client(person)).id)
    with refused(ErrorKind.INVALID, "CONTACTS_TOO_MANY"):
        await put(person, deal.id, (await make_client(person)).id)
    assert len(await names(person, deal.id)) == 20
