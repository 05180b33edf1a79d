"""Saved views: private ones are their makers', shared ones everybody's to use."""

from typing import Any

import pytest

from freelanceflow.crm.v1 import view_service_pb2 as pb
from kit.errors import ErrorKind
from kit.ids import new_id
from services.crm.tests.factories import Crm, Person, refused

READER = ("deals.read",)


def term(name: str, value: str) -> pb.ViewTerm:
    return pb.ViewTerm(name=name, value=value)


async def make_view(person: Person, name: str = "Mine", **over: Any) -> pb.View:
    usual: dict[str, Any] = {
        "resource": "deals",
        "name": name,
        "filter": [term("owner_id", "me"), term("expected_close_date__lte", "today+7")],
        "sort": ["-amount_minor"],
        "columns": ["name", "amount"],
        "layout": "table",
        "card_fields": ["tags"],
    }
    request = pb.CreateViewRequest(view=pb.View(**usual | over))
    made: pb.View = await person.call("CreateView", request)
    return made


async def views_of(person: Person, resource: str = "deals") -> list[pb.View]:
    found = await person.call("ListViews", pb.ListViewsRequest(resource=resource))
    return list(found.views)


async def save(person: Person, view: pb.View, **over: Any) -> pb.View:
    changed = pb.View()
    changed.CopyFrom(view)
    for name, value in over.items():
        setattr(changed, name, value)
    saved: pb.View = await person.call(
        "UpdateView", pb.UpdateViewRequest(view=changed, etag=view.etag)
    )
    return saved


@pytest.fixture
def colleague(crm: Crm, person: Person) -> Person:
    """A member who may look only."""
    return Person(crm, person.workspace_id, permissions=READER)


async def test_a_view_keeps_what_it_was_given(person: Person) -> None:
    made = await make_view(person, " My week ")
    assert (made.name, made.editable, made.chosen, made.etag) == ("My week", True, False, "1")
    assert made.owner_id == str(person.user_id)
    assert await person.call("GetView", pb.GetViewRequest(view_id=made.id)) == made
    saved = await save(person, made, name="Week", layout="board")
    assert (saved.name, saved.layout, saved.filter, saved.etag) == (
        "Week",
        "board",
        made.filter,
        "2",
    )
    with refused(ErrorKind.STALE, "VIEW_HAS_CHANGED"):
        await save(person, made, name="x")
    await make_view(person, "All", resource="clients")
    assert [view.name for view in await views_of(person)] == ["Week"]
    await person.call("DeleteView", pb.DeleteViewRequest(view_id=made.id, etag=saved.etag))
    assert await views_of(person) == []


async def test_private_is_private_and_shared_is_to_use(
    person: Person, colleague: Person, stranger: Person
) -> None:
    private, shared = await make_view(person, "Mine"), await make_view(person, "Ours", shared=True)
    found = await views_of(colleague)
    assert [(view.name, view.editable) for view in found] == [("Ours", False)]
    for who in (colleague, stranger):
        with refused(ErrorKind.NOT_FOUND, "VIEW_NOT_FOUND"):
            await who.call("GetView", pb.GetViewRequest(view_id=private.id))
        with refused(ErrorKind.NOT_FOUND, "VIEW_NOT_FOUND"):
            await save(who, private, name="x")
    with refused(ErrorKind.FORBIDDEN, "VIEW_OF_SOMEBODY_ELSE"):
        await save(colleague, shared, name="x")
    with refused(ErrorKind.NOT_FOUND, "VIEW_NOT_FOUND"):
        await stranger.call("GetView", pb.GetViewRequest(view_id=shared.id))
    theirs = await make_view(colleague, "Theirs", shared=True)
    saved = await save(person, theirs, name="Renamed")  # who administrates may
    assert (saved.name, saved.owner_id) == ("Renamed", str(colleague.user_id))
    gone = await save(person, saved, shared=False)
    assert gone == pb.View(id=theirs.id)
    assert [view.name for view in await views_of(person)] == ["Mine", "Ours"]


async def test_everybody_chooses_what_they_see_first(person: Person, colleague: Person) -> None:
    shared, other = await make_view(person, "A", shared=True), await make_view(person, "B")

    async def choose(who: Person, view_id: str) -> None:
        await who.call("ChooseView", pb.ChooseViewRequest(resource="deals", view_id=view_id))

    async def chosen(who: Person) -> list[str]:
        return [view.name for view in await views_of(who) if view.chosen]

    await choose(person, shared.id)
    await choose(colleague, shared.id)
    await choose(person, other.id)
    assert (await chosen(person), await chosen(colleague)) == (["B"], ["A"])
    with refused(ErrorKind.NOT_FOUND, "VIEW_NOT_FOUND"):
        await choose(colleague, other.id)
    with refused(ErrorKind.NOT_FOUND, "VIEW_NOT_FOUND"):
        request = pb.ChooseViewRequest(resource="clients", view_id=shared.id)
        await person.call("ChooseView", request)
    private = await save(person, shared, shared=False)
    assert await chosen(colleague) == []
    await choose(person, "")
    assert await chosen(person) == []
    await choose(person, private.id)
    await person.call("DeleteView", pb.DeleteViewRequest(view_id=private.id, etag=private.etag))
    assert await chosen(person) == []


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ({"name": ""}, "NAME_MISSING"),
        ({"resource": "shoes"}, "RESOURCE_UNKNOWN"),
        ({"filter": [term("name", "x")] * 21}, "FILTER_INVALID"),
        ({"filter": [term("na me", "x")]}, "FILTER_INVALID"),
        ({"filter": [term("name", "x" * 2001)]}, "FILTER_INVALID"),
        ({"sort": ["a", "b", "c", "d"]}, "SORT_TOO_MANY"),
        ({"sort": ["a;b"]}, "SORT_INVALID"),
        ({"columns": ["<b>"]}, "COLUMNS_INVALID"),
        ({"layout": "cube"}, "LAYOUT_UNKNOWN"),
    ],
)
async def test_what_cannot_be_a_view_is_refused(
    person: Person, over: dict[str, Any], reason: str
) -> None:
    with refused(ErrorKind.INVALID, reason):
        await make_view(person, **over)
    assert await views_of(person) == []


async def test_a_view_that_is_not_there(person: Person) -> None:
    for method, request in (
        ("GetView", pb.GetViewRequest(view_id=str(new_id()))),
        ("DeleteView", pb.DeleteViewRequest(view_id=str(new_id()), etag="1")),
        ("ChooseView", pb.ChooseViewRequest(resource="deals", view_id=str(new_id()))),
    ):
        with refused(ErrorKind.NOT_FOUND, "VIEW_NOT_FOUND"):
            await person.call(method, request)
