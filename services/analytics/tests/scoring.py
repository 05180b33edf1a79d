"""What tests of scoring share: events told, a turn taken, a scoring done."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from analytics.adapters.events import to_outbox
from analytics.adapters.rescoring import Fence
from analytics.application.replaying import SomebodyWaits, replay_the_past
from analytics.application.rescoring import rescore
from analytics.entrypoints.consumers import crm_told
from kit.bus.events import Event
from kit.jobs.table import claim, enqueue
from kit.testing.database import ServiceDatabase
from kit.unit_of_work import UnitOfWork


def unit(database: ServiceDatabase, workspace: UUID) -> UnitOfWork:
    return UnitOfWork(database.app, workspace, to_outbox=to_outbox, wake_relay=lambda: None)


async def tell(database: ServiceDatabase, workspace: UUID, events: Sequence[Event]) -> None:
    """As the consumer does: many at once, in one transaction."""
    for start in range(0, len(events), 100):
        async with unit(database, workspace) as uow:
            with uow.holding_commit():
                await crm_told(uow, events[start : start + 100])
            await uow.commit()


async def turn(database: ServiceDatabase, workspace: UUID) -> Fence:
    """A job that is being worked on."""
    async with unit(database, workspace) as uow:
        job_id = await enqueue(uow, "rescore", {})
        await uow.commit()
    job = await claim(database.system, job_id)
    assert job is not None
    return Fence(job.id, job.attempts)


async def scored(
    database: ServiceDatabase, workspace: UUID, at: datetime, *, refit: bool = False
) -> dict[str, Any]:
    """A scoring from beginning to end."""
    held = await turn(database, workspace)
    return await rescore(lambda: unit(database, workspace), held, now=at, refit=refit)


async def _nobody_waits() -> bool:
    return False


async def replayed(
    database: ServiceDatabase,
    workspace: UUID,
    at: datetime,
    somebody_waits: SomebodyWaits = _nobody_waits,
) -> dict[str, Any]:
    """The replay that a scoring at night has planned, as far as it comes in one job."""
    held = await turn(database, workspace)
    return await replay_the_past(lambda: unit(database, workspace), held, somebody_waits, now=at)
