"""A key for a program: somebody's, in one workspace."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from auth.domain.errors import ApiKeyLifeInvalid, NameMissing
from auth.domain.facts import ApiKeyCreated, ApiKeyRevoked
from auth.domain.workspace import Member
from kit.ids import new_id

NAME_LENGTH = 100
LONGEST_DAYS = 366
MOST = 20  # of a person in a workspace


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """Made once and never changed; the key itself is not kept."""

    id: UUID
    workspace_id: UUID
    user_id: UUID
    name: str
    read_only: bool
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = None

    def is_expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and now >= self.expires_at

    def created(self, owner: Member) -> ApiKeyCreated:
        """That there is one."""
        return ApiKeyCreated(
            aggregate_id=self.id,
            version=1,
            at=self.created_at,
            by=self.user_id,
            workspace_id=self.workspace_id,
            user_id=self.user_id,
            email=owner.email,
            name=owner.name,
            key_name=self.name,
            read_only=self.read_only,
            expires_at=self.expires_at,
        )

    def revoked(self, now: datetime) -> ApiKeyRevoked:
        """That its owner has taken it back."""
        return ApiKeyRevoked(
            aggregate_id=self.id,
            version=2,
            at=now,
            by=self.user_id,
            workspace_id=self.workspace_id,
            user_id=self.user_id,
            key_name=self.name,
        )


def make(owner: Member, *, name: str, read_only: bool, days: int, now: datetime) -> ApiKey:
    """One that works for some days, or with 0 for ever. Raises NameMissing, ApiKeyLifeInvalid."""
    if not 0 <= days <= LONGEST_DAYS:
        said = f"Give 1 to {LONGEST_DAYS} days, or 0 for no end."
        raise ApiKeyLifeInvalid(said, fields={"expires_in_days": said})
    return ApiKey(
        id=new_id(),
        workspace_id=owner.workspace_id,
        user_id=owner.id,
        name=_normal_name(name),
        read_only=read_only,
        created_at=now,
        expires_at=now + timedelta(days=days) if days else None,
    )


def _normal_name(text: str) -> str:
    """White space folded. It is told in the audit log and a mail, so it is printable."""
    name = " ".join(text.split())
    if not 0 < len(name) <= NAME_LENGTH or not name.isprintable():
        said = f"Give a name of 1 to {NAME_LENGTH} characters."
        raise NameMissing(said, fields={"name": said})
    return name
