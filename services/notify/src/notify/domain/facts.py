"""What notify tells the others, named in the past tense."""

from dataclasses import dataclass
from uuid import UUID

from kit.aggregate import Fact


@dataclass(frozen=True, kw_only=True)
class NotificationCreated(Fact):
    """`aggregate_id` is the notification."""

    user_id: UUID
    kind: str
