"""What the service does for itself, now and then."""

import asyncio

import asyncpg

from analytics.entrypoints.app import App
from analytics.entrypoints.rebuild import clear_away
from kit import files, idempotency
from kit.errors import DomainError
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
        except (DomainError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            log.warning("not_tidied_up", cause=repr(error))  # the next round does it
        await asyncio.sleep(TIDY_EVERY)
