"""Custom fields hold what they are for; tags are one thing on all records; views are kept."""

from typing import Any
from uuid import UUID

import pytest

from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import deal_service_pb2 as deal_pb
from freelanceflow.crm.v1 import field_service_pb2 as pb
from kit.errors import ErrorKind
from kit.testing.database import ServiceDatabase
from services.crm.tests.factories import (
    Person,
    make_client,
    make_deal,
    mask,
    refused,
    where,
)
from services.crm.tests.integration.test_events import told


async def make_field(person: Person, name: str, type: str = "text", **over: Any) -> pb.CustomField:
    field = pb.CustomField(**{"name": name, "type": type, "resource": "deals", **over})
    request = pb.CreateCustomFieldRequest(custom_field=field)
    made: pb.CustomField = await person.call("CreateCustomField", request)
    return made


async def change(person: Person, field: pb.CustomField, **values: Any) -> pb.CustomField:
    request = pb.UpdateCustomFieldRequest(
        custom_field=pb.CustomField(id=field.id, **values),
        update_mask=mask(*values),
        etag=field.etag,
    )
    changed: pb.CustomField = await person.call("UpdateCustomField", request)
    return changed


async def names(person: Person, resource: str = "deals") -> list[str]:
    found = await person.call("ListCustomFields", pb.ListCustomFieldsRequest(resource=resource))
    assert [f.position for f in found.custom_fields] == list(range(len(found.custom_fields)))
    return [field.name for field in found.custom_fields]


async def deal_with(person: Person, **values: Any) -> deal_pb.Deal:
    deal = deal_pb.Deal(name="x")
    deal.custom_fields.update(values)
    made: deal_pb.Deal = await person.call("CreateDeal", deal_pb.CreateDealRequest(deal=deal))
    return made


async def test_fields_are_added_changed_put_in_order_and_taken_away(
    person: Person, database: ServiceDatabase
) -> None:
    budget = await make_field(person, " Budget (Überblick) ", "money")
    assert (budget.key, budget.name, budget.etag) == (
        "budget_uberblick", "Budget (Überblick)", "1",
    )  # fmt: skip
    kind = await make_field(person, "Kind", "select", options=["fix", "hourly", "fix"])
    assert list(kind.options) == ["fix", "hourly"]
    client = await make_field(person, "Kind", resource="clients")
    other = await make_field(person, "日本")
    assert (client.key, other.key) == ("kind", "field")
    assert await names(person) == ["Budget (Überblick)", "Kind", "日本"]
    assert await names(person, "clients") == ["Kind"]
    changed = await change(person, kind, name="Sort", options=["fix"], position=0)
    assert (changed.name, changed.key, list(changed.options)) == ("Sort", "kind", ["fix"])
    assert await names(person) == ["Sort", "Budget (Überblick)", "日本"]
    with refused(ErrorKind.STALE, "FIELD_HAS_CHANGED"):
        await change(person, kind, name="x")
    with refused(ErrorKind.DUPLICATE, "FIELD_NAME_TAKEN"):
        await make_field(person, "sort")
    gone = pb.DeleteCustomFieldRequest(custom_field_id=changed.id, etag=changed.etag)
    await person.call("DeleteCustomField", gone)
    with refused(ErrorKind.NOT_FOUND, "CUSTOM_FIELD_NOT_FOUND"):
        await person.call("DeleteCustomField", gone)
    assert await names(person) == ["Budget (Überblick)", "日本"]
    assert (await make_field(person, "Kind", "number")).key == "kind_2"
    events = [
        (body.name, body.removed, body.version)
        for kind, body, _ in await told(database, person.workspace_id)
        if kind == "crm.field.v1.changed" and body.key == "kind" and body.resource == "deals"
    ]
    assert events == [("Kind", False, 1), ("Sort", False, 2), ("Sort", False, 3), ("Sort", True, 4)]


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ({"name": " "}, "NAME_MISSING"),
        ({"type": "shoe"}, "TYPE_UNKNOWN"),
        ({"resource": "shoes"}, "RESOURCE_UNKNOWN"),
        ({"type": "select"}, "OPTIONS_MISSING"),
        ({"type": "multi_select", "options": [str(n) for n in range(101)]}, "OPTIONS_TOO_MANY"),
    ],
)
async def test_a_field_that_makes_no_sense_is_refused(
    person: Person, over: dict[str, Any], reason: str
) -> None:
    with refused(ErrorKind.INVALID, reason):
        await make_field(person, **{"name": "Field", **over})
    assert await names(person) == []


