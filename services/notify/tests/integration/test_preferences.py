"""What people choose to be told, and how."""

from typing import Any
from uuid import UUID

import pytest

from freelanceflow.crm.v1.stage_service_pb2 import StageType
from freelanceflow.notify.v1 import notification_service_pb2 as pb
from kit.errors import DomainError
from kit.ids import new_id
from kit.rpc.client import Caller
from kit.testing.database import ServiceDatabase
from kit.testing.rpc import Issuer
from notify.domain.messages import Kind
from notify.entrypoints.app import App
from services.notify.tests.factories import READS, deal_moved, member_added, rows, tell


async def test_people_choose_what_they_are_told_and_how(
    app: App,
    database: ServiceDatabase,
    workspace: UUID,
    caller: tuple[Caller, Any, Issuer],
) -> None:
    call, stub, issuer = caller
    mira, noor = new_id(), new_id()
    await tell(app, member_added(workspace, mira), member_added(workspace, noor))
    me = issuer.identity(*READS, workspace_id=workspace, user_id=mira)

    async def choose(kind: str, **ways: bool) -> pb.Preferences:
        wanted = pb.Preference(kind=kind, **ways)
        request = pb.SetPreferencesRequest(preferences=[wanted])
        found: pb.Preferences = await call.call(stub.SetPreferences, request, identity=me)
        return found

    usual = await call.call(stub.GetPreferences, pb.GetPreferencesRequest(), identity=me)
    assert {p.kind for p in usual.preferences} == set(Kind)
    inside = [p.kind for p in usual.preferences if not p.by_mail]
    assert inside == ["export_finished", "bulk_finished"]
    await choose("deal_moved", in_app=True, by_mail=False)
    found = await choose("deal_won", in_app=False, by_mail=True)
    assert {p.kind: (p.in_app, p.by_mail) for p in found.preferences if p.kind[:4] == "deal"} == {
        "deal_moved": (True, False),
        "deal_won": (False, True),
        "deal_lost": (True, True),
        "deal_reopened": (True, True),
    }
    assert not any(p.digest for p in found.preferences), "at once, as long as nobody says otherwise"
    await choose("deal_won", in_app=False, by_mail=False)
    won = StageType.STAGE_TYPE_WON
    await tell(app, deal_moved(workspace), deal_moved(workspace, stage_type=won))
    told = [(r["user_id"], r["kind"]) for r in await rows(database, "notifications", workspace)]
    assert sorted(told) == sorted([(mira, "deal_moved"), (noor, "deal_moved"), (noor, "deal_won")])
    mails = await rows(database, "mails", workspace)
    assert [noor.hex in mail["to_address"] for mail in mails] == [True, True]
    for kind in ("export_finished", "nothing"):
        with pytest.raises(DomainError) as refusal:
            await choose(kind, in_app=True, by_mail=True)
        assert refusal.value.reason == "PREFERENCE_INVALID"
        assert list(refusal.value.fields) == [kind]
    with pytest.raises(DomainError) as refusal:
        await choose("bulk_finished", in_app=True, by_mail=False, digest=True)
    assert refusal.value.reason == "PREFERENCE_INVALID"
    elsewhere = issuer.identity(*READS, workspace_id=new_id(), user_id=mira)
    untouched = await call.call(stub.GetPreferences, pb.GetPreferencesRequest(), identity=elsewhere)
    assert untouched == usual


async def test_who_knows_nothing_of_the_digest_leaves_it_as_it_was(
    workspace: UUID, caller: tuple[Caller, Any, Issuer]
) -> None:
    call, stub, issuer = caller
    me = issuer.identity(*READS, workspace_id=workspace, user_id=new_id())
    for given, then in (
        (pb.Preference(by_mail=True), (True, False)),
        (pb.Preference(by_mail=True, digest=True), (True, True)),
        (pb.Preference(by_mail=True), (True, True)),
        (pb.Preference(by_mail=False), (False, True)),
        (pb.Preference(by_mail=True), (True, True)),
        (pb.Preference(by_mail=True, digest=False), (True, False)),
    ):
        given.kind = "deal_won"
        request = pb.SetPreferencesRequest(preferences=[given])
        found = await call.call(stub.SetPreferences, request, identity=me)
        ways = {p.kind: (p.by_mail, p.digest) for p in found.preferences}
        assert ways["deal_won"] == then
        assert ways["deal_lost"] == (True, False)


async def test_nobody_is_told_of_what_they_did_themselves_unless_they_want_to(
    app: App,
    database: ServiceDatabase,
    workspace: UUID,
    caller: tuple[Caller, Any, Issuer],
) -> None:
    call, stub, issuer = caller
    mira, noor = new_id(), new_id()
    await tell(app, member_added(workspace, mira), member_added(workspace, noor))
    me = issuer.identity(*READS, workspace_id=workspace, user_id=mira)

    async def choose(**chosen: Any) -> pb.Preferences:
        request = pb.SetPreferencesRequest(**chosen)
        found: pb.Preferences = await call.call(stub.SetPreferences, request, identity=me)
        return found

    async def told() -> list[UUID]:
        """Of one more move by Mira: who has a notification of it, and as many a mail."""
        before = await rows(database, "notifications", workspace)
        mails = await rows(database, "mails", workspace)
        await tell(app, deal_moved(workspace, actor_id=mira))
        now = await rows(database, "notifications", workspace)
        written = len(await rows(database, "mails", workspace)) - len(mails)
        assert written == len(now) - len(before)
        known = {row["id"] for row in before}
        return sorted(row["user_id"] for row in now if row["id"] not in known)

    usual = await call.call(stub.GetPreferences, pb.GetPreferencesRequest(), identity=me)
    assert usual.mute_own_changes
    assert await told() == [noor]
    assert not (await choose(mute_own_changes=False)).mute_own_changes
    assert await told() == sorted([mira, noor])
    won = pb.Preference(kind="deal_won", in_app=True, by_mail=True)
    assert not (await choose(preferences=[won])).mute_own_changes, "as it was"
    assert (await choose(mute_own_changes=True)).mute_own_changes
    assert await told() == [noor]
