"""What a token says of a person: where they are, and what they may do there."""

from dataclasses import dataclass
from uuid import UUID

from kit.sight import Sight


@dataclass(frozen=True, kw_only=True)
class Grant:
    """In one workspace, or in none."""

    user_id: UUID
    workspace_id: UUID | None
    role: str
    sight: Sight
    permissions: frozenset[str]

    @classmethod
    def without_workspace(cls, user_id: UUID) -> "Grant":
        """Of somebody who belongs to none: they see no other's records and may do nothing."""
        return cls(
            user_id=user_id,
            workspace_id=None,
            role="none",
            sight=Sight((user_id,)),
            permissions=frozenset(),
        )
