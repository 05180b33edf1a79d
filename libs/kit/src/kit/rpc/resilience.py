"""How a caller treats a peer in trouble: it stops asking for a while, and asks again only a little.

gRPC itself sends again only what never reached the peer, and nothing else retries: trouble must not
be multiplied layer by layer.
"""

from collections.abc import Callable
from random import random
from time import monotonic

from kit.rpc.errors import PeerUnavailable

OPEN_AFTER = 20  # failures without a success in between
PROBE_EVERY = 1.0  # seconds
TRIES = 3  # of one call
BUDGET = 0.1  # retries earned by a call: a dead peer is asked 1.1 times as often, not thrice
SAVINGS = 10.0  # retries at most in hand
BACKOFF = 0.05  # seconds, doubled each time, of which a random part is waited


class Breaker:
    """Lets nothing through to a peer that does not answer, but for one probe at a time."""

    def __init__(self, peer: str, now: Callable[[], float] = monotonic) -> None:
        self._peer = peer
        self._now = now
        self._failures = 0
        self._probing = False
        self._probe_at = 0.0

    def admit(self) -> None:
        """Called before a call; after it comes `ended`. Raises PeerUnavailable."""
        if self._failures < OPEN_AFTER:
            return
        if self._probing or self._now() < self._probe_at:
            raise PeerUnavailable(f"{self._peer} does not answer.", peer=self._peer)
        self._probing = True

    def ended(self, *, answered: bool | None) -> None:
        """The peer answered, whatever it said; or did not; or (None) was not waited for."""
        if answered:
            self._failures = 0
        elif answered is False:
            self._failures += 1
            self._probe_at = self._now() + PROBE_EVERY
        self._probing = False


class RetryBudget:
    """Retries are earned by calls, so that they never become the load themselves."""

    def __init__(self) -> None:
        self._saved = SAVINGS

    def earn(self) -> None:
        """For each call."""
        self._saved = min(SAVINGS, self._saved + BUDGET)

    def spend(self) -> bool:
        """Whether there may be another try."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True


def backoff(attempt: int) -> float:
    """Seconds before the next try; random, or all would come back together."""
    return random() * BACKOFF * (1 << attempt)
