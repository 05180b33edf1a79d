"""Nobody is told of what their role keeps from them: not here, not by mail, not in the morning, and
no longer of what they were told before."""

from typing import Any
from uuid import UUID

import pytest

from freelanceflow.crm.v1.import_events_pb2 import ImportFinished
from freelanceflow.notify.v1 import notification_service_pb2 as pb
from kit.bus.events import Event
from kit.bus.jetstream import Bus
from kit.clock import FakeClock
from kit.errors import DomainError
from kit.ids import new_id
from kit.rpc.client import Caller
from kit.testing.background import running, until
from kit.testing.database import ServiceDatabase
from kit.testing.rpc import Issuer
from notify.bootstrap import members_consumer
from notify.domain.messages import NEEDS
from notify.entrypoints.app import App
from services.notify.tests.factories import (
    READS,
    deal_moved,
    make_event,
    member_added,
    publish,
    rows,
    tell,
    workspace_updated,
)
from services.notify.tests.integration.test_digests import MORNING, make, wanting
from services.notify.tests.integration.test_worsening import deals_dropped, risks_risen

LESS = tuple(name for name in READS if name != "analytics.read")
OF_ANALYTICS = {"odds_dropped", "risk_risen"}


def import_finished(workspace: UUID) -> Event:
    end = ImportFinished(import_id=str(new_id()), resource="deals", created_rows=5, version=2)
    return make_event(workspace, "crm.import.v1.finished", end)


@pytest.mark.parametrize("owned", [True, False])
async def test_news_of_analytics_are_for_those_who_may_read_it(
    app: App, database: ServiceDatabase, workspace: UUID, owned: bool
) -> None:
    clerk, boss = new_id(), new_id()
    await tell(
        app,
        member_added(workspace, clerk, permissions=LESS),
        member_added(workspace, boss, permissions=READS),
    )
    for member in (clerk, boss):
        owner = member if owned else None
        await tell(app, deals_dropped(workspace, owner), risks_risen(workspace, owner))
    await tell(app, deal_moved(workspace))
    told = await rows(database, "notifications", workspace)
    heard = {who: {row["kind"] for row in told if row["user_id"] == who} for who in (clerk, boss)}
    assert heard == {clerk: {"deal_moved"}, boss: {"deal_moved", *OF_ANALYTICS}}
    mails = await rows(database, "mails", workspace)
    assert [mail["subject"] for mail in mails if clerk.hex in mail["to_address"]] == [
        "Website relaunch is now in Proposal"
    ]


async def test_imports_are_told_to_those_who_may_see_them(
    app: App, database: ServiceDatabase, workspace: UUID
) -> None:
    seller, boss = new_id(), new_id()
    permissions = [name for name in READS if name != "imports.read"]
    await tell(
        app,
        member_added(workspace, seller, permissions=permissions),
        member_added(workspace, boss, permissions=READS),
    )
    await tell(app, import_finished(workspace))
    (told,) = await rows(database, "notifications", workspace)
    assert told["user_id"] == boss


async def test_what_waited_for_the_morning_of_a_smaller_role_is_not_sent(
    app: App, database: ServiceDatabase, workspace: UUID, clock: FakeClock
) -> None:
    mira, noor = new_id(), new_id()
    await tell(app, workspace_updated(workspace, "Europe/Berlin"))
    for member, sight in ((mira, "all"), (noor, "own")):
        await tell(app, member_added(workspace, member, permissions=READS, visibility=sight))
        await wanting(app, workspace, member)
        await tell(app, deals_dropped(workspace, member))
    await tell(app, deal_moved(workspace, owner_id=str(mira)))  # noor has nothing else
    for member in (mira, noor):
        await tell(app, member_added(workspace, member, permissions=LESS, version=2))
    clock.set(MORNING)
    await make(app)
    (mail,) = await rows(database, "mails", workspace)
    assert mira.hex in mail["to_address"]
    assert "Website relaunch is now in Proposal" in mail["text"]
    assert "Odds" not in mail["subject"] + mail["text"] + mail["html"]


async def test_what_was_told_before_is_no_longer_there(
    app: App, workspace: UUID, caller: tuple[Caller, Any, Issuer]
) -> None:
    call, stub, issuer = caller
    mira = new_id()
    await tell(app, member_added(workspace, mira, permissions=READS))
    await tell(app, deal_moved(workspace), deals_dropped(workspace, mira))
    before, now = (
        issuer.identity(*names, workspace_id=workspace, user_id=mira) for names in (READS, LESS)
    )
    asked = pb.ListNotificationsRequest()
    seen = await call.call(stub.ListNotifications, asked, identity=before)
    left = await call.call(stub.ListNotifications, asked, identity=now)
    assert (seen.unread_count, left.unread_count) == (2, 1)
    assert [one.kind for one in left.notifications] == ["deal_moved"]
    (gone,) = [one for one in seen.notifications if one.kind in OF_ANALYTICS]
    with pytest.raises(DomainError) as refusal:
        await call.call(stub.MarkRead, pb.MarkReadRequest(notification_id=gone.id), identity=now)
    assert refusal.value.reason == "NOTIFICATION_NOT_FOUND"
    await call.call(stub.MarkAllRead, pb.MarkAllReadRequest(), identity=now)
    again = await call.call(stub.ListNotifications, asked, identity=before)
    assert again.unread_count == 1  # back in the old role, it is as it was


async def test_nobody_chooses_among_what_they_are_not_told(
    app: App, workspace: UUID, caller: tuple[Caller, Any, Issuer]
) -> None:
    call, stub, issuer = caller
    me = issuer.identity(*LESS, workspace_id=workspace, user_id=new_id())
    found = await call.call(stub.GetPreferences, pb.GetPreferencesRequest(), identity=me)
    kinds = {one.kind for one in found.preferences}
    assert not kinds & OF_ANALYTICS
    assert kinds >= NEEDS.keys() - OF_ANALYTICS


async def test_members_known_from_before_are_heard_of_once_more(
    app: App, database: ServiceDatabase, workspace: UUID, nats_url: str
) -> None:
    clerk, gone = new_id(), new_id()
    await tell(app, member_added(workspace, clerk, version=3), member_added(workspace, gone))
    async with Bus(nats_url, name="notify", profile="test") as bus:
        await publish(bus, member_added(workspace, clerk, permissions=LESS, version=3))
        await publish(bus, member_added(workspace, clerk, permissions=READS, version=2))

        async def is_known() -> bool:
            found = await rows(database, "recipients", workspace)
            return any(row["permissions"] for row in found)

        async with running(members_consumer(app, bus).run):
            await until(is_known)
    found = {row["user_id"]: row for row in await rows(database, "recipients", workspace)}
    assert found[clerk]["permissions"] == list(LESS)
    assert found[gone]["permissions"] is None
    await tell(app, deals_dropped(workspace, clerk), deals_dropped(workspace, gone))
    (told,) = await rows(database, "notifications", workspace)
    assert told["user_id"] == gone  # of whom nothing was told yet
