"""The worker: it waits for jobs, and has the science computed in a process of its own."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from analytics.adapters.science_process import ScienceProcess
from analytics.config import Settings
from analytics.entrypoints.tasks import WorkerApp, handlers
from kit.jobs.celery import JobApp
from kit.jobs.worker import JobWorker
from kit.pool import role_pool
from kit.telemetry import configure

POOL_SIZE = 2


def work(settings: Settings) -> None:
    """Work on jobs until told to stop. What they tell lies in the outbox, for serve's relay."""
    configure("analytics", settings)
    jobs = JobApp("analytics", settings.broker_url.get_secret_value())

    @asynccontextmanager
    async def entered() -> AsyncIterator[WorkerApp]:
        async with AsyncExitStack() as stack:
            science = ScienceProcess(
                [sys.executable, "-m", "analytics", "science"], environment=os.environ
            )
            stack.callback(science.kill)
            system = await role_pool(stack, settings, "analytics", "system", POOL_SIZE)
            yield WorkerApp(system=system, science=science)

    JobWorker(jobs, open_app=entered, handlers=handlers(), listen=settings.internal_listen).run()
