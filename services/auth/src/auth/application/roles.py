"""What can be done with a workspace's own roles, and what giving one means."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from auth.adapters import custom_roles, invitations, workspaces
from auth.application.sessions import end_sessions_of_member
from auth.domain.custom_role import MOST, CustomRole, Given
from auth.domain.errors import RoleInUse, RoleTooHigh, RoleUnknown, TooManyRoles
from auth.domain.facts import Cause
from auth.domain.roles import Role
from auth.domain.workspace import Member
from kit.ids import new_id
from kit.unit_of_work import UnitOfWork


def built_in(name: str, field: str = "role") -> Role:
    """Raises RoleUnknown."""
    try:
        return Role(name)
    except ValueError:
        said = f"Choose one of {', '.join(Role)}, or a role of your own by its id."
        raise RoleUnknown(said, fields={field: said}) from None


async def given(uow: UnitOfWork, role: str, field: str = "role") -> Given:
    """What the id of a role means; one of the workspace's own stays as it is until the commit.

    Raises RoleUnknown.
    """
    with suppress(ValueError):
        if custom := await custom_roles.held(uow, UUID(role)):
            return Given(custom.base, custom)
    return Given(built_in(role, field))


async def create_role(
    uow: UnitOfWork,
    *,
    name: str,
    base: str,
    permissions: Iterable[str],
    by: UUID,
    now: datetime,
) -> CustomRole:
    """Raises RoleNameInvalid, RoleNameTaken, RoleUnknown, PermissionsInvalid, RoleTooHigh,
    TooManyRoles."""
    await workspaces.lock_owners(uow)  # of two at once one counts the other
    maker = await workspaces.member(uow, by)
    role = CustomRole.make(
        new_id(),
        uow.workspace_id,
        name=name,
        base=built_in(base, "base"),
        permissions=permissions,
        maker=maker.standing,
        at=now,
        by=by,
    )
    if await custom_roles.count(uow) >= MOST:
        raise TooManyRoles(f"A workspace has at most {MOST} roles of its own.")
    await custom_roles.add(uow, role)
    await uow.commit()
    return role


async def change_role(
    uow: UnitOfWork,
    *,
    role_id: UUID,
    expected_version: int,
    name: str | None,
    permissions: Iterable[str] | None,
    by: UUID,
    now: datetime,
) -> CustomRole:
    """The tokens of whoever has it end, if it allows anything else from now on.

    Raises RoleNotFound, RoleHasChanged, RoleNameInvalid, RoleNameTaken, PermissionsInvalid,
    RoleTooHigh.
    """
    await workspaces.lock_owners(uow)  # one change of rights at a time
    changer = await workspaces.member(uow, by)
    role = await custom_roles.load_for_update(uow, role_id)
    role.expect(expected_version)
    allows_other = role.change(
        name=name, permissions=permissions, changer=changer.standing, at=now, by=by
    )
    await custom_roles.save(uow, role)
    if allows_other:
        for member in await workspaces.holders_for_update(uow, role_id):
            member.follow_role(at=now, by=by)
            await _save(uow, member, by=by, now=now)
    await uow.commit()
    return role


async def delete_role(
    uow: UnitOfWork, *, role_id: UUID, expected_version: int, move_to: str, by: UUID, now: datetime
) -> None:
    """Whoever has it, or is invited into it, gets the role of the id `move_to`.

    Invitations come first, and then the role: in this order they are held by who comes in.
    Raises RoleNotFound, RoleHasChanged, RoleTooHigh, RoleInUse, RoleUnknown.
    """
    owners = await workspaces.lock_owners(uow)  # one change of rights at a time
    remover = await workspaces.member(uow, by)
    to = await given(uow, move_to, "move_to") if move_to else None
    if to is not None and to.custom_id == role_id:
        raise RoleUnknown("Choose another role.", fields={"move_to": "Choose another role."})
    if to is not None and not remover.standing.reaches(to.standing):
        raise RoleTooHigh("You cannot give a role that may do what you may not.")
    invited = await invitations.leave_role(uow, role_id, to, now)
    role = await custom_roles.load_for_update(uow, role_id)
    role.expect(expected_version)
    role.retire(remover=remover.standing, at=now, by=by)
    holders = await workspaces.holders_for_update(uow, role_id)
    if to is None and (holders or invited):
        raise RoleInUse("Somebody has this role, or is invited into it: say which one they get.")
    for member in holders:
        assert to is not None  # refused above
        member.take_role(to, giver=remover.standing, owners=owners, at=now, by=by)
        await _save(uow, member, by=by, now=now)
    await custom_roles.remove(uow, role)
    await uow.commit()


async def _save(uow: UnitOfWork, member: Member, *, by: UUID, now: datetime) -> None:
    """As after any change of rights: the member's tokens say the old ones."""
    await workspaces.save_rights(uow, member)
    cause = Cause.ROLE_CHANGED
    await end_sessions_of_member(uow, user_id=member.id, cause=cause, now=now, by=by)
