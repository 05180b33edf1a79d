"""Facts on their way to the bus: the only place in notify that knows subjects and messages."""

from uuid import UUID

from freelanceflow.notify.v1 import notification_events_pb2 as pb
from kit.aggregate import Fact
from kit.clock import to_timestamp
from kit.outbox import OutboxRow, event_row
from notify.domain.facts import NotificationCreated


def to_outbox(workspace_id: UUID, fact: Fact) -> OutboxRow:
    """One fact, ready to commit. Raises TypeError for one without a wire form."""
    match fact:
        case NotificationCreated():
            message = pb.NotificationCreated(
                notification_id=str(fact.aggregate_id),
                user_id=str(fact.user_id),
                kind=fact.kind,
                happen_time=to_timestamp(fact.at),
                version=fact.version,
            )
            return event_row("notify", workspace_id, fact, "notification.v1.created", message)
    raise TypeError(f"{type(fact).__name__} has no wire form")
