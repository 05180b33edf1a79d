"""Mails say how to get no more of their kind, and no signing in is needed for it."""

import base64
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from freelanceflow.crm.v1.stage_service_pb2 import StageType
from freelanceflow.notify.v1 import notification_service_pb2 as pb
from kit.clock import FakeClock
from kit.errors import DomainError
from kit.ids import new_id
from kit.rpc.client import Caller
from kit.testing.database import ServiceDatabase
from kit.testing.rpc import Issuer
from notify.adapters.smtp import Smtp
from notify.adapters.unsubscribe_links import Subscription, UnsubscribeLinks
from notify.application.telling import choose
from notify.domain.messages import Kind
from notify.domain.preferences import Choice
from notify.entrypoints.app import App
from notify.entrypoints.digests import digests_made
from services.notify.tests.factories import (
    READS,
    Sink,
    deal_moved,
    member_added,
    member_removed,
    rows,
    tell,
    verification,
    workspace_updated,
)
from services.notify.tests.integration.test_digests import MORNING
from services.notify.tests.integration.test_telling import send

WON, LOST = StageType.STAGE_TYPE_WON, StageType.STAGE_TYPE_LOST


@pytest.fixture
async def mira(app: App, workspace: UUID) -> UUID:
    mira = new_id()
    settled = workspace_updated(workspace, "Europe/Berlin", name="Studio Nord")
    await tell(app, settled, member_added(workspace, mira), member_added(workspace, new_id()))
    return mira


def token_of(link: str) -> str:
    address = urlsplit(link.strip("<>"))
    assert (address.netloc, address.path) == ("localhost:8700", "/unsubscribe")
    (token,) = parse_qs(address.query)["token"]
    return token


async def mailed(database: ServiceDatabase, workspace: UUID, person: UUID) -> list[str]:
    found = await rows(database, "mails", workspace)
    return [mail["subject"] for mail in found if person.hex in mail["to_address"]]


async def test_a_mails_link_ends_mails_of_its_kind_and_nothing_else(
    app: App,
    database: ServiceDatabase,
    workspace: UUID,
    mira: UUID,
    smtp: Smtp,
    sink: Sink,
    caller: tuple[Caller, Any, Issuer],
) -> None:
    call, stub, issuer = caller
    await tell(app, deal_moved(workspace, stage_type=WON))
    await send(app, smtp)
    (mail,) = sink.to(mira.hex)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    lines = sink.raw[sink.taken.index(mail)].decode().splitlines()
    (link,) = [line[18:] for line in lines if line.startswith("List-Unsubscribe: ")]
    assert link.startswith("<http://localhost:8700/unsubscribe?token="), "not encoded as words are"
    text = mail.get_body(("plain",))
    assert text is not None
    assert link.strip("<>") in text.get_content()
    token = token_of(link)

    asked = await call.call(stub.GetUnsubscription, pb.GetUnsubscriptionRequest(token=token))
    assert (asked.kind, asked.workspace_name) == ("deal_won", "Studio Nord")
    await tell(app, deal_moved(workspace, stage_type=WON))
    assert len(await mailed(database, workspace, mira)) == 2, "asking changes nothing"
    for _ in range(2):
        done = await call.call(stub.Unsubscribe, pb.UnsubscribeRequest(token=token))
        assert done == asked
    await tell(app, deal_moved(workspace, stage_type=WON), deal_moved(workspace, stage_type=LOST))
    assert len(await mailed(database, workspace, mira)) == 3, "of the lost one"
    told = [r for r in await rows(database, "notifications", workspace) if r["user_id"] == mira]
    assert len(told) == 4, "the application goes on telling"
    assert len(await rows(database, "mails", workspace)) == 3 + 4, "and others have their mails"
    me = issuer.identity(*READS, workspace_id=workspace, user_id=mira)
    found = await call.call(stub.GetPreferences, pb.GetPreferencesRequest(), identity=me)
    assert [p.kind for p in found.preferences if p.mail_offered and not p.by_mail] == ["deal_won"]


