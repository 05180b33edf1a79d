"""What is kept of one person, from all their workspaces; for the system role."""

from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import Integer, Uuid, bindparam, func, select
from sqlalchemy.sql.expression import Select

from auth.adapters.tables import (
    api_keys,
    audit_entries,
    custom_roles,
    identities,
    members,
    sessions,
    users,
    workspaces,
)
from auth.adapters.workspaces import HAS_ROLE
from kit.database import Statement, SystemTransaction

MOST_SESSIONS = 1_000
LAST = (UUID(int=2**128 - 1), UUID(int=2**128 - 1))
USER = bindparam("user", type_=Uuid())

IDENTITIES = Statement(
    select(identities.c.issuer, identities.c.email, identities.c.linked_at)
    .where(identities.c.user_id == USER)
    .order_by(identities.c.linked_at, identities.c.subject)
)
SESSIONS = Statement(
    select(
        sessions.c.workspace_id,
        sessions.c.user_id,
        sessions.c.device,
        sessions.c.created_at,
        sessions.c.last_seen_at,
        sessions.c.ended_at,
        sessions.c.api_key_id,
    )
    .where(sessions.c.user_id == USER)
    .order_by(sessions.c.id.desc())
    .limit(MOST_SESSIONS)
)
KEYS = Statement(
    select(*(c for c in api_keys.c if c.name != "secret_hash"))
    .where(api_keys.c.user_id == USER)
    .order_by(api_keys.c.id.desc())
)
MEMBERSHIPS = Statement(
    select(
        members.c.workspace_id,
        workspaces.c.name,
        members.c.role,
        custom_roles.c.name.label("custom_role_name"),
        members.c.visibility,
        members.c.team,
        members.c.joined_at,
    )
    .join(workspaces, workspaces.c.workspace_id == members.c.workspace_id)
    .outerjoin(custom_roles, HAS_ROLE)
    .where(members.c.user_id == USER)
    .order_by(workspaces.c.name, members.c.workspace_id)
)


def _done_by_user() -> Select[Any]:
    own = select(members.c.workspace_id).where(members.c.user_id == USER)
    before = (bindparam(name, type_=Uuid()) for name in ("before_workspace", "before"))
    return (
        select(audit_entries, users.c.name.label("actor_name"))
        .join(users, users.c.id == audit_entries.c.actor_id)
        .where(
            audit_entries.c.actor_id == USER,
            audit_entries.c.workspace_id.in_(own),
            func.row(audit_entries.c.workspace_id, audit_entries.c.event_id) < func.row(*before),
        )
        .order_by(audit_entries.c.workspace_id.desc(), audit_entries.c.event_id.desc())
        .limit(bindparam("size", type_=Integer()))
    )


DONE = Statement(_done_by_user())


class Kept(NamedTuple):
    """Rows as the tables have them, without their hashes."""

    identities: list[asyncpg.Record]
    sessions: list[asyncpg.Record]
    api_keys: list[asyncpg.Record]
    memberships: list[asyncpg.Record]


async def kept_of(tx: SystemTransaction, user_id: UUID) -> Kept:
    """All but what they did."""
    statements = (IDENTITIES, SESSIONS, KEYS, MEMBERSHIPS)
    return Kept(*[await tx.rows(statement, user=user_id) for statement in statements])


async def done_by(
    tx: SystemTransaction, user_id: UUID, *, before: tuple[UUID, UUID], size: int
) -> list[asyncpg.Record]:
    """Workspace by workspace, the latest first; `before` is a workspace and an entry of it."""
    workspace, entry = before
    return await tx.rows(DONE, user=user_id, before_workspace=workspace, before=entry, size=size)
