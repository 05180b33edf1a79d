"""Somebody who is known comes to belong to one more workspace."""

from datetime import datetime
from uuid import UUID

from auth.adapters import invitations, users, workspaces
from auth.application.registration import NOT_VALID, join
from auth.domain.custom_role import Given
from auth.domain.errors import InvitationNotFound
from auth.domain.roles import Role
from auth.domain.workspace import Workspace
from kit.database import Pool, SystemTransaction
from kit.unit_of_work import UnitOfWork


async def found_workspace(
    uow: UnitOfWork, *, user_id: UUID, name: str, currency: str, time_zone: str, now: datetime
) -> Workspace:
    """The unit's, with the person as its owner.

    Raises NameMissing, CurrencyUnknown, TimeZoneUnknown, UserNotFound.
    """
    await users.held_password(uow, user_id)  # nobody deletes the account until the commit
    user = await users.get(uow, user_id)
    workspace = Workspace.found(
        uow.workspace_id,
        name=name,
        currency=currency or "EUR",
        time_zone=time_zone or "UTC",
        at=now,
        by=user_id,
    )
    await workspaces.add(uow, workspace)
    await join(uow, user, Given(Role.OWNER), now=now)
    await uow.commit()
    return workspace


async def invited_to(system: Pool, *, user_id: UUID, invitation_id: UUID, now: datetime) -> UUID:
    """The workspace that the person's address is invited into.

    Raises InvitationNotFound, UserNotFound.
    """
    async with SystemTransaction(system) as tx:
        user = await users.get(tx, user_id)
        workspace_id = await invitations.where_to(tx, invitation_id, user.email, now)
    if workspace_id is None:
        raise InvitationNotFound(NOT_VALID)
    return workspace_id


async def accept_own_invitation(
    uow: UnitOfWork, *, user_id: UUID, invitation_id: UUID, now: datetime
) -> None:
    """Join the unit's workspace. Raises InvitationNotFound, WorkspaceIsClosed, AlreadyMember."""
    await workspaces.hold_open(uow)
    await users.held_password(uow, user_id)
    user = await users.get(uow, user_id)
    given = await invitations.accept_own(uow, invitation_id, user.email, now)
    if given is None:
        raise InvitationNotFound(NOT_VALID)
    await join(uow, user, given, now=now)
    await uow.commit()
