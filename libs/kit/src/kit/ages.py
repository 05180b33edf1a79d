"""How old the oldest thing that waits is, told again and again."""

import asyncio
from collections.abc import Awaitable, Callable

from prometheus_client import Gauge

from kit.pool import ROUND_FAILURES
from kit.telemetry import Log

EVERY = 5.0  # seconds

log = Log(__name__)


async def keep_telling(gauge: Gauge, age: Callable[[], Awaitable[float]]) -> None:
    """Ask for an age in seconds for as long as the process lives; a background task of it."""
    while True:
        try:
            gauge.set(await age())
        except ROUND_FAILURES as error:
            log.warning("age_not_known", cause=repr(error))  # the next round knows
        await asyncio.sleep(EVERY)
