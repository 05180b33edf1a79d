"""What concerns a person's account, and goes to their address whatever they have chosen."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from freelanceflow.auth.v1 import account_events_pb2 as auth_pb
from kit.bus.consumer import Handler
from kit.bus.events import Event
from kit.clock import from_timestamp
from kit.unit_of_work import UnitOfWork
from notify.adapters.letters import Letters
from notify.adapters.mails import NewMail
from notify.application.telling import write_to_people
from notify.entrypoints.app import App

ERASURE_NEAR = "auth.workspace.v1.erasure_near"
IDENTITY_CONNECTED = "auth.identity.v1.connected"

# The letters of an event; none when a link in them would not work any more.
Writing = Callable[[Letters, Event, datetime], Sequence[NewMail]]


def _verification(letters: Letters, event: Event, now: datetime) -> Sequence[NewMail]:
    told = auth_pb.VerificationRequested.FromString(event.body)
    if now >= from_timestamp(told.expire_time):
        return []
    return [letters.verification(told.email, told.name, told.token)]


def _reset_link(letters: Letters, event: Event, now: datetime) -> Sequence[NewMail]:
    told = auth_pb.ResetLinkIssued.FromString(event.body)
    if now >= from_timestamp(told.expire_time):
        return []
    return [letters.reset_link(told.email, told.name, told.token)]


def _invitation(letters: Letters, event: Event, now: datetime) -> Sequence[NewMail]:
    told = auth_pb.InvitationSent.FromString(event.body)
    if now >= from_timestamp(told.expire_time):
        return []
    letter = letters.invitation(
        told.email,
        workspace=told.workspace_name,
        inviter=told.inviter_name,
        role=told.role,
        token=told.token,
    )
    return [letter]


def _password_changed(letters: Letters, event: Event, _: datetime) -> Sequence[NewMail]:
    told = auth_pb.PasswordChanged.FromString(event.body)
    letter = letters.password_changed(
        told.email,
        told.name,
        at=from_timestamp(told.happen_time),
        address=_address(event),
        by_link=told.by_link,
    )
    return [letter]


def _identity_changed(letters: Letters, event: Event, _: datetime) -> Sequence[NewMail]:
    told = auth_pb.IdentityChanged.FromString(event.body)
    letter = letters.google_connected(
        told.account_email,
        told.name,
        account=told.email,
        at=from_timestamp(told.happen_time),
        address=_address(event),
        connected=event.type == IDENTITY_CONNECTED,
    )
    return [letter]


def _two_step_changed(letters: Letters, event: Event, _: datetime) -> Sequence[NewMail]:
    told = auth_pb.TwoStepChanged.FromString(event.body)
    letter = letters.two_step_changed(
        told.email,
        told.name,
        at=from_timestamp(told.happen_time),
        address=_address(event),
        on=told.on,
    )
    return [letter]


def _api_key_created(letters: Letters, event: Event, _: datetime) -> Sequence[NewMail]:
    told = auth_pb.ApiKeyCreated.FromString(event.body)
    letter = letters.api_key_created(
        told.email,
        told.name,
        key_name=told.key_name,
        read_only=told.read_only,
        at=from_timestamp(told.happen_time),
        address=_address(event),
    )
    return [letter]


def _user_deleted(letters: Letters, event: Event, _: datetime) -> Sequence[NewMail]:
    told = auth_pb.UserDeleted.FromString(event.body)
    at, address = from_timestamp(told.happen_time), _address(event)
    return [letters.account_deleted(told.email, told.name, at=at, address=address)]


def _workspace_closed(letters: Letters, event: Event, _: datetime) -> Sequence[NewMail]:
    told = auth_pb.WorkspaceClosed.FromString(event.body)
    return [
        letters.workspace_closed(
            owner.email,
            owner.name,
            workspace=told.name,
            erased_at=from_timestamp(told.erase_time),
            near=event.type == ERASURE_NEAR,
        )
        for owner in told.owners
    ]


def _workspace_reopened(letters: Letters, event: Event, _: datetime) -> Sequence[NewMail]:
    told = auth_pb.WorkspaceReopened.FromString(event.body)
    return [
        letters.workspace_reopened(owner.email, owner.name, workspace=told.name)
        for owner in told.owners
    ]


def _address(event: Event) -> str:
    """The network address from which it was done."""
    return event.headers.get("ff-address", "")


_WRITINGS: Mapping[str, Writing] = {
    "auth.invitation.v1.sent": _invitation,
    "auth.key.v1.created": _api_key_created,
    "auth.two_step.v1.changed": _two_step_changed,
    IDENTITY_CONNECTED: _identity_changed,
    "auth.identity.v1.disconnected": _identity_changed,
    "auth.password.v1.link_issued": _reset_link,
    "auth.password.v1.changed": _password_changed,
    "auth.user.v1.deleted": _user_deleted,
    "auth.workspace.v1.closed": _workspace_closed,
    ERASURE_NEAR: _workspace_closed,
    "auth.workspace.v1.reopened": _workspace_reopened,
    "auth.verification.v1.requested": _verification,
}


def of_accounts(app: App) -> dict[str, Handler]:
    """Links, and word of what was changed."""
    return {kind: _sent(app, writing) for kind, writing in _WRITINGS.items()}


def _sent(app: App, writing: Writing) -> Handler:
    async def handle(uow: UnitOfWork, event: Event) -> None:
        now = app.clock.now()
        if letters := writing(app.letters, event, now):
            await write_to_people(uow, letters, now)
        app.wake_sender()  # who looks after a moment, when this has committed

    return handle
