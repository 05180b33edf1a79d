"""From an event to a notification, a mail and an answer: on a real database and a real server."""

import asyncio
import random
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from freelanceflow.auth.v1.account_events_pb2 import MemberErased
from freelanceflow.crm.v1.import_events_pb2 import ImportFinished
from freelanceflow.crm.v1.stage_service_pb2 import StageType
from freelanceflow.notify.v1 import notification_service_pb2 as pb
from kit.clock import FakeClock, to_timestamp
from kit.errors import DomainError
from kit.ids import new_id
from kit.migrations import WITHOUT_TENANT
from kit.rpc.client import Caller
from kit.testing.database import ServiceDatabase
from kit.testing.rpc import Issuer
from notify.adapters.smtp import Smtp
from notify.application.sending import ATTEMPTS, send_due
from notify.entrypoints.app import App
from services.notify.tests.factories import (
    NOON,
    READS,
    Sink,
    bulk_finished,
    deal_moved,
    export_finished,
    make_event,
    member_added,
    member_removed,
    reminded,
    rows,
    tell,
    verification,
)

FROM = "FreelanceFlow <notify@freelanceflow.example>"


async def send(app: App, smtp: Smtp) -> int:
    return await send_due(app.system, smtp, mail_from=FROM, clock=app.clock)


async def test_a_move_is_told_to_every_member_in_both_ways(
    app: App, database: ServiceDatabase, workspace: UUID, smtp: Smtp, sink: Sink
) -> None:
    mira, noor = new_id(), new_id()
    await tell(app, member_added(workspace, mira), member_added(workspace, noor, locale="de"))
    await tell(app, deal_moved(workspace))
    told = await rows(database, "notifications", workspace)
    assert {row["user_id"] for row in told} == {mira, noor}
    amounts = {row["user_id"]: row["body"].split(", ")[1].split(". ")[0] for row in told}
    assert amounts == {mira: "€12,500", noor: "12.500\u00a0€"}, "as on their own pages"
    assert {row["title"] for row in told} == {"Website relaunch is now in Proposal"}
    assert len(await rows(database, "outbox", workspace)) == 2
    await send(app, smtp)
    (mail,) = sink.to(mira.hex)
    assert mail["Subject"] == "Website relaunch is now in Proposal"
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_body(("plain",))
    assert text is not None
    assert "Weir & Heron, €12,500" in text.get_content()
    assert "http://localhost:8700/deals/" in text.get_content()


async def test_nobody_is_told_of_records_that_they_do_not_see(
    app: App, database: ServiceDatabase, workspace: UUID
) -> None:
    boss, seller, mate, other = (new_id() for _ in range(4))
    await tell(
        app,
        member_added(workspace, boss, visibility="all"),
        member_added(workspace, seller, visibility="own", team="North"),
        member_added(workspace, mate, visibility="team", team="North"),
        member_added(workspace, other, visibility="team", team="South"),
    )
    for owner, hear in (
        (str(seller), {boss, seller, mate}),
        (str(boss), {boss}),
        ("", {boss}),
    ):
        deal = str(new_id())
        await tell(app, deal_moved(workspace, deal_id=deal, owner_id=owner))
        told = await rows(database, "notifications", workspace)
        assert {row["user_id"] for row in told if str(row["target_id"]) == deal} == hear


async def test_a_reminder_is_for_whoever_does_it(
    app: App, database: ServiceDatabase, workspace: UUID, smtp: Smtp, sink: Sink
) -> None:
    mira, boss = new_id(), new_id()
    await tell(app, member_added(workspace, mira, visibility="own"), member_added(workspace, boss))
    await tell(app, reminded(workspace, mira), reminded(workspace, None))
    (told,) = await rows(database, "notifications", workspace)
    assert (told["user_id"], told["kind"], told["target_kind"]) == (
        mira,
        "activity_due",
        "activity",
    )
    assert told["title"] == "Call: Ask about the offer"
    assert told["body"] == "Due Monday, 2 March at 13:00. With Weir & Heron."
    await send(app, smtp)
    (mail,) = sink.to(mira.hex)
    text = mail.get_body(("plain",))
    assert text is not None
    assert f"http://localhost:8700/activities/{told['target_id']}" in text.get_content()
    assert "because you asked to be reminded" in text.get_content()


async def test_an_export_is_told_to_its_maker_in_the_application_only(
    app: App, database: ServiceDatabase, workspace: UUID
) -> None:
    mira, noor = new_id(), new_id()
    await tell(app, member_added(workspace, mira), member_added(workspace, noor))
    await tell(app, export_finished(workspace, mira))
    (told,) = await rows(database, "notifications", workspace)
    assert (told["user_id"], told["title"]) == (mira, "Export finished: 1,200 clients")
    assert told["body"] == "clients-2026-03-02.csv can be downloaded until 9 March."
    assert await rows(database, "mails", workspace) == []


