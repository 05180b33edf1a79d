"""Keys that somebody else publishes: ours come from auth, Google's from Google."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeVar

from kit.errors import DomainError, ErrorKind
from kit.telemetry import Log

REFETCH_AFTER = 60.0  # seconds between two looks for a key we do not know
RETRY_AFTER = 1.0  # seconds after a look that failed
REFRESH_AFTER = 600.0  # seconds after which retired keys are forgotten

log = Log(__name__)

K = TypeVar("K")
FetchJwks = Callable[[], Awaitable[Mapping[str, Any]]]
ReadKeys = Callable[[Mapping[str, Any]], dict[str, K]]


class KeysUnavailable(DomainError):
    """The token may be good; the keys to tell cannot be had just now."""

    kind, reason = ErrorKind.UNAVAILABLE, "KEYS_UNAVAILABLE"


class RemoteKeys(Generic[K]):
    """Public keys by id; fetched for an unknown id, but not for everyone who makes one up.

    `fetch` brings the JWK set, `read` makes keys of those that are meant; `now` is in seconds.
    """

    def __init__(self, fetch: FetchJwks, read: ReadKeys[K], now: Callable[[], float]) -> None:
        self._fetch = fetch
        self._read = read
        self._now = now
        self._keys: dict[str, K] = {}
        self._fetched_at = float("-inf")
        self._next_fetch = float("-inf")
        self._failed = False
        self._fetching = asyncio.Lock()

    def get(self, kid: str) -> K | None:
        """The one of this id, as far as it is known."""
        return self._keys.get(kid)

    async def look_for(self, kid: str) -> bool:
        """Fetch if that may help; true if a key we had is gone. Raises KeysUnavailable."""
        known = kid in self._keys
        if known and self._now() < self._fetched_at + REFRESH_AFTER:
            return False
        async with self._fetching:
            gone = False
            if self._now() >= self._next_fetch:
                gone = await self._refetch()
        if kid not in self._keys and self._failed:
            raise KeysUnavailable("Sign-in cannot be checked at the moment; try again shortly.")
        return gone

    async def _refetch(self) -> bool:
        before = self._keys.keys()
        try:
            self._keys = self._read(await self._fetch())
        except Exception as error:  # whatever it is, the keys we have still stand
            log.warning("keys_not_fetched", error=error)
            self._failed, self._next_fetch = True, self._now() + RETRY_AFTER
            return False
        self._failed = False
        self._fetched_at = self._now()
        self._next_fetch = self._fetched_at + REFETCH_AFTER
        return bool(before - self._keys.keys())
