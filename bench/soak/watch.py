"""What is watched meanwhile: memory, and how far consumers and outboxes are behind."""

import json
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import asyncpg
import httpx

from bench.load.processes import pss_mb
from bench.platform import Platform, durable, left
from local import state

UNSENT = "SELECT count(*) FROM outbox WHERE sent_at IS NULL"
TELLERS = ("crm", "analytics", "notify")


@dataclass(frozen=True, slots=True)
class Sample:
    """One look."""

    at: float
    memory: Mapping[str, float]  # MB by process, what is shared divided
    waiting: int | None  # events not sent or not handled yet; None while nobody could tell

    @property
    def total(self) -> float:
        """MB of all processes."""
        return sum(self.memory.values())


async def look(platform: Platform) -> Sample:
    """As it is now."""
    units = state.read_status(platform.plan.home)  # also while one of them is coming back
    memory = {name: pss_mb([unit.pid]) for name, unit in units.items() if unit.pid}
    return Sample(time.monotonic(), memory, await _waiting(platform))


def complaints(platform: Platform) -> Counter[str]:
    """What the processes logged as errors, by process, event and kind of the error."""
    found: Counter[str] = Counter()
    for log in sorted((platform.plan.home / "logs").glob("*.log")):
        for line in log.read_text(errors="replace").splitlines():
            if '"level":"error"' in line:
                with suppress(ValueError):  # a kill may cut a line in two
                    told = json.loads(line)
                    found[f"{log.stem}: {told['event']} {told.get('error.type', '')}".rstrip()] += 1
    return found


async def _waiting(platform: Platform) -> int | None:
    url = f"http://{platform.plan.address('nats-monitor')}/jsz?consumers=true"
    try:
        async with httpx.AsyncClient(timeout=5) as client:
            bus = (await client.get(url)).json()
        waiting = sum(left(consumer) for consumer in durable(bus))
        for name in TELLERS:
            connection = await platform.admin(name)
            waiting += await connection.fetchval(UNSENT)
            await connection.close()
    except (httpx.HTTPError, OSError, ValueError, asyncpg.PostgresError):
        return None
    return waiting


def growth(samples: list[Sample]) -> float:
    """MB an hour, the least-squares slope over the second half, when caches have been filled."""
    half = samples[len(samples) // 2 :]
    if len(half) < 3:
        return 0.0
    at = [sample.at - half[0].at for sample in half]
    mean_at, mean = sum(at) / len(at), sum(sample.total for sample in half) / len(half)
    over = sum((t - mean_at) ** 2 for t in at)
    return (
        3600 * sum((t - mean_at) * (s.total - mean) for t, s in zip(at, half, strict=True)) / over
    )
