"""The command of operators that builds facts anew."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from uuid import UUID

from analytics.adapters.crm_log import CrmLog
from analytics.config import Settings
from analytics.entrypoints.app import App
from analytics.entrypoints.rebuild import rebuild_all
from kit.clock import SystemClock
from kit.jobs.celery import JobApp
from kit.pool import role_pool
from kit.rpc.client import Caller

POOL_SIZE = 2  # one for the lock, one for the work


async def rebuild(settings: Settings, workspace_ids: Sequence[UUID]) -> int:
    """Build the facts of these workspaces anew, or of all; how many could not be."""
    async with AsyncExitStack() as stack:
        crm = Caller(settings.crm_address, "crm")
        stack.push_async_callback(crm.close)
        app = App(
            pool=await role_pool(stack, settings, "analytics", "app", POOL_SIZE),
            system=await role_pool(stack, settings, "analytics", "system", 1),
            clock=SystemClock(),
            jobs=JobApp("analytics", settings.broker_url.get_secret_value()),
            wake_relay=lambda: None,
        )
        return await rebuild_all(app, CrmLog(crm), workspace_ids)
