"""What concerns a person's account, and goes to their address whatever they have chosen."""

from freelanceflow.auth.v1 import account_events_pb2 as auth_pb
from kit.bus.consumer import Handler
from kit.bus.events import Event
from kit.clock import from_timestamp
from kit.unit_of_work import UnitOfWork
from notify.application.telling import write_to_people, write_to_person
from notify.entrypoints.app import App

ERASURE_NEAR = "auth.workspace.v1.erasure_near"
IDENTITY_CONNECTED = "auth.identity.v1.connected"


def of_accounts(app: App) -> dict[str, Handler]:
    """Links, and word of what was changed."""

    async def verification_requested(uow: UnitOfWork, event: Event) -> None:
        told = auth_pb.VerificationRequested.FromString(event.body)
        now = app.clock.now()
        if now >= from_timestamp(told.expire_time):
            return  # the link in it would not work any more
        letter = app.letters.verification(told.email, told.name, told.token)
        await write_to_person(uow, letter, now)

    async def reset_link_issued(uow: UnitOfWork, event: Event) -> None:
        told = auth_pb.ResetLinkIssued.FromString(event.body)
        now = app.clock.now()
        if now < from_timestamp(told.expire_time):
            letter = app.letters.reset_link(told.email, told.name, told.token)
            await write_to_person(uow, letter, now)

    async def password_changed(uow: UnitOfWork, event: Event) -> None:
        told = auth_pb.PasswordChanged.FromString(event.body)
        letter = app.letters.password_changed(
            told.email,
            told.name,
            at=from_timestamp(told.happen_time),
            address=event.headers.get("ff-address", ""),
            by_link=told.by_link,
        )
        await write_to_person(uow, letter, app.clock.now())

    async def identity_changed(uow: UnitOfWork, event: Event) -> None:
        told = auth_pb.IdentityChanged.FromString(event.body)
        letter = app.letters.google_connected(
            told.account_email,
            told.name,
            account=told.email,
            at=from_timestamp(told.happen_time),
            address=event.headers.get("ff-address", ""),
            connected=event.type == IDENTITY_CONNECTED,
        )
        await write_to_person(uow, letter, app.clock.now())

    async def two_step_changed(uow: UnitOfWork, event: Event) -> None:
        told = auth_pb.TwoStepChanged.FromString(event.body)
        letter = app.letters.two_step_changed(
            told.email,
            told.name,
            at=from_timestamp(told.happen_time),
            address=event.headers.get("ff-address", ""),
            on=told.on,
        )
        await write_to_person(uow, letter, app.clock.now())

    async def api_key_created(uow: UnitOfWork, event: Event) -> None:
        told = auth_pb.ApiKeyCreated.FromString(event.body)
        letter = app.letters.api_key_created(
            told.email,
            told.name,
            key_name=told.key_name,
            read_only=told.read_only,
            at=from_timestamp(told.happen_time),
            address=event.headers.get("ff-address", ""),
        )
        await write_to_person(uow, letter, app.clock.now())

    async def invitation_sent(uow: UnitOfWork, event: Event) -> None:
        told = auth_pb.InvitationSent.FromString(event.body)
        now = app.clock.now()
        if now < from_timestamp(told.expire_time):
            letter = app.letters.invitation(
                told.email,
                workspace=told.workspace_name,
                inviter=told.inviter_name,
                role=told.role,
                token=told.token,
            )
            await write_to_person(uow, letter, now)

    async def user_deleted(uow: UnitOfWork, event: Event) -> None:
        told = auth_pb.UserDeleted.FromString(event.body)
        letter = app.letters.account_deleted(
            told.email,
            told.name,
            at=from_timestamp(told.happen_time),
            address=event.headers.get("ff-address", ""),
        )
        await write_to_person(uow, letter, app.clock.now())

    async def workspace_closed(uow: UnitOfWork, event: Event) -> None:
        told = auth_pb.WorkspaceClosed.FromString(event.body)
        letters = [
            app.letters.workspace_closed(
                owner.email,
                owner.name,
                workspace=told.name,
                erased_at=from_timestamp(told.erase_time),
                near=event.type == ERASURE_NEAR,
            )
            for owner in told.owners
        ]
        await write_to_people(uow, letters, app.clock.now())

    async def workspace_reopened(uow: UnitOfWork, event: Event) -> None:
        told = auth_pb.WorkspaceReopened.FromString(event.body)
        letters = [
            app.letters.workspace_reopened(owner.email, owner.name, workspace=told.name)
            for owner in told.owners
        ]
        await write_to_people(uow, letters, app.clock.now())

    handlers = {
        "auth.invitation.v1.sent": invitation_sent,
        "auth.key.v1.created": api_key_created,
        "auth.two_step.v1.changed": two_step_changed,
        IDENTITY_CONNECTED: identity_changed,
        "auth.identity.v1.disconnected": identity_changed,
        "auth.password.v1.link_issued": reset_link_issued,
        "auth.password.v1.changed": password_changed,
        "auth.user.v1.deleted": user_deleted,
        "auth.workspace.v1.closed": workspace_closed,
        ERASURE_NEAR: workspace_closed,
        "auth.workspace.v1.reopened": workspace_reopened,
        "auth.verification.v1.requested": verification_requested,
    }
    return {kind: _then_send(app, handler) for kind, handler in handlers.items()}


def _then_send(app: App, handler: Handler) -> Handler:
    """Have the sender look after a moment, when this has committed."""

    async def handle(uow: UnitOfWork, event: Event) -> None:
        await handler(uow, event)
        app.wake_sender()

    return handle