async def test_the_end_of_a_change_of_many_leads_its_maker_to_its_page(
    app: App, database: ServiceDatabase, workspace: UUID
) -> None:
    mira, noor, job = new_id(), new_id(), new_id()
    await tell(app, member_added(workspace, mira), member_added(workspace, noor))
    stopped = {"stopped": True, "why": "The stage is gone.", "resource": "deals"}
    await tell(
        app,
        bulk_finished(workspace, mira, job_id=str(job)),
        bulk_finished(workspace, mira, **stopped),
    )
    told, other = await rows(database, "notifications", workspace)
    if told["target_id"] != job:
        told, other = other, told
    assert (told["user_id"], told["target_kind"], told["target_id"]) == (mira, "job", job)
    assert (told["title"], told["body"]) == ("1 client changed", "3 clients could not be changed.")
    assert other["title"] == "Change of deals stopped"
    assert "The stage is gone." in other["body"]
    assert await rows(database, "mails", workspace) == []


async def test_a_mail_that_was_sent_is_not_sent_again_nor_kept(
    app: App, database: ServiceDatabase, workspace: UUID, smtp: Smtp, sink: Sink
) -> None:
    mira = new_id()
    await tell(app, member_added(workspace, mira), deal_moved(workspace))
    await asyncio.gather(*(send(app, smtp) for _ in range(3)))
    await send(app, smtp)
    assert len(sink.to(mira.hex)) == 1
    (mail,) = await rows(database, "mails", workspace)
    assert (mail["status"], mail["text"], mail["html"]) == ("sent", "", "")


async def test_a_server_that_does_not_take_it_now_is_asked_again(
    app: App,
    database: ServiceDatabase,
    workspace: UUID,
    smtp: Smtp,
    sink: Sink,
    clock: FakeClock,
) -> None:
    mira = new_id()
    await tell(app, member_added(workspace, mira), deal_moved(workspace))
    sink.answer = "451 come back later"
    await send(app, smtp)
    (mail,) = await rows(database, "mails", workspace)
    assert (mail["status"], mail["attempts"]) == ("queued", 1)
    assert "451" in mail["error"]
    sink.answer = "250 OK"
    clock.advance(timedelta(minutes=1))
    await send(app, smtp)
    (taken,) = sink.to(mira.hex)
    assert str(mail["id"]) in taken["Message-ID"]


async def test_a_refusal_is_final_and_patience_ends(
    app: App,
    database: ServiceDatabase,
    smtp: Smtp,
    sink: Sink,
    clock: FakeClock,
) -> None:
    refused, patient = new_id(), new_id()
    await tell(app, member_added(refused, new_id()), deal_moved(refused))
    sink.answer = "550 no such person"
    await send(app, smtp)
    (mail,) = await rows(database, "mails", refused)
    assert (mail["status"], mail["text"]) == ("failed", "")
    await tell(app, member_added(patient, new_id()), deal_moved(patient))
    nobody = Smtp(host="127.0.0.1", port=9)
    for _ in range(ATTEMPTS):
        await send(app, nobody)
        clock.advance(timedelta(hours=2))
    (mail,) = await rows(database, "mails", patient)
    assert (mail["status"], mail["attempts"]) == ("failed", ATTEMPTS)


async def test_bulk_moves_are_silent_and_their_end_is_one_summary(
    app: App, database: ServiceDatabase, workspace: UUID
) -> None:
    bulk = new_id()
    await tell(app, member_added(workspace, new_id()))
    await tell(app, *(deal_moved(workspace, bulk_id=bulk) for _ in range(5)))
    assert await rows(database, "notifications", workspace) == []
    end = ImportFinished(import_id=str(bulk), resource="deals", created_rows=5, version=2)
    await tell(app, make_event(workspace, "crm.import.v1.finished", end))
    (told,) = await rows(database, "notifications", workspace)
    assert told["title"] == "Import finished: 5 deals"


async def test_members_come_and_go_in_any_order(
    app: App, database: ServiceDatabase, workspace: UUID
) -> None:
    stays, leaves = new_id(), new_id()
    events = [
        member_added(workspace, stays),
        member_added(workspace, stays, version=2, email="new@studio.example"),
        member_added(workspace, leaves),
        member_removed(workspace, leaves),
    ] * 5
    random.Random(7).shuffle(events)
    await tell(app, *events)
    known = {row["user_id"]: row for row in await rows(database, "recipients", workspace)}
    assert known[stays]["email"] == "new@studio.example"
    assert (known[leaves]["email"], known[leaves]["removed_at"]) == ("", NOON)
    await tell(app, deal_moved(workspace))
    assert {r["user_id"] for r in await rows(database, "notifications", workspace)} == {stays}


