"""What the service does for itself, now and then."""

import asyncio
from datetime import timedelta

from auth.adapters import api_keys, flows, leaving, sessions, users
from auth.adapters import closing as closed
from auth.application import closing
from auth.application.guesses import WINDOW
from auth.domain.session import ABSOLUTE_LIFE
from auth.entrypoints.app import App
from kit.database import SystemTransaction
from kit.erasure import AGAIN_AFTER
from kit.pool import ROUND_FAILURES
from kit.telemetry import Log

WARN_BEFORE = timedelta(days=2)
SWEEP_EVERY = timedelta(minutes=10).total_seconds()

log = Log(__name__)


async def sweep(app: App) -> None:
    """Forget what nobody can use any more, for as long as the process lives."""
    while True:
        try:
            await sweep_once(app)
        except ROUND_FAILURES as error:
            log.warning("not_swept", cause=repr(error))  # the next round does it
        await asyncio.sleep(SWEEP_EVERY)


async def sweep_once(app: App) -> None:
    """Forget what nobody can use any more."""
    now = app.clock.now()
    async with SystemTransaction(app.system) as tx:
        await sessions.purge(tx, ended_before=now - ABSOLUTE_LIFE, attempts_before=now - WINDOW)
        await users.forget_links(tx, now)
        await flows.purge(tx, now)
        await api_keys.purge(tx, now - ABSOLUTE_LIFE)
        await tx.commit()
    await unname(app)
    await erase_closed(app)


async def erase_closed(app: App) -> None:
    """Say of closed workspaces that their time is nearly over, and erase those whose time is."""
    now = app.clock.now()
    async with SystemTransaction(app.system) as tx:
        near = await closed.to_warn(tx, now + WARN_BEFORE)
        over = await closed.to_erase(tx, now)
    for workspace_id in near:
        async with app.system_unit(workspace_id) as uow:
            await closing.warn(uow, before=WARN_BEFORE, now=now)
    for workspace_id in over:
        async with app.system_unit(workspace_id) as uow:
            await closing.erase_workspace(uow, now=now)


async def unname(app: App) -> None:
    """Take the addresses of people who are gone out of the audit log, some lines at a time."""
    more = True
    while more:
        async with SystemTransaction(app.system) as tx:
            more = await leaving.take_addresses(tx)
            if not more:
                await leaving.forget(tx, app.clock.now() - AGAIN_AFTER)
            await tx.commit()
