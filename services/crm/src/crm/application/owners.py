"""Whom things can belong to."""

from uuid import UUID

from crm.adapters import workspaces
from crm.domain.entries import Named
from crm.domain.errors import OwnerNotFound
from kit.unit_of_work import UnitOfWork


async def owner_for(uow: UnitOfWork, owner_id: UUID, found: Named | None, *, by: UUID) -> Named:
    """The owner that was looked up. Raises OwnerNotFound.

    The event that tells of the caller's own membership may be a moment behind; their token says it
    as well.
    """
    if found is not None:
        return found
    if owner_id != by:
        raise OwnerNotFound("There is no such owner.")
    await workspaces.add_member(uow, by)
    return Named(by, "")
