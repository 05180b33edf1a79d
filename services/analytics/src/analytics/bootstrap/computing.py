"""The process with the science, started by a worker."""

from contextlib import AsyncExitStack

from analytics.bootstrap.pools import opened
from analytics.config import Settings
from analytics.entrypoints.app import App
from analytics.entrypoints.science import answer_requests
from kit.clock import SystemClock
from kit.jobs.celery import JobApp

POOL_SIZE = 2


async def compute(settings: Settings) -> None:
    """Be the process that has loaded the science, until nobody asks any more."""
    async with AsyncExitStack() as stack:
        app = App(
            pool=await opened(stack, settings, "app", POOL_SIZE),
            system=await opened(stack, settings, "system", 1),
            clock=SystemClock(),
            jobs=JobApp("analytics", settings.broker_url.get_secret_value()),
            wake_relay=lambda: None,
        )
        await answer_requests(app, idle=settings.science_idle)
