"""The worker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from crm.bootstrap.pools import opened_pools
from crm.config import Settings
from crm.entrypoints.app import App
from crm.entrypoints.tasks import HANDLERS, run_failed
from kit.clock import SystemClock
from kit.jobs.celery import JobApp
from kit.jobs.worker import JobWorker
from kit.paging import PageTokens
from kit.telemetry import configure


def work(settings: Settings) -> None:
    """Work on jobs until told to stop. What they tell lies in the outbox, for serve's relay."""
    configure("crm", settings)
    jobs = JobApp("crm", settings.broker_url.get_secret_value())

    @asynccontextmanager
    async def opened() -> AsyncIterator[App]:
        async with opened_pools(settings) as (pool, system):
            yield App(
                pool=pool,
                system=system,
                clock=SystemClock(),
                page_tokens=PageTokens(settings.page_token_key.get_secret_value()),
                jobs=jobs,
                max_import_bytes=settings.max_import_bytes,
                wake_relay=lambda: None,
            )

    JobWorker(
        jobs,
        open_app=opened,
        handlers=HANDLERS,
        listen=settings.internal_listen,
        failed=run_failed,
    ).run()