GOOD = {
    "text": " Fast ",
    "number": 1.5,
    "money": {"amount_minor": 100, "currency": "EUR"},
    "date": "2026-02-28",
    "select": "a",
    "multi_select": ["b", "a"],
    "url": "https://example.org/x?y=1",
    "checkbox": False,
}
BAD = [
    ("text", 1),
    ("text", "x" * 1001),
    ("text", ["x"]),
    ("number", "1.5"),
    ("number", True),
    ("number", 1e300),
    ("money", 100),
    ("money", {"amount_minor": 1.5, "currency": "EUR"}),
    ("money", {"amount_minor": 1, "currency": "XXX"}),
    ("date", "28.02.2026"),
    ("date", "2026-02-30"),
    ("select", "c"),
    ("multi_select", ["a", "c"]),
    ("multi_select", ["a", "a"]),
    ("multi_select", "a"),
    ("url", "javascript:alert(1)"),
    ("url", "example.org"),
    ("checkbox", "yes"),
]


@pytest.fixture
async def fields(person: Person) -> None:
    """A field of every type, called so."""
    for type in GOOD:
        options = ["a", "b"] if "select" in type else []
        await make_field(person, type, type, options=options)


async def test_fields_hold_what_they_are_for(person: Person, fields: None) -> None:
    deal = await deal_with(person, **GOOD)
    kept: dict[str, Any] = dict((await person.deal(deal.id)).custom_fields.items())
    assert kept["text"] == "Fast"
    assert (kept["number"], kept["checkbox"], kept["date"]) == (1.5, False, "2026-02-28")
    assert list(kept["multi_select"]) == ["b", "a"]
    assert dict(kept["money"]) == GOOD["money"]
    change = deal_pb.Deal(id=deal.id)
    change.custom_fields.update({"text": None, "select": "", "number": 2})
    request = deal_pb.UpdateDealRequest(
        deal=change, update_mask=mask("custom_fields"), etag=deal.etag
    )
    changed = await person.call("UpdateDeal", request)
    left = dict(changed.custom_fields.items())
    assert (left["number"], "text" in left, "select" in left, len(left)) == (2, False, False, 6)
    found = await person.list_deals(where("cf_number", "EQ", "2"), where("cf_money", "GT", "99"))
    assert [d.id for d in found.deals] == [deal.id]


@pytest.mark.parametrize(("type", "value"), BAD, ids=str)
async def test_a_value_that_does_not_fit_is_refused(
    person: Person, fields: None, type: str, value: Any
) -> None:
    with refused(ErrorKind.INVALID, "FIELD_INVALID") as refusal:
        await deal_with(person, **{type: value})
    assert list(refusal.value.fields) == [f"custom_fields.{type}"]
    assert (await person.list_deals(with_total=True)).total == 0


async def test_fields_of_others_are_unknown(person: Person, stranger: Person, fields: None) -> None:
    for who, key in ((person, "shoe"), (stranger, "text")):
        with refused(ErrorKind.INVALID, "FIELD_UNKNOWN"):
            await deal_with(who, **{key: "x"})
    client = client_pb.Client(name="x", kind=client_pb.CLIENT_KIND_COMPANY)
    client.custom_fields.update({"text": "x"})
    with refused(ErrorKind.INVALID, "FIELD_UNKNOWN"):
        await person.call("CreateClient", client_pb.CreateClientRequest(client=client))
    await make_field(person, "text", resource="clients")
    made = await person.call("CreateClient", client_pb.CreateClientRequest(client=client))
    assert made.custom_fields["text"] == "x"


# ---------------------------------------------------------------- tags


async def tags_of(person: Person) -> dict[str, tuple[str, int, int]]:
    found = await person.call("ListTags", pb.ListTagsRequest())
    return {tag.name: (tag.color, tag.deal_count, tag.client_count) for tag in found.tags}


