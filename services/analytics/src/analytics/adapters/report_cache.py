"""Answers of reports, kept in Valkey for a few minutes. Nothing depends on it being there.

Whoever keeps an answer names it after all that it depends on, so that one of older facts is never
found again; dropping a workspace only gives memory back early.
"""

import asyncio
from uuid import UUID

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from kit.telemetry import Log

KEPT = 300  # seconds; ages in an answer are off by as much
PATIENCE = 0.1  # seconds; reading rows takes no longer
AWAY = 5.0  # seconds for which it is not asked again after it did not answer
LARGEST = 256 * 1024  # bytes

log = Log(__name__)


class ReportCache:
    """One hash per workspace. Without an address it keeps nothing."""

    def __init__(self, url: str = "") -> None:
        self._redis: Redis | None = None
        self._away_until = 0.0
        if url:
            self._redis = Redis.from_url(
                url,
                socket_connect_timeout=PATIENCE,
                socket_timeout=PATIENCE,
                retry=Retry(NoBackoff(), 0),
                max_connections=8,
            )

    async def find(self, workspace_id: UUID, name: str) -> bytes | None:
        """The answer of this name."""
        if (redis := self._there()) is None:
            return None
        try:
            found = await redis.hget(_key(workspace_id), name)
        except (RedisError, OSError) as error:
            self._leave(error)
            return None
        return found if isinstance(found, bytes) else None

    async def keep(self, workspace_id: UUID, name: str, answer: bytes) -> None:
        """For whoever asks next."""
        redis = self._there()
        if redis is None or len(answer) > LARGEST:
            return
        try:
            async with redis.pipeline(transaction=False) as both:
                both.hset(_key(workspace_id), name, answer)
                both.expire(_key(workspace_id), KEPT)
                await both.execute()
        except (RedisError, OSError) as error:
            self._leave(error)

    async def drop(self, workspace_id: UUID) -> None:
        """Its facts have changed: nobody finds these answers any more."""
        if (redis := self._there()) is None:
            return
        try:
            await redis.unlink(_key(workspace_id))
        except (RedisError, OSError) as error:
            self._leave(error)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._redis is not None:
            await self._redis.aclose()

    def _there(self) -> Redis | None:
        return self._redis if asyncio.get_running_loop().time() >= self._away_until else None

    def _leave(self, error: Exception) -> None:
        self._away_until = asyncio.get_running_loop().time() + AWAY
        log.warning("reports_not_kept", cause=repr(error))


def _key(workspace_id: UUID) -> str:
    return f"analytics:reports:{workspace_id}"
