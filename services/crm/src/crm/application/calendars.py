"""A member's calendar feed. One function per use case, one transaction each."""

from datetime import datetime
from uuid import UUID

from crm.adapters import calendars
from kit.unit_of_work import UnitOfWork


async def create_feed(uow: UnitOfWork, *, by: UUID, now: datetime) -> str:
    """The secret of a new feed; an older one stops at once."""
    token = await calendars.keep(uow, by, now)
    await uow.commit()
    return token


async def end_feed(uow: UnitOfWork, *, by: UUID) -> None:
    """End the feed."""
    await calendars.end(uow, by)
    await uow.commit()
