"""What auth tells the others, named in the past tense."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from kit.aggregate import Fact


class Cause(StrEnum):
    """Why a session ended."""

    LOGGED_OUT = "logged_out"
    ENDED = "ended"
    REUSE_DETECTED = "reuse_detected"
    MEMBER_REMOVED = "member_removed"
    ROLE_CHANGED = "role_changed"
    SWITCHED = "switched"
    PASSWORD_CHANGED = "password_changed"
    KEY_REVOKED = "key_revoked"
    ACCOUNT_DELETED = "account_deleted"
    WORKSPACE_CLOSED = "workspace_closed"


@dataclass(frozen=True, kw_only=True)
class UserRegistered(Fact):
    email: str
    name: str
    locale: str


@dataclass(frozen=True, kw_only=True)
class UserDeleted(Fact):
    email: str
    name: str


@dataclass(frozen=True, kw_only=True)
class VerificationRequested(Fact):
    """Without a token when the address belongs to somebody already: they are told so."""

    email: str
    name: str
    token: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class PasswordForgotten(Fact):
    """Of an address that may be nobody's; `aggregate_id` is the request's own."""

    email: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class ResetLinkIssued(Fact):
    email: str
    name: str
    token: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class PasswordChanged(Fact):
    """`by_link` when the one before was not known."""

    email: str
    name: str
    by_link: bool


@dataclass(frozen=True, kw_only=True)
class MemberPasswordChanged(Fact):
    """The same as one of the person's workspaces hears it."""

    workspace_id: UUID
    by_link: bool


@dataclass(frozen=True, kw_only=True)
class TwoStepChanged(Fact):
    """`aggregate_id` is the person."""

    email: str
    name: str
    on: bool


@dataclass(frozen=True, kw_only=True)
class MemberTwoStepChanged(Fact):
    """The same as one of the person's workspaces hears it."""

    workspace_id: UUID
    on: bool


@dataclass(frozen=True, kw_only=True)
class InvitationSent(Fact):
    """`aggregate_id` is the invitation."""

    email: str
    workspace_name: str
    inviter_name: str
    role: str
    token: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class WorkspaceCreated(Fact):
    name: str
    currency: str
    time_zone: str


@dataclass(frozen=True, kw_only=True)
class WorkspaceUpdated(Fact):
    name: str
    currency: str
    time_zone: str


class Addressee(NamedTuple):
    """Somebody who is to be told by mail."""

    email: str
    name: str


@dataclass(frozen=True, kw_only=True)
class WorkspaceClosed(Fact):
    """Nobody works in it any more; it is erased then, unless it is reopened."""

    name: str
    erase_at: datetime
    owners: tuple[Addressee, ...]


@dataclass(frozen=True, kw_only=True)
class WorkspaceErasureNear(WorkspaceClosed):
    """The same, said once more."""


@dataclass(frozen=True, kw_only=True)
class WorkspaceReopened(Fact):
    name: str
    owners: tuple[Addressee, ...]


@dataclass(frozen=True, kw_only=True)
class WorkspaceErased(Fact):
    """`aggregate_id` is the workspace."""


@dataclass(frozen=True, kw_only=True)
class MemberAdded(Fact):
    """`aggregate_id` is the person."""

    workspace_id: UUID
    email: str
    name: str
    locale: str
    role: str
    visibility: str
    team: str
    permissions: frozenset[str]
    detail: str = ""  # what was changed, for whoever reads the log


@dataclass(frozen=True, kw_only=True)
class MemberRoleChanged(MemberAdded):
    """The same, for somebody who was there before."""


@dataclass(frozen=True, kw_only=True)
class RoleCreated(Fact):
    """`aggregate_id` is the role, one of the workspace's own."""

    workspace_id: UUID
    name: str
    base: str
    permissions: frozenset[str]
    previous_name: str
    previous_permissions: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class RoleChanged(RoleCreated):
    """The same, for one that was there before."""


@dataclass(frozen=True, kw_only=True)
class RoleDeleted(RoleCreated):
    """The same, for one that is gone."""


@dataclass(frozen=True, kw_only=True)
class MemberRemoved(Fact):
    workspace_id: UUID


@dataclass(frozen=True, kw_only=True)
class MemberErased(Fact):
    """The person is gone; of those who left the workspace before, too."""

    workspace_id: UUID


@dataclass(frozen=True, kw_only=True)
class IdentityConnected(Fact):
    """`aggregate_id` is the person, `email` their address there."""

    email: str
    account_email: str
    name: str


@dataclass(frozen=True, kw_only=True)
class IdentityDisconnected(IdentityConnected):
    """The same, for one that no longer lets them in."""


@dataclass(frozen=True, kw_only=True)
class SessionRevoked(Fact):
    workspace_id: UUID
    user_id: UUID
    cause: Cause


@dataclass(frozen=True, kw_only=True)
class ApiKeyCreated(Fact):
    workspace_id: UUID
    user_id: UUID
    email: str
    name: str
    key_name: str
    read_only: bool
    expires_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ApiKeyRevoked(Fact):
    workspace_id: UUID
    user_id: UUID
    key_name: str
