"""The loop that makes the digests that are due."""

import asyncio

from kit.pool import ROUND_FAILURES
from kit.telemetry import Log
from notify.adapters import digests
from notify.application.digesting import make_digests
from notify.entrypoints.app import App

LOOK_EVERY = 5.0  # seconds
AT_ONCE = 100  # workspaces

log = Log(__name__)


async def keep_making_digests(app: App) -> None:
    """A background task of the process; several replicas may look at once."""
    while True:
        try:
            while await digests_made(app):
                pass
        except ROUND_FAILURES as error:
            log.warning("digests_not_made", cause=repr(error))  # the next round does it
        await asyncio.sleep(LOOK_EVERY)


async def digests_made(app: App) -> bool:
    """Some of what is due; whether there may be more."""
    now = app.clock.now()
    waiting = await digests.workspaces_waiting(app.system, now, AT_ONCE)
    for workspace_id in waiting:
        async with app.unit_of_work(workspace_id) as uow:
            await make_digests(uow, app.letters, now=now)
        app.wake_sender()
    return len(waiting) == AT_ONCE
