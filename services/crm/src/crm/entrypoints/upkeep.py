"""What the service does for itself, now and then."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg

from crm.adapters import board
from kit import files, idempotency
from kit.errors import DomainError
from kit.pool import Pool
from kit.telemetry import Log

COMPACT_EVERY = 2.0  # seconds
TIDY_EVERY = 300.0

log = Log(__name__)


async def compact_totals(system: Pool) -> None:
    """Keep the addends of the board few."""
    await _now_and_then(COMPACT_EVERY, "totals_not_compacted", lambda: board.compact(system))


async def tidy_up(system: Pool) -> None:
    """Forget what has had its time."""

    async def once() -> None:
        await idempotency.purge(system)
        await files.purge(system)

    await _now_and_then(TIDY_EVERY, "not_tidied_up", once)


async def _now_and_then(every: float, failed: str, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except (DomainError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            log.warning(failed, cause=repr(error))  # the next round does it
        await asyncio.sleep(every)
