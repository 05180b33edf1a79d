"""A workspace's own roles."""

from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import ARRAY, Integer, Text, Uuid, bindparam, delete, func, insert, select, update

from auth.adapters.tables import custom_roles, members
from auth.domain.custom_role import CustomRole
from auth.domain.errors import RoleNameTaken, RoleNotFound
from auth.domain.roles import Role
from kit.database import Statement, Transaction
from kit.unit_of_work import UnitOfWork

WORKSPACE, ROLE = bindparam("workspace", type_=Uuid()), bindparam("role_id", type_=Uuid())

_of_workspace = custom_roles.c.workspace_id == WORKSPACE
_one = select(custom_roles).where(_of_workspace, custom_roles.c.id == ROLE)
HOLD = Statement(_one.with_for_update(read=True))
LOCK = Statement(_one.with_for_update())
ALL = Statement(
    select(custom_roles).where(_of_workspace).order_by(custom_roles.c.name, custom_roles.c.id)
)
HOLDERS = Statement(
    select(members.c.role, members.c.custom_role_id, func.count().label("count"))
    .where(members.c.workspace_id == WORKSPACE)
    .group_by(members.c.role, members.c.custom_role_id)
)
COUNT = Statement(select(func.count()).select_from(custom_roles).where(_of_workspace))
ADD = Statement(insert(custom_roles).values({c.name: bindparam(c.name) for c in custom_roles.c}))
SAVE = Statement(
    update(custom_roles)
    .where(
        _of_workspace,
        custom_roles.c.id == ROLE,
        custom_roles.c.version == bindparam("read", type_=Integer()),
    )
    .values(
        version=custom_roles.c.version + 1,
        name=bindparam("name", type_=Text()),
        permissions=bindparam("permissions", type_=ARRAY(Text())),
    )
)
REMOVE = Statement(delete(custom_roles).where(_of_workspace, custom_roles.c.id == ROLE))


async def held(tx: Transaction, role_id: UUID) -> CustomRole | None:
    """One that stays as it is until the commit."""
    row = await tx.row(HOLD, workspace=tx.workspace_id, role_id=role_id)
    return None if row is None else _role(row)


async def load_for_update(tx: Transaction, role_id: UUID) -> CustomRole:
    """Raises RoleNotFound."""
    row = await tx.row(LOCK, workspace=tx.workspace_id, role_id=role_id)
    if row is None:
        raise RoleNotFound("There is no such role.")
    return _role(row)


async def all_of(tx: Transaction) -> list[CustomRole]:
    """By name."""
    return [_role(row) for row in await tx.rows(ALL, workspace=tx.workspace_id)]


async def holders(tx: Transaction) -> dict[str, int]:
    """How many members have a role, by its id; a built-in one's is its name."""
    rows = await tx.rows(HOLDERS, workspace=tx.workspace_id)
    return {str(row["custom_role_id"] or row["role"]): row["count"] for row in rows}


async def count(tx: Transaction) -> int:
    """How many there are."""
    return int(await tx.value(COUNT, workspace=tx.workspace_id))


async def add(uow: UnitOfWork, role: CustomRole) -> None:
    """A new one. Raises RoleNameTaken."""
    values: dict[str, Any] = {c.name: getattr(role, c.name) for c in custom_roles.c}
    values |= {"base": role.base.value, "permissions": sorted(role.permissions)}
    try:
        await uow.run(ADD, **values)
    except asyncpg.UniqueViolationError:
        raise _taken() from None
    uow.tell(role)


async def save(uow: UnitOfWork, role: CustomRole) -> None:
    """Name and permissions. Raises RoleNameTaken, ChangedMeanwhile."""
    try:
        rows = await uow.run(
            SAVE,
            workspace=uow.workspace_id,
            role_id=role.id,
            read=role.version,
            name=role.name,
            permissions=sorted(role.permissions),
        )
    except asyncpg.UniqueViolationError:
        raise _taken() from None
    uow.saved(role, rows=rows)


async def remove(uow: UnitOfWork, role: CustomRole) -> None:
    """Nobody has it any more. Raises ChangedMeanwhile."""
    uow.saved(role, rows=await uow.run(REMOVE, workspace=uow.workspace_id, role_id=role.id))


def _taken() -> RoleNameTaken:
    said = "Another role is called so already."
    return RoleNameTaken(said, fields={"name": said})


def _role(row: asyncpg.Record) -> CustomRole:
    typed = {"base": Role(row["base"]), "permissions": frozenset(row["permissions"])}
    return CustomRole(**{**row, **typed})
