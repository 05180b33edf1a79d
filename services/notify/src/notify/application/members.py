"""Who can be told, kept up to date from what auth tells."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from kit.unit_of_work import UnitOfWork
from notify.adapters import digests, recipients


async def keep_member(
    uow: UnitOfWork,
    *,
    user_id: UUID,
    version: int,
    email: str,
    name: str,
    locale: str,
    visibility: str,
    team: str,
    permissions: Sequence[str] | None,
) -> None:
    """Somebody belongs to the workspace."""
    await recipients.keep(
        uow,
        user_id=user_id,
        version=version,
        email=email,
        name=name,
        locale=locale,
        visibility=visibility,
        team=team,
        permissions=permissions,
    )
    await uow.commit()


async def drop_member(uow: UnitOfWork, *, user_id: UUID, version: int, at: datetime) -> None:
    """Somebody no longer does; their address is forgotten here, and what waits for them."""
    if await recipients.keep(uow, user_id=user_id, version=version, removed_at=at):
        await digests.drop(uow, user_id)
    await uow.commit()


async def forget_member(uow: UnitOfWork, *, user_id: UUID, version: int, at: datetime) -> None:
    """Somebody's account is gone, and all that was told to them here."""
    await recipients.keep(uow, user_id=user_id, version=version, removed_at=at)
    await recipients.drop_own(uow, user_id)
    await uow.commit()
