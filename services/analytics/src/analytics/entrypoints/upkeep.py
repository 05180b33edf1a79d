"""What the service does for itself, now and then."""

import asyncio

from analytics.entrypoints.app import App
from analytics.entrypoints.rebuild import clear_away
from kit import files, idempotency
from kit.pool import ROUND_FAILURES
from kit.telemetry import Log

TIDY_EVERY = 300.0  # seconds

log = Log(__name__)


async def tidy_up(app: App) -> None:
    """Delete reports and keys that have had their time, go on where a rebuilding was cut off."""
    while True:
        try:
            await files.purge(app.system)
            await idempotency.purge(app.system)
            await clear_away(app)
        except ROUND_FAILURES as error:
            log.warning("not_tidied_up", cause=repr(error))  # the next round does it
        await asyncio.sleep(TIDY_EVERY)
