"""A member's calendar feed. One function per use case, one transaction each."""

from datetime import datetime
from uuid import UUID

from crm.adapters import calendars
from crm.domain.calendar import CalendarFeedChanged
from kit.unit_of_work import UnitOfWork


async def create_feed(uow: UnitOfWork, *, by: UUID, now: datetime) -> str:
    """The secret of a new feed; an older one stops at once."""
    token, replaced = await calendars.keep(uow, by, now)
    uow.tell_facts(
        CalendarFeedChanged(
            aggregate_id=by, version=1, at=now, by=by, exists=True, replaced=replaced
        )
    )
    await uow.commit()
    return token


async def end_feed(uow: UnitOfWork, *, by: UUID, now: datetime) -> None:
    """End the feed, if there is one."""
    if await calendars.end(uow, by):
        uow.tell_facts(CalendarFeedChanged(aggregate_id=by, version=1, at=now, by=by, exists=False))
    await uow.commit()
