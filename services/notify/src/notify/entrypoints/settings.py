"""The loop that asks for the settings of workspaces that nobody has told of.

The stream keeps what auth tells for some weeks. A notify that is younger than that, or that has
lost what it knew, would hear of an old workspace only when somebody changes it.
"""

import asyncio

from kit.pool import ROUND_FAILURES
from kit.rpc.errors import PeerFailed, RemoteError
from kit.telemetry import Log
from notify.adapters import workspaces
from notify.adapters.auth import Auth
from notify.application.workspaces import keep_settings
from notify.entrypoints.app import App

ASK_EVERY = 60.0  # seconds
AT_ONCE = 100  # workspaces

log = Log(__name__)


async def keep_asking_for_settings(app: App, auth: Auth) -> None:
    """A background task of the process; several replicas may ask at once."""
    while True:
        try:
            await ask_for_settings(app, auth)
        except ROUND_FAILURES as error:
            log.warning("settings_not_asked", cause=repr(error))  # the next round does it
        await asyncio.sleep(ASK_EVERY)


async def ask_for_settings(app: App, auth: Auth) -> None:
    """Of some workspaces."""
    for workspace_id in await workspaces.unknown(app.system, AT_ONCE):
        try:
            told = await auth.settings_of(workspace_id)
        except (RemoteError, PeerFailed) as error:  # of this one; the others are asked for
            log.warning("settings_unknown", workspace=str(workspace_id), cause=repr(error))
            continue
        async with app.unit_of_work(workspace_id) as uow:
            await keep_settings(
                uow,
                version=told.version,
                time_zone=told.time_zone,
                name=told.name,
                now=app.clock.now(),
            )
