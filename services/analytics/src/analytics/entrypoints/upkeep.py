"""What the service does for itself, now and then."""

import asyncio

import asyncpg

from kit import files
from kit.errors import DomainError
from kit.pool import Pool
from kit.telemetry import Log

TIDY_EVERY = 300.0  # seconds

log = Log(__name__)


async def tidy_up(system: Pool) -> None:
    """Delete reports that have had their time."""
    while True:
        try:
            await files.purge(system)
        except (DomainError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            log.warning("not_tidied_up", cause=repr(error))  # the next round does it
        await asyncio.sleep(TIDY_EVERY)
