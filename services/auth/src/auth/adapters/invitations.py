"""Who is invited into a workspace."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import DateTime, Text, Uuid, bindparam, exists, insert, select, update

from auth.adapters.custom_roles import held
from auth.adapters.tables import custom_roles, invitations, members, users, workspaces
from auth.domain.custom_role import Given
from auth.domain.roles import Role
from kit.database import Statement, SystemTransaction, Transaction
from kit.unit_of_work import UnitOfWork

NOW = bindparam("now", type_=DateTime(timezone=True))

ADD = Statement(
    insert(invitations).values(
        {c.name: bindparam(c.name) for c in invitations.c if c.name != "accepted_at"}
    )
)
_is_open = invitations.c.accepted_at.is_(None) & (invitations.c.expires_at > NOW)
_open_one = (invitations.c.secret_hash == bindparam("hash")) & _is_open
_as_what = invitations.c.role, invitations.c.custom_role_id
ACCEPT = Statement(
    update(invitations).where(_open_one).values(accepted_at=NOW).returning(*_as_what)
)
_own_one = (
    (invitations.c.id == bindparam("id", type_=Uuid()))
    & (invitations.c.email == bindparam("email", type_=Text()))
    & _is_open
)
WHERE_TO = Statement(select(invitations.c.workspace_id).where(_own_one))
ACCEPT_OWN = Statement(
    update(invitations).where(_own_one).values(accepted_at=NOW).returning(*_as_what)
)
TO_ADDRESS = Statement(
    select(
        invitations.c.id,
        workspaces.c.name.label("workspace_name"),
        users.c.name.label("inviter_name"),
        invitations.c.role,
        custom_roles.c.name.label("custom_role_name"),
        invitations.c.expires_at,
    )
    .join(workspaces, workspaces.c.workspace_id == invitations.c.workspace_id)
    .outerjoin(users, users.c.id == invitations.c.invited_by)
    .outerjoin(
        custom_roles,
        (custom_roles.c.workspace_id == invitations.c.workspace_id)
        & (custom_roles.c.id == invitations.c.custom_role_id),
    )
    .where(
        invitations.c.email == bindparam("email", type_=Text()),
        _is_open,
        workspaces.c.erase_at.is_(None),
        ~exists().where(
            members.c.workspace_id == invitations.c.workspace_id,
            members.c.user_id == bindparam("user", type_=Uuid()),
        ),
    )
    .order_by(invitations.c.id.desc())
    .limit(50)
)
INVITED = Statement(select(invitations.c.workspace_id, invitations.c.email).where(_open_one))

_into = (
    invitations.c.workspace_id == bindparam("workspace", type_=Uuid()),
    invitations.c.custom_role_id == bindparam("role_id", type_=Uuid()),
)
FORGET_ROLE = Statement(update(invitations).where(*_into, ~_is_open).values(custom_role_id=None))
MOVE = Statement(
    update(invitations)
    .where(*_into)
    .values(
        role=bindparam("to_role", type_=Text()), custom_role_id=bindparam("to_custom", type_=Uuid())
    )
)
LEADS_INTO = Statement(select(exists().where(*_into)))


class Invited(NamedTuple):
    """Who was asked to join, and where."""

    workspace_id: UUID
    email: str


async def add(
    uow: UnitOfWork,
    *,
    invitation_id: UUID,
    email: str,
    given: Given,
    secret_hash: bytes,
    invited_by: UUID,
    expires_at: datetime,
) -> None:
    """Keep an invitation, its secret as a hash."""
    await uow.run(
        ADD,
        id=invitation_id,
        workspace_id=uow.workspace_id,
        email=email,
        role=given.role.value,
        custom_role_id=given.custom_id,
        secret_hash=secret_hash,
        invited_by=invited_by,
        expires_at=expires_at,
    )


async def find(tx: SystemTransaction, secret_hash: bytes, now: datetime) -> Invited | None:
    """Whom an open invitation asks, and where to: its workspace is not known before."""
    row = await tx.row(INVITED, hash=secret_hash, now=now)
    return row and Invited(*row)


async def accept(uow: UnitOfWork, secret_hash: bytes, now: datetime) -> Given | None:
    """Use an invitation up, and say as what; of many at a time one gets it."""
    return await _given(uow, await uow.row(ACCEPT, hash=secret_hash, now=now))


async def to_address(
    tx: SystemTransaction, user_id: UUID, email: str, now: datetime
) -> list[asyncpg.Record]:
    """Where somebody is invited to and does not belong yet, the newest first."""
    return await tx.rows(TO_ADDRESS, user=user_id, email=email, now=now)


async def where_to(
    tx: SystemTransaction, invitation_id: UUID, email: str, now: datetime
) -> UUID | None:
    """The workspace of an open invitation to an address."""
    found: UUID | None = await tx.value(WHERE_TO, id=invitation_id, email=email, now=now)
    return found


async def accept_own(
    uow: UnitOfWork, invitation_id: UUID, email: str, now: datetime
) -> Given | None:
    """As `accept`, by whoever has proven the address without the secret."""
    return await _given(uow, await uow.row(ACCEPT_OWN, id=invitation_id, email=email, now=now))


async def _given(uow: UnitOfWork, row: asyncpg.Record | None) -> Given | None:
    if row is None:
        return None
    custom = await held(uow, row["custom_role_id"]) if row["custom_role_id"] else None
    return Given(Role(row["role"]), custom)


async def leave_role(tx: Transaction, role_id: UUID, to: Given | None, now: datetime) -> bool:
    """Those of the past lead into a role no more, and the open ones into another, where there is
    one; whether any still leads into it."""
    asked = {"workspace": tx.workspace_id, "role_id": role_id}
    await tx.run(FORGET_ROLE, **asked, now=now)
    if to is not None:
        await tx.run(MOVE, **asked, to_role=to.role.value, to_custom=to.custom_id)
    return bool(await tx.value(LEADS_INTO, **asked))
