"""A workspace's facts built anew from everything crm has told.

First what is told from now on is held, then the log is read: what commits while it is read comes
by the bus, and what comes both ways has one event id and one version. The old facts are shown until
the new ones take their place, in one transaction.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime

from analytics.adapters import answers, forgetting, projection, rebuilds, rescoring
from analytics.domain.facts import PipelineChanged
from kit.bus.events import Event
from kit.unit_of_work import UnitOfWork

Keep = Callable[[UnitOfWork, Sequence[Event]], Awaitable[None]]
"""Makes facts of events, and neither tells nor commits."""


async def held(uow: UnitOfWork, events: Sequence[Event]) -> bool:
    """Whether the workspace is being built anew: then the events wait for it."""
    if not await rebuilds.is_under_way(uow):
        return False
    await rebuilds.hold(uow, events)
    await uow.commit()
    return True


async def begin(uow: UnitOfWork, *, now: datetime) -> None:
    """Hold what is told from now on."""
    await rebuilds.begin(uow, now)
    await uow.commit()


async def replace(
    uow: UnitOfWork, log: AsyncIterator[Sequence[Event]], keep: Keep, *, now: datetime
) -> int:
    """Put what the log tells in the place of what is there; how many events made it."""
    await forgetting.empty(uow)
    told = 0
    async for events in log:
        await keep(uow, events)
        told += len(events)
    told += await _carry_on(uow, keep)
    await answers.clear_past(uow)
    await rescoring.mark_all_new(uow)
    counted = await projection.count(uow, 1, told_at=now)
    uow.tell_facts(
        PipelineChanged(aggregate_id=uow.workspace_id, version=counted.changes, at=now, by=None)
    )
    await uow.commit()
    return told


async def give_up(uow: UnitOfWork, keep: Keep) -> bool:
    """A rebuilding was cut off: the old facts are still there, and go on with what was held.

    False while somebody is at it.
    """
    if not await rebuilds.is_left_alone(uow):
        return False
    await _carry_on(uow, keep)
    await rescoring.mark(uow)
    await uow.commit()
    return True


async def _carry_on(uow: UnitOfWork, keep: Keep) -> int:
    """What was held meanwhile; the rest of it while nobody can hold more."""
    told, after = 0, 0
    for closed in (False, True):
        if closed:
            await rebuilds.close_in(uow)
        events, after = await rebuilds.held(uow, after)
        while events:
            await keep(uow, events)
            told += len(events)
            events, after = await rebuilds.held(uow, after)
    await rebuilds.end(uow)
    return told
