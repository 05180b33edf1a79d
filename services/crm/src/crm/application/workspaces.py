"""What a workspace starts with, and what auth tells of it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from crm.adapters import workspaces
from kit.unit_of_work import UnitOfWork


async def set_up(uow: UnitOfWork) -> None:
    """Give a workspace its first stages and lost reasons, unless it has some."""
    await workspaces.add_defaults(uow)
    await uow.commit()


async def keep_workspace(
    uow: UnitOfWork, *, version: int, name: str, currency: str, time_zone: str
) -> None:
    """Take over a workspace's settings, unless newer ones are known; a new one is set up."""
    await workspaces.keep_workspace(
        uow, version=version, name=name, currency=currency, time_zone=time_zone
    )
    await set_up(uow)


async def keep_member(
    uow: UnitOfWork,
    *,
    user_id: UUID,
    version: int,
    name: str,
    removed_at: datetime | None = None,
    permissions: Sequence[str] | None = None,
) -> None:
    """Take over who belongs to a workspace; who has left keeps the name on what was theirs."""
    await workspaces.keep_member(
        uow,
        user_id,
        version=version,
        name=name,
        removed_at=removed_at,
        permissions=permissions,
    )
    await uow.commit()


async def forget_member(uow: UnitOfWork, *, user_id: UUID, version: int, at: datetime) -> None:
    """A person is gone: what was theirs names them no longer, and what only they saw goes."""
    await workspaces.keep_member(
        uow,
        user_id,
        version=version,
        name=workspaces.FORMER_MEMBER,
        removed_at=at,
        permissions=None,
    )
    await workspaces.drop_own(uow, user_id)
    await uow.commit()
