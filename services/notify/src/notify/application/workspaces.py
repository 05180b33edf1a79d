"""Names and clocks of workspaces, kept up to date from what auth tells."""

from datetime import datetime

from kit.unit_of_work import UnitOfWork
from notify.adapters import digests, workspaces
from notify.domain.days import zone_of
from notify.domain.digest import next_digest


async def keep_settings(
    uow: UnitOfWork, *, version: int, time_zone: str, name: str, now: datetime
) -> None:
    """Take over a workspace's name and time zone; what waits for the morning waits for the one
    there."""
    if await workspaces.keep(uow, version=version, time_zone=time_zone, name=name):
        await digests.move(uow, now=now, until=next_digest(zone_of(time_zone), now))
    await uow.commit()
