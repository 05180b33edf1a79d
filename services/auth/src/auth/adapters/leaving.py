"""All that there is of a person, and where others would be left without an owner."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Text,
    Uuid,
    bindparam,
    delete,
    exists,
    insert,
    select,
    tuple_,
    update,
)

from auth.adapters.tables import (
    api_keys,
    audit_entries,
    former_members,
    identities,
    invitations,
    left_members,
    members,
    one_time_tokens,
    recovery_codes,
    sessions,
    totp_devices,
    users,
    workspaces,
)
from auth.domain.roles import Role
from auth.domain.session import Session
from auth.domain.user import User
from kit import erasure
from kit.database import Statement, SystemTransaction

USER = bindparam("user", type_=Uuid())
NOW = bindparam("now", type_=DateTime(timezone=True))
EMAIL = bindparam("email", type_=Text())
INVITED = "auth.invitation.v1.sent"

_other = members.alias("other")
_others = exists().where(
    _other.c.workspace_id == members.c.workspace_id, _other.c.user_id != members.c.user_id
)
_is_sole_member = ~_others
_is_only_owner = (
    _others
    & (members.c.role == Role.OWNER.value)
    & ~_others.where(_other.c.role == Role.OWNER.value)
)
# How somebody stands in a workspace, as columns of `members`.
STANDING = (_is_sole_member.label("sole_member"), _is_only_owner.label("only_owner"))

# Held until the commit, in this order: whoever is coming in, other owners who step down, and
# whoever joins.
HOLD_PERSON = Statement(select(users.c.id).where(users.c.id == USER).with_for_update())
HOLD_OWNERS = Statement(
    select(members.c.user_id)
    .join(_other, _other.c.workspace_id == members.c.workspace_id)
    .where(_other.c.user_id == USER, members.c.role == Role.OWNER.value)
    .order_by(members.c.workspace_id, members.c.user_id)
    .with_for_update(of=members)
)
HOLD = Statement(
    select(workspaces.c.workspace_id)
    .join(members, members.c.workspace_id == workspaces.c.workspace_id)
    .where(members.c.user_id == USER)
    .order_by(workspaces.c.workspace_id)
    .with_for_update(of=workspaces)
)
MEMBERSHIPS = Statement(
    select(
        members.c.workspace_id,
        members.c.version,
        workspaces.c.name,
        workspaces.c.version.label("workspace_version"),
        workspaces.c.erase_at.is_not(None).label("closed"),
        *STANDING,
    )
    .join(workspaces, workspaces.c.workspace_id == members.c.workspace_id)
    .where(members.c.user_id == USER)
    .order_by(members.c.workspace_id)
)
LIVE = Statement(
    select(sessions)
    .where(sessions.c.user_id == USER, sessions.c.ended_at.is_(None))
    .order_by(sessions.c.id)
    .with_for_update()
)
_line = exists().where(audit_entries.c.workspace_id == workspaces.c.workspace_id)
_belongs = exists().where(
    members.c.workspace_id == workspaces.c.workspace_id, members.c.user_id == USER
)
# Whoever was removed from a workspace is still named there; the lines of that tell.
NOTE = Statement(
    insert(former_members)
    .from_select(
        ["workspace_id", "user_id", "deleted_at"],
        select(workspaces.c.workspace_id, USER, NOW).where(
            _belongs
            | _line.where(audit_entries.c.actor_id == USER)
            | _line.where(audit_entries.c.subject_id == USER)
        ),
    )
    .returning(former_members.c.workspace_id)
)
UNNAME_INVITED = Statement(
    update(audit_entries)
    .where(
        tuple_(audit_entries.c.workspace_id, audit_entries.c.subject_id).in_(
            select(invitations.c.workspace_id, invitations.c.id).where(invitations.c.email == EMAIL)
        ),
        audit_entries.c.type == INVITED,
    )
    .values(detail="")
)
UNINVITE = Statement(delete(invitations).where(invitations.c.email == EMAIL))
WITHDRAW = Statement(
    delete(invitations).where(invitations.c.workspace_id == bindparam("workspace", type_=Uuid()))
)
REMOVE = tuple(
    Statement(delete(table).where(table.c.user_id == USER))
    for table in (
        members,
        left_members,
        api_keys,
        sessions,
        identities,
        one_time_tokens,
        totp_devices,
        recovery_codes,
    )
)
REMOVE_USER = Statement(delete(users).where(users.c.id == USER))

_some = (
    select(audit_entries.c.workspace_id, audit_entries.c.event_id)
    .join(
        former_members,
        (former_members.c.workspace_id == audit_entries.c.workspace_id)
        & (former_members.c.user_id == audit_entries.c.actor_id),
    )
    .where(audit_entries.c.address != "")
    .limit(1000)
)
TAKE_ADDRESSES = Statement(
    update(audit_entries)
    .where(tuple_(audit_entries.c.workspace_id, audit_entries.c.event_id).in_(_some))
    .values(address="")
)
FORGET = Statement(delete(former_members).where(former_members.c.deleted_at < NOW))


class Membership(NamedTuple):
    """One of a person's workspaces, and what would become of it without them."""

    workspace_id: UUID
    version: int
    name: str
    workspace_version: int
    closed: bool
    sole_member: bool
    only_owner: bool


async def hold_memberships(tx: SystemTransaction, user_id: UUID) -> list[Membership]:
    """All of them; until the commit nobody joins there, and no other owner goes."""
    for statement in (HOLD_PERSON, HOLD_OWNERS, HOLD):
        await tx.rows(statement, user=user_id)
    return [Membership(*row) for row in await tx.rows(MEMBERSHIPS, user=user_id)]


async def live_sessions(tx: SystemTransaction, user_id: UUID) -> list[Session]:
    """Those of programs too, locked."""
    return [Session(**row) for row in await tx.rows(LIVE, user=user_id)]


async def note(tx: SystemTransaction, user_id: UUID, now: datetime) -> list[UUID]:
    """The workspaces that a person belongs to or once did; their audit logs are gone through, see
    `take_addresses`."""
    return [row["workspace_id"] for row in await tx.rows(NOTE, user=user_id, now=now)]


async def remove(tx: SystemTransaction, user: User) -> None:
    """The person, and all that is theirs."""
    await tx.run(UNNAME_INVITED, email=user.email)
    await tx.run(UNINVITE, email=user.email)
    for statement in REMOVE:
        await tx.run(statement, user=user.id)
    await tx.run(REMOVE_USER, user=user.id)


async def erase_workspace(tx: SystemTransaction, workspace_id: UUID) -> None:
    """It is to be erased, and nobody who was invited comes in meanwhile."""
    await tx.run(WITHDRAW, workspace=workspace_id)
    await erasure.ask(tx, workspace_id)


async def take_addresses(tx: SystemTransaction) -> bool:
    """Out of some lines of people who are gone; whether there may be more."""
    return await tx.run(TAKE_ADDRESSES) > 0


async def forget(tx: SystemTransaction, deleted_before: datetime) -> None:
    """No line of theirs comes any more."""
    await tx.run(FORGET, now=deleted_before)