async def test_a_digests_link_ends_digests(
    app: App,
    database: ServiceDatabase,
    workspace: UUID,
    mira: UUID,
    clock: FakeClock,
    caller: tuple[Caller, Any, Issuer],
) -> None:
    call, stub, _ = caller
    async with app.unit_of_work(workspace) as uow:
        await choose(uow, user_id=mira, given={Kind.DEAL_WON: Choice(True, True, digest=True)})
    await tell(app, deal_moved(workspace, stage_type=WON))
    clock.set(MORNING)
    await digests_made(app)
    found = await rows(database, "mails", workspace)
    (digest,) = [mail for mail in found if mail["subject"].startswith("Your digest")]
    await tell(app, deal_moved(workspace, stage_type=WON))
    assert len(await rows(database, "digest_items", workspace)) == 1
    token = token_of(digest["unsubscribe"])
    done = await call.call(stub.Unsubscribe, pb.UnsubscribeRequest(token=token))
    assert done.kind == "digest"
    assert await rows(database, "digest_items", workspace) == []
    await tell(app, deal_moved(workspace, stage_type=WON), deal_moved(workspace))
    assert await rows(database, "digest_items", workspace) == []
    assert (await mailed(database, workspace, mira))[-1] == "Website relaunch is now in Proposal"


async def test_no_other_token_is_taken(
    app: App, workspace: UUID, mira: UUID, caller: tuple[Caller, Any, Issuer]
) -> None:
    call, stub, _ = caller
    good = token_of(app.unsubscribe_links.link(Subscription(workspace, mira, "deal_won")))
    other_key = UnsubscribeLinks("http://localhost:8700", "another key")
    page = app.page_tokens.issue((workspace, mira, "deal_won"), "links to unsubscribe")
    bits = bytearray(base64.urlsafe_b64decode(good + "=="[: -len(good) % 4]))
    bits[20] ^= 1
    for token in (
        "",
        "ä",
        good[:-2],
        good + "AAAA",
        base64.urlsafe_b64encode(bits).decode().rstrip("="),
        page,
        token_of(other_key.link(Subscription(workspace, mira, "deal_won"))),
        token_of(app.unsubscribe_links.link(Subscription(workspace, mira, "bulk_finished"))),
        "x" * 100_000,
    ):
        for method, request in (
            (stub.Unsubscribe, pb.UnsubscribeRequest(token=token)),
            (stub.GetUnsubscription, pb.GetUnsubscriptionRequest(token=token)),
        ):
            with pytest.raises(DomainError) as refusal:
                await call.call(method, request)
            assert refusal.value.reason == "UNSUBSCRIBE_LINK_INVALID"


async def test_what_nobody_can_do_without_has_no_such_link(
    app: App, workspace: UUID, smtp: Smtp, sink: Sink
) -> None:
    await tell(app, verification(workspace))
    await send(app, smtp)
    (mail,) = sink.to("noor@studio.example")
    assert mail["List-Unsubscribe"] is mail["List-Unsubscribe-Post"] is None
    assert "unsubscribe" not in mail.as_string()


async def test_what_was_sent_keeps_no_link(
    app: App, database: ServiceDatabase, workspace: UUID, mira: UUID, smtp: Smtp
) -> None:
    await tell(app, deal_moved(workspace))
    assert all(mail["unsubscribe"] for mail in await rows(database, "mails", workspace))
    await send(app, smtp)
    assert not any(mail["unsubscribe"] for mail in await rows(database, "mails", workspace))


async def test_whoever_has_left_is_not_written_down_again_by_an_old_link(
    app: App,
    database: ServiceDatabase,
    workspace: UUID,
    mira: UUID,
    caller: tuple[Caller, Any, Issuer],
) -> None:
    call, stub, _ = caller
    token = token_of(app.unsubscribe_links.link(Subscription(workspace, mira, "deal_won")))
    await tell(app, member_removed(workspace, mira))
    answer = await call.call(stub.Unsubscribe, pb.UnsubscribeRequest(token=token))
    assert answer.workspace_name == "Studio Nord"
    assert await rows(database, "preferences", workspace) == []
