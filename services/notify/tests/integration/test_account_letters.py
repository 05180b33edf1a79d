"""What concerns a person's account goes to their address, whatever they have chosen to be told."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from freelanceflow.auth.v1 import account_events_pb2 as auth_pb
from kit.bus.events import Event
from kit.clock import FakeClock, to_timestamp
from kit.ids import new_id
from kit.testing.database import ServiceDatabase
from notify.adapters.smtp import Smtp
from notify.application.sending import send_due
from notify.entrypoints.app import App
from services.notify.tests.factories import NOON, Sink, make_event, rows, tell

FROM = "FreelanceFlow <notify@freelanceflow.example>"


def link_issued() -> Event:
    person = new_id()
    message = auth_pb.ResetLinkIssued(
        user_id=str(person),
        email=f"{person.hex}@studio.example",
        name="Noor Vance",
        token="s3cret-link",
        expire_time=to_timestamp(NOON + timedelta(minutes=10)),
        happen_time=to_timestamp(NOON),
        version=2,
    )
    return make_event(person, "auth.password.v1.link_issued", message)


def changed(*, by_link: bool, address: str) -> Event:
    person = new_id()
    message = auth_pb.PasswordChanged(
        user_id=str(person),
        email=f"{person.hex}@studio.example",
        name="Noor Vance",
        by_link=by_link,
        happen_time=to_timestamp(NOON),
        version=3,
    )
    event = make_event(person, "auth.password.v1.changed", message)
    return replace(event, headers={"ff-address": address} if address else {})


async def test_the_link_goes_out_and_is_forgotten(
    app: App, database: ServiceDatabase, smtp: Smtp, sink: Sink, clock: FakeClock
) -> None:
    event = link_issued()
    await tell(app, event)
    await send_due(app.system, smtp, mail_from=FROM, clock=app.clock)
    (letter,) = sink.to(event.workspace_id.hex)
    assert letter["Subject"] == "Set a new password"
    text = letter.get_body(("plain",))
    assert text is not None
    assert "http://localhost:8700/reset?token=s3cret-link" in text.get_content()
    (mail,) = await rows(database, "mails", event.workspace_id)
    assert "s3cret-link" not in str(dict(mail))
    clock.advance(timedelta(minutes=10))
    late = link_issued()
    await tell(app, late)
    assert await rows(database, "mails", late.workspace_id) == []


async def test_a_changed_password_is_said_to_its_person_with_when_and_from_where(
    app: App, database: ServiceDatabase, clock: FakeClock
) -> None:
    clock.advance(timedelta(days=3))  # it is said however late
    for by_link, address, said in (
        (False, "192.0.2.7", "It was changed on 2 March 2026 at 12:00 UTC, from the network"),
        (True, "192.0.2.7", "with the link from a mail on 2 March 2026 at 12:00 UTC, from"),
        (False, "", "It was changed on 2 March 2026 at 12:00 UTC. All other devices"),
    ):
        event = changed(by_link=by_link, address=address)
        await tell(app, event)
        (mail,) = await rows(database, "mails", event.workspace_id)
        assert (mail["subject"], mail["to_name"]) == ("Your password was changed", "Noor Vance")
        assert said in mail["text"]
        assert "http://localhost:8700/forgot" in mail["text"]


async def test_another_way_in_and_its_end_are_said(app: App, database: ServiceDatabase) -> None:
    for verb, then in (("connected", "can sign in with it"), ("disconnected", "lets nobody in")):
        person = new_id()
        message = auth_pb.IdentityChanged(
            user_id=str(person),
            email="ada@google.example",
            account_email=f"{person.hex}@studio.example",
            name="Noor Vance",
            happen_time=to_timestamp(NOON),
            version=3,
        )
        event = make_event(person, f"auth.identity.v1.{verb}", message)
        await tell(app, replace(event, headers={"ff-address": "192.0.2.7"}))
        (mail,) = await rows(database, "mails", event.workspace_id)
        assert mail["subject"] == f"A Google account was {verb}"
        assert mail["to_address"] == f"{person.hex}@studio.example"
        assert "ada@google.example: on 2 March 2026 at 12:00 UTC, from the network" in mail["text"]
        assert then in mail["text"]


async def test_a_second_step_and_its_end_are_said(app: App, database: ServiceDatabase) -> None:
    for on, word in ((True, "on"), (False, "off")):
        person = new_id()
        message = auth_pb.TwoStepChanged(
            user_id=str(person),
            email=f"{person.hex}@studio.example",
            name="Noor Vance",
            on=on,
            happen_time=to_timestamp(NOON),
            version=3,
        )
        event = make_event(person, "auth.two_step.v1.changed", message)
        await tell(app, replace(event, headers={"ff-address": "192.0.2.7"}))
        (mail,) = await rows(database, "mails", event.workspace_id)
        assert mail["subject"] == f"Two-step sign-in was turned {word}"
        assert f"turned {word} on 2 March 2026 at 12:00 UTC, from the network" in mail["text"]


async def test_a_new_api_key_is_said_to_its_person_with_the_way_to_revoke_it(
    app: App, database: ServiceDatabase
) -> None:
    for read_only, does in ((True, "reads what you see"), (False, "does what you may do")):
        workspace, key = new_id(), new_id()
        message = auth_pb.ApiKeyCreated(
            key_id=str(key),
            workspace_id=str(workspace),
            user_id=str(new_id()),
            email=f"{key.hex}@studio.example",
            name="Noor Vance",
            key_name="Nightly <export>",
            read_only=read_only,
            happen_time=to_timestamp(NOON),
            version=1,
        )
        event = make_event(workspace, "auth.key.v1.created", message)
        await tell(app, replace(event, headers={"ff-address": "192.0.2.7"}))
        (mail,) = await rows(database, "mails", workspace)
        assert mail["subject"] == "An API key was made"
        assert "“Nightly <export>” was made on 2 March 2026 at 12:00 UTC" in mail["text"]
        assert "Nightly &lt;export&gt;" in mail["html"]
        assert does in mail["text"]
        assert "http://localhost:8700/settings/api-keys" in mail["text"]


async def test_an_invitation_brings_its_link_and_comes_in_time_or_not_at_all(
    app: App, database: ServiceDatabase, clock: FakeClock
) -> None:
    def sent(workspace_id: UUID) -> Event:
        message = auth_pb.InvitationSent(
            invitation_id=str(new_id()),
            email=f"{workspace_id.hex}@studio.example",
            workspace_name="Holm & Partner\r\nBcc: all@example.com",
            inviter_name="Mira Holm",
            role="sales",
            token="s3cret-link",
            expire_time=to_timestamp(NOON + timedelta(days=7)),
            happen_time=to_timestamp(NOON),
            version=1,
        )
        return make_event(workspace_id, "auth.invitation.v1.sent", message)

    event = sent(new_id())
    await tell(app, event)
    (mail,) = await rows(database, "mails", event.workspace_id)
    assert mail["subject"] == "Mira Holm invites you to Holm & Partner Bcc: all@example.com"
    assert "http://localhost:8700/join?token=s3cret-link" in mail["text"]
    clock.advance(timedelta(days=7))
    late = sent(new_id())
    await tell(app, late)
    assert await rows(database, "mails", late.workspace_id) == []


async def test_each_owner_is_told_that_a_workspace_was_closed(
    app: App, smtp: Smtp, sink: Sink
) -> None:
    workspace = new_id()
    owners = [f"{name}.{workspace.hex}@studio.example" for name in ("noor", "mira")]
    message = auth_pb.WorkspaceClosed(
        workspace_id=str(workspace),
        name="Harbour Works",
        erase_time=to_timestamp(NOON + timedelta(days=14)),
        owners=[auth_pb.Addressee(email=email, name="Somebody") for email in owners],
        happen_time=to_timestamp(NOON),
        version=2,
    )
    await tell(app, make_event(workspace, "auth.workspace.v1.closed", message))
    await send_due(app.system, smtp, mail_from=FROM, clock=app.clock)
    for email in owners:
        (letter,) = sink.to(email)
        assert letter["Subject"] == "Harbour Works was closed"
        text = letter.get_body(("plain",))
        assert text is not None
        assert "http://localhost:8700/workspaces" in text.get_content()
