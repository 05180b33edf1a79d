"""Saved views and calendar addresses are told with their change, and nothing that is secret."""

import hashlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from freelanceflow.crm.v1 import calendar_service_pb2 as calendar_pb
from freelanceflow.crm.v1 import view_service_pb2 as pb
from kit.errors import ErrorKind
from kit.rpc.errors import PeerFailed
from kit.testing.database import ServiceDatabase
from services.crm.tests.factories import Crm, Person, refused
from services.crm.tests.integration.test_events import told
from services.crm.tests.integration.test_views import make_view, save, term, views_of

SECRET = "What nobody else knows"


async def delete(person: Person, view: pb.View) -> None:
    await person.call("DeleteView", pb.DeleteViewRequest(view_id=view.id, etag=view.etag))


async def choose(person: Person, view_id: str, resource: str = "deals") -> None:
    await person.call("ChooseView", pb.ChooseViewRequest(resource=resource, view_id=view_id))


async def feed(person: Person, method: str) -> calendar_pb.CalendarFeed | None:
    found: calendar_pb.CalendarFeed | None = await person.call(
        method, getattr(calendar_pb, f"{method}Request")()
    )
    return found


async def details(database: ServiceDatabase, person: Person) -> list[str]:
    """What the audit log will say, in order."""
    events = await told(database, person.workspace_id)
    return [headers.get("ff-detail", "") for _, _, headers in events]


async def test_a_shared_view_is_told_as_it_is(person: Person, database: ServiceDatabase) -> None:
    made = await make_view(person, "Ours", shared=True)
    made.card_fields.append("source")
    saved = await save(person, made, name="All of ours", layout="board")
    made.card_fields.pop()
    await delete(person, saved)
    events = await told(database, person.workspace_id)
    assert [kind for kind, _, _ in events] == ["crm.view.v1.changed"] * 3
    new, changed, removed = (body for _, body, _ in events)
    for body, view in ((new, made), (changed, saved), (removed, saved)):
        assert (body.view_id, body.owner_id) == (view.id, str(person.user_id))
        for name in ("resource", "shared", "name", "filter", "sort", "columns", "layout"):
            assert getattr(body, name) == getattr(view, name), name
        assert body.card_fields == view.card_fields
        assert body.actor_id == str(person.user_id)
    assert [body.version for _, body, _ in events] == [1, 2, 3]
    assert [body.removed for _, body, _ in events] == [False, False, True]
    assert await details(database, person) == [
        "Ours (deals, shared): new",
        "All of ours (deals, shared): name Ours → All of ours, layout, card fields",
        "All of ours (deals, shared): removed",
    ]


async def test_a_private_view_is_told_without_its_name_and_what_it_asks(
    person: Person, database: ServiceDatabase
) -> None:
    made = await make_view(
        person, SECRET, filter=[term("name__contains", SECRET)], sort=["name"], columns=["source"]
    )
    saved = await save(person, made, name=f"{SECRET} still", layout="")
    await choose(person, made.id)
    await delete(person, saved)
    rows = await database.system.fetch(
        "SELECT headers::text AS headers, body FROM outbox WHERE workspace_id = $1",
        person.workspace_id,
    )
    assert len(rows) == 4
    assert [row for row in rows if SECRET.encode() in row["body"] or SECRET in row["headers"]] == []
    for kind, body, _ in await told(database, person.workspace_id):
        if kind == "crm.view.v1.changed":
            assert (body.resource, body.shared) == ("deals", False)
            filled = {field.name for field, _ in body.ListFields()}
            assert filled.isdisjoint({"name", "filter", "sort", "columns", "layout", "card_fields"})
    assert await details(database, person) == [
        "(deals, private): new",
        "(deals, private)",
        "(deals, private)",
        "(deals, private): removed",
    ]


async def test_what_becomes_private_takes_its_new_name_along(
    person: Person, database: ServiceDatabase
) -> None:
    view = await make_view(person, "Ours", shared=True)
    view = await save(person, view, shared=False, name=SECRET)
    view = await save(person, view, shared=True, name="Ours again")
    _, private, shared = (body for _, body, _ in await told(database, person.workspace_id))
    assert (private.shared, private.name, list(private.filter)) == (False, "", [])
    assert (shared.shared, shared.name, shared.filter) == (True, "Ours again", view.filter)
    assert (await details(database, person))[1:] == [
        "Ours (deals): private now",
        "Ours again (deals): shared now",
    ]