async def test_a_tag_has_no_comma_which_stands_between_two(
    person: Person, database: ServiceDatabase
) -> None:
    deal, client = await make_deal(person, tags=["web"]), await make_client(person, tags=["web"])
    for asked, reason in (
        (make_deal(person, tags=["a,c"]), "TAGS_WITH_COMMA"),
        (make_client(person, tags=["a,c"]), "TAGS_WITH_COMMA"),
        (person.call("PutTag", pb.PutTagRequest(tag=pb.Tag(name="a,c"))), "TAG_WITH_COMMA"),
        (
            person.call("RenameTag", pb.RenameTagRequest(name="web", new_name="a,c")),
            "TAG_WITH_COMMA",
        ),
    ):
        with refused(ErrorKind.INVALID, reason):
            await asked
    # One from before stays until it is renamed.
    for table in ("deals", "clients"):
        old = f"UPDATE {table} SET tags = $2 WHERE workspace_id = $1"
        await database.owner.execute(old, person.workspace_id, ["a,b"])
    request = deal_pb.UpdateDealRequest(
        deal=deal_pb.Deal(id=deal.id, tags=["a,b", "new"]),
        update_mask=mask("tags"),
        etag=deal.etag,
    )
    assert list((await person.call("UpdateDeal", request)).tags) == ["a,b", "new"]
    change = client_pb.UpdateClientRequest(
        client=client_pb.Client(id=client.id, tags=["a,b", "new"]),
        update_mask=mask("tags"),
        etag=client.etag,
    )
    assert list((await person.call("UpdateClient", change)).tags) == ["a,b", "new"]
    await person.call("RenameTag", pb.RenameTagRequest(name="a,b", new_name="ab"))
    assert await tags_of(person) == {"ab": ("", 1, 1), "new": ("", 1, 1)}


async def test_a_tag_is_one_thing_on_all_records(person: Person, database: ServiceDatabase) -> None:
    deal = await make_deal(person, tags=["web", "big"])
    both = await make_deal(person, tags=["big", "web", "Website"])
    trashed = await make_deal(person, tags=["web"])
    await person.call(
        "DeleteDeal", deal_pb.DeleteDealRequest(deal_id=trashed.id, etag=trashed.etag)
    )
    client = await make_client(person, tags=["web"])
    colored = pb.PutTagRequest(tag=pb.Tag(name=" web ", color="teal"))
    await person.call("PutTag", colored)
    await person.call("PutTag", pb.PutTagRequest(tag=pb.Tag(name="later", color="red")))
    assert await tags_of(person) == {
        "big": ("", 2, 0), "later": ("red", 0, 0), "web": ("teal", 2, 1), "Website": ("", 1, 0),
    }  # fmt: skip
    renamed = await person.call("RenameTag", pb.RenameTagRequest(name="web", new_name="Website"))
    assert (renamed.deal_count, renamed.client_count) == (2, 1)
    assert await tags_of(person) == {
        "big": ("", 2, 0), "later": ("red", 0, 0), "Website": ("teal", 2, 1),
    }  # fmt: skip
    after = await person.deal(both.id)
    assert (list(after.tags), after.version) == (["big", "Website"], 2)
    assert list((await person.deal(deal.id)).tags) == ["Website", "big"]
    request = deal_pb.ListDealHistoryRequest(deal_id=deal.id)
    entry = (await person.call("ListDealHistory", request)).entries[0]
    assert (entry.kind, entry.changes[0].before, entry.changes[0].after) == (
        "updated", "web, big", "Website, big",
    )  # fmt: skip
    in_trash = "SELECT tags FROM deals WHERE id = $1"
    assert await database.owner.fetchval(in_trash, UUID(trashed.id)) == ["Website"]
    read = await person.call("GetClient", client_pb.GetClientRequest(client_id=client.id))
    assert (list(read.tags), read.etag) == (["Website"], "2")
    gone = await person.call("DeleteTag", pb.DeleteTagRequest(name="Website"))
    assert (gone.deal_count, gone.client_count) == (2, 1)
    assert await tags_of(person) == {"big": ("", 2, 0), "later": ("red", 0, 0)}
    for name in ("Website", "Big"):
        with refused(ErrorKind.NOT_FOUND, "TAG_NOT_FOUND"):
            await person.call("DeleteTag", pb.DeleteTagRequest(name=name))
    with refused(ErrorKind.INVALID, "COLOR_UNKNOWN"):
        await person.call("PutTag", pb.PutTagRequest(tag=pb.Tag(name="x", color="mauve")))
    with refused(ErrorKind.INVALID, "NEW_NAME_MISSING"):
        await person.call("RenameTag", pb.RenameTagRequest(name="big", new_name=" "))
    events = [
        (body.name, body.new_name, body.color)
        for kind, body, _ in await told(database, person.workspace_id)
        if kind == "crm.tag.v1.changed"
    ]
    assert events == [
        ("web", "web", "teal"), ("later", "later", "red"), ("web", "Website", "teal"),
        ("Website", "", ""),
    ]  # fmt: skip


async def test_tags_of_other_workspaces_stay_theirs(person: Person, stranger: Person) -> None:
    theirs = await make_deal(stranger, tags=["web"])
    await make_deal(person, tags=["web"])
    await person.call("RenameTag", pb.RenameTagRequest(name="web", new_name="x"))
    assert (await stranger.deal(theirs.id)).tags[:] == ["web"]
