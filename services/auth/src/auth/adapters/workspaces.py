"""Workspaces and their members."""

from uuid import UUID

import asyncpg
from sqlalchemy import (
    DateTime,
    Integer,
    Text,
    Uuid,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert

from auth.adapters.leaving import STANDING
from auth.adapters.tables import custom_roles, left_members, members, users, workspaces
from auth.domain.custom_role import CustomRole
from auth.domain.errors import (
    AlreadyMember,
    MemberNotFound,
    WorkspaceIsClosed,
    WorkspaceNotFound,
)
from auth.domain.roles import Role, Visibility
from auth.domain.workspace import Member, Workspace
from kit.database import Statement, SystemTransaction, Transaction
from kit.unit_of_work import UnitOfWork

WORKSPACE, USER = bindparam("workspace", type_=Uuid()), bindparam("user", type_=Uuid())
NOW = bindparam("now", type_=DateTime(timezone=True))
READ = bindparam("read", type_=Integer())

_one = select(workspaces).where(workspaces.c.workspace_id == WORKSPACE)
GET = Statement(_one)
LOCK = Statement(_one.with_for_update())
HOLD = Statement(_one.with_for_update(read=True))
ADD = Statement(insert(workspaces).values({c.name: bindparam(c.name) for c in workspaces.c}))
SAVE = Statement(
    update(workspaces)
    .where(workspaces.c.workspace_id == WORKSPACE, workspaces.c.version == READ)
    .values(
        version=workspaces.c.version + 1,
        **{name: bindparam(name, type_=Text()) for name in ("name", "currency", "time_zone")},
        erase_at=bindparam("erase_at", type_=DateTime(timezone=True)),
        warned_at=bindparam("warned_at", type_=DateTime(timezone=True)),
    )
)

HAS_ROLE = (custom_roles.c.workspace_id == members.c.workspace_id) & (
    custom_roles.c.id == members.c.custom_role_id
)
_people = (
    select(
        members.c.user_id.label("id"),
        members.c.workspace_id,
        members.c.version,
        members.c.role,
        members.c.joined_at,
        members.c.visibility,
        members.c.team,
        members.c.custom_role_id,
        custom_roles.c.version.label("custom_role_version"),
        custom_roles.c.name.label("custom_role_name"),
        custom_roles.c.permissions.label("custom_role_permissions"),
        users.c.email,
        users.c.name,
        users.c.locale,
        workspaces.c.erase_at.is_not(None).label("closed"),
    )
    .join(users, users.c.id == members.c.user_id)
    .join(workspaces, workspaces.c.workspace_id == members.c.workspace_id)
    .outerjoin(custom_roles, HAS_ROLE)
    .where(members.c.workspace_id == WORKSPACE)
)
_mate = members.alias("mate")
_mates = (
    select(func.array_agg(aggregate_order_by(_mate.c.user_id, _mate.c.user_id)))
    .where(
        _mate.c.workspace_id == WORKSPACE,
        _mate.c.team == members.c.team,
        members.c.visibility == Visibility.TEAM.value,
    )
    .scalar_subquery()
    .label("team_mates")
)
_whole = _people.add_columns(_mates)
MEMBER = Statement(_whole.where(members.c.user_id == USER))
LOCK_MEMBER = Statement(
    select(members.c.user_id)
    .where(members.c.workspace_id == WORKSPACE, members.c.user_id == USER)
    .with_for_update()
)
# Whoever closes the workspace, or changes what its member may do, comes before, and counts, or
# after, and ends the session that begins.
HOLD_MEMBER = Statement(
    select(members.c.user_id)
    .join(workspaces, workspaces.c.workspace_id == members.c.workspace_id)
    .where(members.c.workspace_id == WORKSPACE, members.c.user_id == USER)
    .with_for_update(read=True, of=(members, workspaces))
)
HOLDERS = Statement(
    _whole.where(members.c.custom_role_id == bindparam("role_id", type_=Uuid()))
    .order_by(members.c.user_id)
    .with_for_update(of=members)
)
# Counted before somebody joins, so that a token that names all of a team stays small.
TEAM_SIZE = Statement(
    select(func.count()).where(
        members.c.workspace_id == WORKSPACE,
        members.c.team == bindparam("team", type_=Text()),
        members.c.user_id != USER,
    )
)
# Locked, so that two owners cannot leave at the same time and take the last one with them.
LOCK_OWNERS = Statement(
    select(members.c.user_id)
    .where(members.c.workspace_id == WORKSPACE, members.c.role == Role.OWNER.value)
    .order_by(members.c.user_id)
    .with_for_update()
)
PAGE = Statement(
    _people.where(
        func.row(users.c.name, members.c.user_id)
        > func.row(bindparam("after_name", type_=Text()), bindparam("after_id", type_=Uuid()))
    )
    .order_by(users.c.name, members.c.user_id)
    .limit(bindparam("limit", type_=Integer()))
)
ADD_MEMBER = Statement(
    insert(members).values(
        {
            n: bindparam(n)
            for n in ("workspace_id", "user_id", "version", "role", "custom_role_id", "joined_at")
        }
    )
)
SAVE_RIGHTS = Statement(
    update(members)
    .where(
        members.c.workspace_id == WORKSPACE, members.c.user_id == USER, members.c.version == READ
    )
    .values(
        version=members.c.version + 1,
        **{name: bindparam(name, type_=Text()) for name in ("role", "visibility", "team")},
        custom_role_id=bindparam("custom_role_id", type_=Uuid()),
    )
)
REMOVE = Statement(
    delete(members).where(members.c.workspace_id == WORKSPACE, members.c.user_id == USER)
)
_leaving = insert(left_members).values({c.name: bindparam(c.name) for c in left_members.c})
LEAVE = Statement(
    _leaving.on_conflict_do_update(
        index_elements=[left_members.c.workspace_id, left_members.c.user_id],
        set_={"version": _leaving.excluded.version},
    )
)
LEFT = Statement(
    select(left_members.c.version).where(
        left_members.c.workspace_id == WORKSPACE, left_members.c.user_id == USER
    )
)
MINE = Statement(
    select(
        workspaces.c.workspace_id,
        workspaces.c.name,
        members.c.role,
        custom_roles.c.name.label("custom_role_name"),
        workspaces.c.erase_at,
        *STANDING,
    )
    .join(members, members.c.workspace_id == workspaces.c.workspace_id)
    .outerjoin(custom_roles, HAS_ROLE)
    .where(
        members.c.user_id == USER,
        func.row(workspaces.c.name, workspaces.c.workspace_id)
        > func.row(bindparam("after_name", type_=Text()), bindparam("after_id", type_=Uuid())),
    )
    .order_by(workspaces.c.name, workspaces.c.workspace_id)
    .limit(bindparam("limit", type_=Integer()))
)
FIRST = Statement(
    select(members.c.workspace_id)
    .join(workspaces, workspaces.c.workspace_id == members.c.workspace_id)
    .where(members.c.user_id == USER)
    .order_by(workspaces.c.erase_at.is_not(None), members.c.joined_at, members.c.workspace_id)
    .limit(1)
)
ALL_OF = Statement(
    select(members.c.workspace_id).where(members.c.user_id == USER).order_by(members.c.workspace_id)
)


async def get(tx: Transaction) -> Workspace:
    """The transaction's own. Raises WorkspaceNotFound."""
    return _workspace(await tx.row(GET, workspace=tx.workspace_id))


async def load_for_update(tx: Transaction) -> Workspace:
    """The transaction's own. Raises WorkspaceNotFound."""
    return _workspace(await tx.row(LOCK, workspace=tx.workspace_id))


async def hold_open(tx: Transaction) -> None:
    """Nobody closes the transaction's own until the commit.

    Raises WorkspaceNotFound, WorkspaceIsClosed.
    """
    if _workspace(await tx.row(HOLD, workspace=tx.workspace_id)).erase_at is not None:
        raise WorkspaceIsClosed("This workspace is closed, until one of its owners reopens it.")


async def add(uow: UnitOfWork, workspace: Workspace) -> None:
    """A new one."""
    values = {c.name: getattr(workspace, c.name) for c in workspaces.c}
    await uow.run(ADD, **values)
    uow.tell(workspace)


async def save(uow: UnitOfWork, workspace: Workspace) -> None:
    """Write what can change in a workspace. Raises ChangedMeanwhile."""
    rows = await uow.run(
        SAVE,
        workspace=uow.workspace_id,
        read=workspace.version,
        name=workspace.name,
        currency=workspace.currency,
        time_zone=workspace.time_zone,
        erase_at=workspace.erase_at,
        warned_at=workspace.warned_at,
    )
    uow.saved(workspace, rows=rows)


async def member(tx: Transaction, user_id: UUID) -> Member:
    """Raises MemberNotFound."""
    return _member(await tx.row(MEMBER, workspace=tx.workspace_id, user=user_id))


async def member_for_update(tx: Transaction, user_id: UUID) -> Member:
    """Read once the lock is held: as it is then, and its role too. Raises MemberNotFound."""
    await tx.row(LOCK_MEMBER, workspace=tx.workspace_id, user=user_id)
    return await member(tx, user_id)


async def member_coming_in(tx: Transaction, user_id: UUID) -> Member:
    """As they are until the commit, for a session to begin. Raises MemberNotFound."""
    await tx.row(HOLD_MEMBER, workspace=tx.workspace_id, user=user_id)
    return await member(tx, user_id)


async def holders_for_update(tx: Transaction, role_id: UUID) -> list[Member]:
    """Everybody who has one of the workspace's own roles."""
    rows = await tx.rows(HOLDERS, workspace=tx.workspace_id, role_id=role_id)
    return [_member(row) for row in rows]


async def lock_owners(tx: Transaction) -> int:
    """How many there are; they stay so until the transaction ends."""
    return len(await tx.rows(LOCK_OWNERS, workspace=tx.workspace_id))


async def page_of_members(
    tx: Transaction, *, after: tuple[str, UUID], limit: int
) -> list[asyncpg.Record]:
    """By name, behind `after`."""
    name, user_id = after
    return await tx.rows(
        PAGE, workspace=tx.workspace_id, after_name=name, after_id=user_id, limit=limit
    )


async def add_member(uow: UnitOfWork, member: Member) -> None:
    """Raises AlreadyMember."""
    try:
        await uow.run(
            ADD_MEMBER,
            workspace_id=uow.workspace_id,
            user_id=member.id,
            version=member.version,
            role=member.role.value,
            custom_role_id=member.custom and member.custom.id,
            joined_at=member.joined_at,
        )
    except asyncpg.UniqueViolationError:
        raise AlreadyMember("This person is a member already.") from None
    uow.tell(member)


async def team_size(tx: Transaction, team: str, *, without: UUID) -> int:
    """How many others are in a team."""
    return int(await tx.value(TEAM_SIZE, workspace=tx.workspace_id, team=team, user=without))


async def save_rights(uow: UnitOfWork, member: Member) -> None:
    """Role, visibility and team. Raises ChangedMeanwhile."""
    rows = await uow.run(
        SAVE_RIGHTS,
        workspace=uow.workspace_id,
        user=member.id,
        read=member.version,
        role=member.role.value,
        visibility=member.visibility.value,
        team=member.team,
        custom_role_id=member.custom and member.custom.id,
    )
    uow.saved(member, rows=rows)


async def remove_member(uow: UnitOfWork, member: Member) -> None:
    """Raises ChangedMeanwhile."""
    here = {"workspace_id": uow.workspace_id, "user_id": member.id}
    await uow.run(LEAVE, **here, version=member.version + 1)
    uow.saved(member, rows=await uow.run(REMOVE, workspace=uow.workspace_id, user=member.id))


async def next_version(tx: Transaction, user_id: UUID) -> int:
    """Of somebody who comes in: for the first time, or again."""
    return 1 + (await tx.value(LEFT, workspace=tx.workspace_id, user=user_id) or 0)


async def memberships(
    tx: SystemTransaction, user_id: UUID, *, after: tuple[str, UUID], limit: int
) -> list[asyncpg.Record]:
    """The person's workspaces by name, behind `after`, with the role in each."""
    name, workspace_id = after
    return await tx.rows(MINE, user=user_id, after_name=name, after_id=workspace_id, limit=limit)


async def first_workspace(tx: SystemTransaction, user_id: UUID) -> UUID | None:
    """The one the person has been in longest, of those that are open if any is."""
    found: UUID | None = await tx.value(FIRST, user=user_id)
    return found


async def all_of(tx: SystemTransaction, user_id: UUID) -> list[UUID]:
    """Every workspace the person belongs to."""
    return [row["workspace_id"] for row in await tx.rows(ALL_OF, user=user_id)]


def _workspace(row: asyncpg.Record | None) -> Workspace:
    if row is None:
        raise WorkspaceNotFound("There is no such workspace.")
    return Workspace(id=row["workspace_id"], **row)


def _member(row: asyncpg.Record | None) -> Member:
    if row is None:
        raise MemberNotFound("There is no such member.")
    values = {name: value for name, value in row.items() if not name.startswith("custom_role_")}
    typed = {
        "role": Role(row["role"]),
        "visibility": Visibility(row["visibility"]),
        "team_mates": tuple(row["team_mates"] or ()),
        "custom": _custom_role(row),
    }
    return Member(**{**values, **typed})


def _custom_role(row: asyncpg.Record) -> CustomRole | None:
    if row["custom_role_id"] is None:
        return None
    return CustomRole(
        id=row["custom_role_id"],
        workspace_id=row["workspace_id"],
        version=row["custom_role_version"],
        name=row["custom_role_name"],
        base=Role(row["role"]),
        permissions=frozenset(row["custom_role_permissions"]),
    )
