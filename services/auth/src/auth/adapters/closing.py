"""Closed workspaces: whose they are, whose time is over, and who goes with them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Uuid, bindparam, delete, exists, select

from auth.adapters.tables import members, users, workspaces
from auth.domain.facts import Addressee
from auth.domain.roles import Role
from auth.domain.user import User
from kit.database import Statement, SystemTransaction, Transaction

WORKSPACE = bindparam("workspace", type_=Uuid())
NOW = bindparam("now", type_=DateTime(timezone=True))
_elsewhere = members.alias("elsewhere")

OWNERS = Statement(
    select(users.c.email, users.c.name)
    .join(members, members.c.user_id == users.c.id)
    .where(members.c.workspace_id == WORKSPACE, members.c.role == Role.OWNER.value)
    .order_by(users.c.email)
)
TO_WARN = Statement(
    select(workspaces.c.workspace_id).where(
        workspaces.c.erase_at < NOW, workspaces.c.warned_at.is_(None)
    )
)
TO_ERASE = Statement(select(workspaces.c.workspace_id).where(workspaces.c.erase_at < NOW))
# Held in one order, and before anybody asks where else they are: of two workspaces that end at
# once, the second sees that its members have left the first.
HOLD_PEOPLE = Statement(
    select(users.c.id)
    .join(members, members.c.user_id == users.c.id)
    .where(members.c.workspace_id == WORKSPACE)
    .order_by(users.c.id)
    .with_for_update(of=users)
)
NOWHERE_ELSE = Statement(
    select(users)
    .join(members, members.c.user_id == users.c.id)
    .where(
        members.c.workspace_id == WORKSPACE,
        ~exists().where(
            _elsewhere.c.user_id == members.c.user_id,
            _elsewhere.c.workspace_id != members.c.workspace_id,
        ),
    )
    .order_by(users.c.id)
)
REMOVE_ALL = Statement(delete(members).where(members.c.workspace_id == WORKSPACE))


async def owners(tx: Transaction) -> list[Addressee]:
    """Where to reach who may delete and reopen the workspace."""
    return [Addressee(*row) for row in await tx.rows(OWNERS, workspace=tx.workspace_id)]


async def to_warn(tx: SystemTransaction, erased_before: datetime) -> list[UUID]:
    """Closed ones that are about to be erased, which nobody has said yet."""
    return [row["workspace_id"] for row in await tx.rows(TO_WARN, now=erased_before)]


async def to_erase(tx: SystemTransaction, now: datetime) -> list[UUID]:
    """Closed ones whose time is over."""
    return [row["workspace_id"] for row in await tx.rows(TO_ERASE, now=now)]


async def hold_people(tx: Transaction) -> None:
    """No member joins another workspace, leaves one or deletes their account until the commit."""
    await tx.rows(HOLD_PEOPLE, workspace=tx.workspace_id)


async def only_here(tx: Transaction) -> list[User]:
    """Members who belong to no other workspace; see `hold_people`."""
    rows = await tx.rows(NOWHERE_ELSE, workspace=tx.workspace_id)
    return [User(workspace_id=row["id"], **row) for row in rows]


async def remove_members(tx: Transaction) -> None:
    """All of them: nobody comes into it any more."""
    await tx.run(REMOVE_ALL, workspace=tx.workspace_id)
