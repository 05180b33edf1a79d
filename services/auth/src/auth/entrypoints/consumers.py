"""What all services tell, kept as who did what."""

from collections.abc import Sequence

from auth.adapters import audit
from freelanceflow.auth.v1.account_events_pb2 import SessionRevoked
from kit.bus.consumer import Handler
from kit.bus.events import Event
from kit.unit_of_work import UnitOfWork


async def keep_one(uow: UnitOfWork, event: Event) -> None:
    """A line for one event."""
    await keep_all(uow, [event])


async def keep_all(uow: UnitOfWork, events: Sequence[Event]) -> None:
    """A line for each."""
    if events:
        await audit.keep(uow, events)
    await uow.commit()


def is_kept(event: Event) -> bool:
    """Whether somebody stands behind it, in a workspace; the rows of an import have nobody."""
    if event.type == SESSION_ENDED:
        return SessionRevoked.FromString(event.body).user_id != str(event.workspace_id)
    if event.actor_id == event.workspace_id:  # in no workspace, whose log it could be
        return False
    return event.actor_id is not None or event.type in WITHOUT_ACTOR


SESSION_ENDED = "auth.session.v1.revoked"
# What the system does of itself, and what a person does before they are anybody.
WITHOUT_ACTOR = frozenset(
    {
        SESSION_ENDED,
        "crm.activity.v1.purged",
        "crm.client.v1.purged",
        "crm.deal.v1.purged",
    }
)
OF_AUTH: dict[str, Handler] = {
    "auth.identity.v1.connected": keep_one,
    "auth.identity.v1.disconnected": keep_one,
    "auth.key.v1.created": keep_one,
    "auth.key.v1.revoked": keep_one,
    "auth.invitation.v1.sent": keep_one,
    "auth.workspace.v1.closed": keep_one,
    "auth.workspace.v1.created": keep_one,
    "auth.workspace.v1.reopened": keep_one,
    "auth.workspace.v1.updated": keep_one,
    "auth.member.v1.added": keep_one,
    "auth.member.v1.removed": keep_one,
    "auth.member.v1.role_changed": keep_one,
    "auth.member.v1.password_changed": keep_one,
    "auth.member.v1.two_step_changed": keep_one,
    "auth.role.v1.changed": keep_one,
    "auth.role.v1.created": keep_one,
    "auth.role.v1.deleted": keep_one,
    SESSION_ENDED: keep_one,
}
OF_CRM: dict[str, Handler] = {
    "crm.activity.v1.created": keep_one,
    "crm.activity.v1.deleted": keep_one,
    "crm.activity.v1.purged": keep_one,
    "crm.activity.v1.restored": keep_one,
    "crm.activity.v1.updated": keep_one,
    "crm.calendar.v1.changed": keep_one,
    "crm.client.v1.created": keep_one,
    "crm.client.v1.deleted": keep_one,
    "crm.client.v1.purged": keep_one,
    "crm.client.v1.restored": keep_one,
    "crm.client.v1.updated": keep_one,
    "crm.deal.v1.created": keep_one,
    "crm.deal.v1.deleted": keep_one,
    "crm.deal.v1.moved": keep_one,
    "crm.deal.v1.purged": keep_one,
    "crm.deal.v1.reordered": keep_one,
    "crm.deal.v1.restored": keep_one,
    "crm.deal.v1.updated": keep_one,
    "crm.duplicate.v1.dismissed": keep_one,
    "crm.export.v1.requested": keep_one,
    "crm.field.v1.changed": keep_one,
    "crm.import.v1.failed": keep_one,
    "crm.import.v1.finished": keep_one,
    "crm.import.v1.reverted": keep_one,
    "crm.merge.v1.made": keep_one,
    "crm.merge.v1.undone": keep_one,
    "crm.rate.v1.changed": keep_one,
    "crm.reason.v1.changed": keep_one,
    "crm.stage.v1.changed": keep_one,
    "crm.tag.v1.changed": keep_one,
    "crm.view.v1.changed": keep_one,
    "crm.view.v1.chosen": keep_one,
}
