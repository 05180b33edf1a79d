"""The process with the science, started by a worker."""

from contextlib import AsyncExitStack

from analytics.config import Settings
from analytics.entrypoints.science import answer_requests
from analytics.entrypoints.store import Store
from analytics.science import libraries
from kit.clock import SystemClock
from kit.pool import role_pool

POOL_SIZE = 2


async def compute(settings: Settings) -> None:
    """Be the process that has loaded the science, until nobody asks any more."""
    libraries.leave_out()
    async with AsyncExitStack() as stack:
        store = Store(
            pool=await role_pool(stack, settings, "analytics", "app", POOL_SIZE),
            system=await role_pool(stack, settings, "analytics", "system", 1),
            clock=SystemClock(),
            wake_relay=lambda: None,
        )
        await answer_requests(store, idle=settings.science_idle)
