"""Where the clocks of workspaces stand, kept up to date from what auth tells."""

from datetime import datetime

from kit.unit_of_work import UnitOfWork
from notify.adapters import digests, workspaces
from notify.domain.days import zone_of
from notify.domain.digest import next_digest


async def keep_time_zone(uow: UnitOfWork, *, version: int, time_zone: str, now: datetime) -> None:
    """Take over a workspace's time zone; what waits for the morning waits for the one there."""
    if await workspaces.keep(uow, version=version, time_zone=time_zone):
        await digests.move(uow, now=now, until=next_digest(zone_of(time_zone), now))
    await uow.commit()
