"""Who did what: every event that somebody stands behind, once, and of one's own workspace only."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from auth.adapters.audit import MOST
from auth.entrypoints.app import App
from auth.entrypoints.consumers import OF_CRM, is_kept, keep_all
from freelanceflow.auth.v1 import audit_service_pb2 as pb
from freelanceflow.auth.v1 import auth_service_pb2 as auth_pb
from freelanceflow.auth.v1.account_events_pb2 import SessionRevoked
from kit.bus.events import Event
from kit.clock import to_timestamp
from kit.dead_letters import DeadLetter, buried, bury, remove
from kit.errors import DomainError
from kit.ids import new_id
from kit.testing.database import ServiceDatabase
from services.auth.tests.conftest import NOON
from services.auth.tests.factories import Door, Person


def event(person: Person, type: str = "crm.deal.v1.moved", **over: UUID | None) -> Event:
    usual: dict[str, UUID | None] = {
        "subject_id": new_id(),
        "actor_id": UUID(person.tokens.user_id),
        "bulk_id": None,
    }
    values = {**usual, **over}
    subject_id = values["subject_id"]
    assert subject_id is not None
    return Event(
        id=new_id(),
        type=type,
        workspace_id=person.workspace_id,
        subject_id=subject_id,
        time=NOON - timedelta(days=400),
        version=3,
        bulk_id=values["bulk_id"],
        actor_id=values["actor_id"],
        origin="",
        body=b"",
        headers={},
    )


async def told(app: App, *events: Event) -> None:
    for workspace_id in {e.workspace_id for e in events}:
        async with app.unit_of_work(workspace_id) as uow:
            await keep_all(
                uow, [e for e in events if e.workspace_id == workspace_id and is_kept(e)]
            )


async def entries(door: Door, person: Person, **asked: Any) -> list[pb.AuditEntry]:
    request = pb.ListAuditEntriesRequest(**asked)
    answer = await door.call(door.audit.ListAuditEntries, request, identity=person.identity)
    return list(answer.entries)


def test_what_is_done_in_no_workspace_is_in_no_log() -> None:
    person, workspace = new_id(), new_id()
    tokens = auth_pb.TokenPair(user_id=str(person), workspace_id=str(workspace))
    ended = SessionRevoked(user_id=str(person)).SerializeToString()
    for type, actor_id in (
        ("auth.session.v1.revoked", person),
        ("auth.session.v1.revoked", None),
        ("auth.identity.v1.connected", person),
    ):
        there = replace(event(Person("", tokens), type, actor_id=actor_id), body=ended)
        assert is_kept(there)
        assert not is_kept(replace(there, workspace_id=person))


async def test_what_was_done_is_listed_once_the_latest_first(door: Door, app: App) -> None:
    mira, other = await door.register(), await door.register()
    first, second = event(mira), event(mira, "crm.client.v1.updated")
    of_nobody = event(mira, "crm.deal.v1.created", actor_id=None)
    purged = event(mira, "crm.deal.v1.purged", actor_id=None)
    await told(app, first, second, of_nobody, event(other))
    await told(app, first, purged)
    found = await entries(door, mira)
    assert [entry.id for entry in found] == [str(e.id) for e in (purged, second, first)]
    last = found[-1]
    assert (last.actor_name, last.version, last.type) == ("Mira Okafor", 3, "crm.deal.v1.moved")
    assert last.happen_time.ToDatetime(NOON.tzinfo) == NOON - timedelta(days=400)
    assert len(await entries(door, other)) == 1


async def test_it_is_known_from_where_and_what_was_taken_along(door: Door, app: App) -> None:
    mira = await door.register()
    headers = {"ff-address": "192.0.2.7", "ff-detail": "12 clients, xlsx" + "x" * 300}
    exported = replace(event(mira, "crm.export.v1.requested"), headers=headers)
    await told(app, exported, event(mira))
    unknown, known = await entries(door, mira)
    assert (unknown.address, unknown.detail) == ("", "")
    assert (known.address, known.detail[:16]) == ("192.0.2.7", "12 clients, xlsx")
    assert len(known.detail) == MOST


async def test_settings_of_ones_own_are_kept_once_however_often_they_come(
    door: Door, app: App
) -> None:
    mira = await door.register()
    mine = UUID(mira.tokens.user_id)
    made = [
        replace(event(mira, type_, subject_id=subject), headers={"ff-detail": said})
        for type_, subject, said in (
            ("crm.view.v1.changed", new_id(), "Größe (deals, shared): new"),
            ("crm.view.v1.chosen", mine, "(deals, private)"),
            ("crm.calendar.v1.changed", mine, "made"),
        )
    ]
    assert {one.type for one in made} <= OF_CRM.keys()
    for _ in range(2):
        await told(app, *made)
    for entry, one in zip(await entries(door, mira), reversed(made), strict=True):
        assert (entry.id, entry.type) == (str(one.id), one.type)
        assert (entry.subject_id, entry.actor_name) == (str(one.subject_id), "Mira Okafor")
        assert entry.detail == one.headers["ff-detail"]


async def test_entries_are_found_by_person_subject_type_and_time(door: Door, app: App) -> None:
    mira = await door.register()
    noor = await door.invite(mira, "admin")
    hers, his = event(mira), event(noor, "crm.client.v1.updated")
    hers_of_noor = replace(his, workspace_id=mira.workspace_id)
    await told(app, hers, hers_of_noor)
    for asked, expected in (
        ({"actor_id": noor.tokens.user_id}, his),
        ({"subject_id": str(hers.subject_id)}, hers),
        ({"type": "crm.client."}, his),
        ({"type": "crm.deal.v1.moved"}, hers),
    ):
        assert [entry.id for entry in await entries(door, mira, **asked)] == [str(expected.id)]
    later = to_timestamp(hers.recorded_at + timedelta(days=1))
    assert await entries(door, mira, from_time=later) == []
    assert len(await entries(door, mira, to_time=later)) == 2
    with pytest.raises(DomainError):
        await entries(door, mira, type="crm'%")


async def test_pages_go_on_where_they_ended(door: Door, app: App) -> None:
    mira = await door.register()
    made = [event(mira) for _ in range(5)]
    await told(app, *made)
    request = pb.ListAuditEntriesRequest(page_size=2)
    found: list[str] = []
    while True:
        page = await door.call(door.audit.ListAuditEntries, request, identity=mira.identity)
        found += [entry.id for entry in page.entries]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert found == [str(e.id) for e in reversed(made)]


async def test_only_who_runs_the_workspace_reads_it(door: Door) -> None:
    mira = await door.register()
    noor = await door.invite(mira, "manager")
    with pytest.raises(DomainError) as refusal:
        await entries(door, noor)
    assert refusal.value.reason == "PERMISSION_MISSING"


async def test_what_the_log_cannot_take_in_is_kept_with_the_reason(
    database: ServiceDatabase,
) -> None:
    letter = DeadLetter(
        event_id=new_id(),
        subject="crm.0.deal.v1.moved",
        headers={"ce-id": "none"},
        body=b"?",
        error="Undecodable: no such thing",
        attempts=5,
    )
    assert await bury(database.system, "auth-audit-crm", letter) == 1
    assert await buried(database.system, "auth-audit-crm") == [letter]
    assert await remove(database.system, "auth-audit-crm", [letter["event_id"]]) == 0