async def test_who_administrates_stands_behind_what_they_change(
    crm: Crm, person: Person, database: ServiceDatabase
) -> None:
    colleague = Person(crm, person.workspace_id, permissions=("deals.read",))
    view = await make_view(colleague, "Theirs", shared=True)
    await delete(person, view)
    new, removed = await told(database, person.workspace_id)
    assert new[2]["ff-actor"] == str(colleague.user_id)
    assert removed[2]["ff-actor"] == removed[1].actor_id == str(person.user_id)
    assert removed[1].owner_id == str(colleague.user_id)


async def test_what_a_member_sees_first_is_told_when_it_is_another(
    person: Person, database: ServiceDatabase
) -> None:
    view = await make_view(person, "Ours", shared=True)
    for view_id in ("", view.id, view.id, "", ""):
        await choose(person, view_id)
    events = (await told(database, person.workspace_id))[1:]
    assert [kind for kind, _, _ in events] == ["crm.view.v1.chosen"] * 2
    chosen, none = (body for _, body, _ in events)
    assert (chosen.user_id, chosen.resource, chosen.view_id) == (
        str(person.user_id), "deals", view.id,
    )  # fmt: skip
    assert (none.resource, none.view_id) == ("deals", "")
    assert (await details(database, person))[1:] == ["Ours (deals, shared)", "(deals): none"]


async def test_a_calendar_address_is_told_of_and_never_told(
    person: Person, database: ServiceDatabase
) -> None:
    await feed(person, "DeleteCalendarFeed")  # of none, which changes nothing
    tokens = []
    for _ in range(2):
        made = await feed(person, "CreateCalendarFeed")
        assert made is not None
        tokens.append(made.token)
    for _ in range(2):
        await feed(person, "DeleteCalendarFeed")
    events = await told(database, person.workspace_id)
    assert [kind for kind, _, _ in events] == ["crm.calendar.v1.changed"] * 3
    assert [(body.exists, body.replaced) for _, body, _ in events] == [
        (True, False), (True, True), (False, False),
    ]  # fmt: skip
    assert {body.user_id for _, body, _ in events} == {str(person.user_id)}
    assert await details(database, person) == ["made", "renewed", "ended"]
    kept = str(
        [
            tuple(row.values())
            for row in await database.system.fetch(
                "SELECT * FROM outbox WHERE workspace_id = $1", person.workspace_id
            )
        ]
    )
    for token in tokens:
        digest = hashlib.sha256(token.encode()).digest()
        coded = (digest.hex(), b64encode(digest).decode(), urlsafe_b64encode(digest).decode())
        assert [secret for secret in (token, str(digest)[2:-1], *coded) if secret in kept] == []


async def test_nothing_is_told_of_what_is_refused_or_changes_nothing(
    crm: Crm, person: Person, database: ServiceDatabase
) -> None:
    colleague = Person(crm, person.workspace_id, permissions=("deals.read",))
    view = await make_view(person, "Ours", shared=True)
    assert (await save(person, view)).etag == view.etag == "1"
    with refused(ErrorKind.INVALID, "NAME_MISSING"):
        await make_view(person, " ")
    with refused(ErrorKind.INVALID, "LAYOUT_UNKNOWN"):
        await save(person, view, layout="cube")
    with refused(ErrorKind.STALE, "VIEW_HAS_CHANGED"):
        await delete(person, pb.View(id=view.id, etag="7"))
    with refused(ErrorKind.FORBIDDEN, "VIEW_OF_SOMEBODY_ELSE"):
        await delete(colleague, view)
    with refused(ErrorKind.NOT_FOUND, "VIEW_NOT_FOUND"):
        await choose(person, view.id, "clients")
    assert len(await told(database, person.workspace_id)) == 1


@pytest.mark.parametrize("what", ["view_changed", "view_chosen", "calendar_feed_changed"])
async def test_what_cannot_be_told_does_not_happen(
    person: Person, database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    view = await make_view(person, "Ours", shared=True)
    before = await _own_rows(database, person)

    def fail(fact: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(f"crm.adapters.events.{what}", fail)
    change: dict[str, Callable[[], Awaitable[Any]]] = {
        "view_changed": lambda: make_view(person, "Another"),
        "view_chosen": lambda: choose(person, view.id),
        "calendar_feed_changed": lambda: feed(person, "CreateCalendarFeed"),
    }
    with pytest.raises(PeerFailed):
        await change[what]()
    assert await _own_rows(database, person) == before
    assert [one.name for one in await views_of(person)] == ["Ours"]


async def _own_rows(database: ServiceDatabase, person: Person) -> list[int]:
    tables = ("views", "view_choices", "calendar_feeds", "outbox")
    return [
        await database.owner.fetchval(
            f"SELECT count(*) FROM {table} WHERE workspace_id = $1", person.workspace_id
        )
        for table in tables
    ]