async def test_of_a_deleted_account_nothing_is_left_and_nothing_comes_back(
    app: App, database: ServiceDatabase, workspace: UUID
) -> None:
    stays, goes = new_id(), new_id()
    added = [member_added(workspace, user_id) for user_id in (stays, goes)]
    await tell(app, *added, deal_moved(workspace))
    erased = MemberErased(
        workspace_id=str(workspace),
        user_id=str(goes),
        happen_time=to_timestamp(NOON),
        version=2**31 - 1,
    )
    await tell(app, make_event(workspace, "auth.member.v1.erased", erased))
    await tell(app, member_added(workspace, goes, version=3), deal_moved(workspace))
    told = await rows(database, "notifications", workspace)
    assert [row["user_id"] for row in told] == [stays, stays]
    known = {row["user_id"]: row for row in await rows(database, "recipients", workspace)}
    assert (known[goes]["email"], known[goes]["name"]) == ("", "")


async def test_the_link_goes_out_by_mail_and_is_forgotten(
    app: App, database: ServiceDatabase, smtp: Smtp, sink: Sink, clock: FakeClock
) -> None:
    person = new_id()
    await tell(app, verification(person))
    await send(app, smtp)
    text = sink.to("noor@studio.example")[0].get_body(("plain",))
    assert text is not None
    assert "http://localhost:8700/verify-email?token=s3cret-link" in text.get_content()
    (mail,) = await rows(database, "mails", person)
    assert "s3cret-link" not in str(dict(mail))
    known = new_id()
    await tell(app, verification(known, token=""))
    (mail,) = await rows(database, "mails", known)
    assert mail["subject"] == "You have an account already"
    clock.advance(timedelta(minutes=11))
    late = new_id()
    await tell(app, verification(late))
    assert await rows(database, "mails", late) == []


async def test_names_begin_no_header(app: App, workspace: UUID, smtp: Smtp, sink: Sink) -> None:
    evil = "Mira\r\nBcc: everybody@example.com"
    person = new_id()
    await tell(app, member_added(workspace, person, name=evil))
    await tell(app, deal_moved(workspace, name="<script>alert(1)</script>\r\nX-Bad: yes"))
    await send(app, smtp)
    (mail,) = sink.to(person.hex)
    assert (mail["Bcc"], mail["X-Bad"]) == (None, None)
    html = mail.get_body(("html",))
    assert html is not None
    assert "<script>" not in html.get_content()


async def test_a_person_reads_only_their_own(
    app: App, workspace: UUID, caller: tuple[Caller, Any, Issuer]
) -> None:
    call, stub, issuer = caller
    mira, noor = new_id(), new_id()
    await tell(app, member_added(workspace, mira), member_added(workspace, noor))
    won = StageType.STAGE_TYPE_WON
    await tell(app, *(deal_moved(workspace, stage_type=won) for _ in range(3)))
    me = issuer.identity(*READS, workspace_id=workspace, user_id=mira)
    first = await call.call(
        stub.ListNotifications, pb.ListNotificationsRequest(page_size=2), identity=me
    )
    rest = await call.call(
        stub.ListNotifications,
        pb.ListNotificationsRequest(page_size=2, page_token=first.next_page_token),
        identity=me,
    )
    assert (len(first.notifications), len(rest.notifications), rest.next_page_token) == (2, 1, "")
    assert first.unread_count == 3
    target = pb.MarkReadRequest(notification_id=first.notifications[0].id)
    for who, space in ((noor, workspace), (mira, new_id())):
        other = issuer.identity(*READS, workspace_id=space, user_id=who)
        with pytest.raises(DomainError) as refusal:
            await call.call(stub.MarkRead, target, identity=other)
        assert refusal.value.reason == "NOTIFICATION_NOT_FOUND"
    once = await call.call(stub.MarkRead, target, identity=me)
    assert (await call.call(stub.MarkRead, target, identity=me)) == once
    unread = await call.call(
        stub.ListNotifications, pb.ListNotificationsRequest(unread_only=True), identity=me
    )
    assert (len(unread.notifications), unread.unread_count) == (2, 2)
    marked = await call.call(stub.MarkAllRead, pb.MarkAllReadRequest(), identity=me)
    assert marked.marked == 2


async def test_only_listed_tables_are_without_row_level_security(
    database: ServiceDatabase, workspace: UUID, app: App
) -> None:
    open_tables = await database.owner.fetch(
        "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE n.nspname = 'public' AND relkind = 'r'"
        " AND NOT (relrowsecurity AND relforcerowsecurity)"
    )
    assert {row["relname"] for row in open_tables} <= set(WITHOUT_TENANT)
    await tell(app, member_added(workspace, new_id()), deal_moved(workspace))
    for table in ("recipients", "notifications"):
        assert await database.app.fetch(f"SELECT 1 FROM {table}") == []
