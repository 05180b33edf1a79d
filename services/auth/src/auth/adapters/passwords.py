"""Argon2id, at a cost that two small cores bear, and never on the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from auth.domain.errors import SignInBusy

# OWASP's floor (ASVS 5.0, appendix C); measured 45 ms on one core. More lanes gain nothing here.
MEMORY_KIB, PASSES, LANES = 46 * 1024, 1, 1
AT_ONCE = 2
QUEUE_LENGTH = 40  # about a second's worth; more would only wait for a deadline

T = TypeVar("T")


class Passwords:
    """Hashes and verifies. Raises SignInBusy when too many wait."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(memory_cost=MEMORY_KIB, time_cost=PASSES, parallelism=LANES)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
        self._waiting = 0
        # Verified against when there is no such person, so that both take the same time.
        self._nobody = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """A PHC string with its own parameters and salt."""
        return await self._run(self._hasher.hash, password)

    async def verify(self, password: str, phc: str | None) -> bool:
        """Whether it is the one; takes as long for nobody's."""
        right = await self._run(self._matches, password, phc or self._nobody)
        return right and phc is not None

    def outdated(self, phc: str) -> bool:
        """Whether it was made at another cost, and is to be made again at the next sign-in."""
        return self._hasher.check_needs_rehash(phc)

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, password: str, phc: str) -> bool:
        try:
            return self._hasher.verify(phc, password)
        except (VerifyMismatchError, InvalidHashError):
            return False

    async def _run(self, function: Callable[..., T], *arguments: str) -> T:
        if self._waiting >= QUEUE_LENGTH:
            raise SignInBusy("Too many people sign in right now. Try again in a few seconds.")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, function, *arguments)
        finally:
            self._waiting -= 1
