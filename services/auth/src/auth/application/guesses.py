"""How often somebody may guess, or ask for a mail, without ever locking the victim out for good."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from auth.adapters import sessions
from auth.domain.errors import TooManyAttempts
from kit.database import Pool, SystemTransaction

WINDOW = timedelta(minutes=15)


class Budget(NamedTuple):
    """Attempts per window for one kind of bucket."""

    kind: str
    allowed: int


Budgets = Sequence[Budget]  # for the pair of both, the account, the address, and all together

# Guessing one person's password from one place is stopped first; the person's own place has a
# bucket of its own, so that a stranger's guesses do not shut them out soon.
PASSWORDS: Budgets = (Budget("pair", 10), Budget("account", 100), Budget("address", 200))
# Of a person from one place, of a person, from one place; and at one challenge.
CODES: Budgets = (Budget("code pair", 10), Budget("code account", 30), Budget("code address", 200))
CHALLENGES: Budgets = (Budget("challenge", 5),)
# Anybody can invite anybody, and guess with the invitation; the sign-in itself is left alone by it.
JOINING: Budgets = (Budget("join", 10),)
# Keys that are none, from one place. Nobody guesses 256 bits: this is for who does not give up.
KEYS: Budgets = (Budget("key", 60),)
# Of one person; each is a mail to somebody who may not have asked for it.
INVITATIONS: Budgets = (Budget("invitation", 50),)
# Of one person; each is a tenant in four databases.
WORKSPACES: Budgets = (Budget("workspace", 10),)
# Each of these may be a mail to somebody who did not ask for it.
LINKS: Budgets = (
    Budget("link pair", 3),
    Budget("link account", 10),
    Budget("link address", 30),
    Budget("link", 3000),
)


async def spend(
    system: Pool, budgets: Budgets, *, email: str, client_address: str, now: datetime
) -> None:
    """Count one attempt, committed before anything is looked at. Raises TooManyAttempts."""
    worst: timedelta | None = None
    async with SystemTransaction(system) as tx:
        for budget, bucket in _buckets(budgets, email, client_address):
            count, began = await sessions.count_attempt(tx, bucket, window=WINDOW, now=now)
            if count > budget.allowed:
                worst = max(worst or timedelta(0), began + WINDOW - now)
        await tx.commit()
    if worst is not None:
        seconds = max(1, int(worst.total_seconds()))
        raise TooManyAttempts(
            f"Too many attempts. Try again in {-(-seconds // 60)} minutes.",
            retry_after=str(seconds),
        )


async def forgive(system: Pool, *, email: str, client_address: str) -> None:
    """The right password came: the pair starts afresh."""
    (_, bucket), *_ = _buckets(PASSWORDS, email, client_address)
    async with SystemTransaction(system) as tx:
        await sessions.forget_attempts(tx, bucket)
        await tx.commit()


def _buckets(budgets: Budgets, email: str, client_address: str) -> list[tuple[Budget, bytes]]:
    """Addresses are kept as hashes: the table names nobody. In one order, so that none deadlock."""
    keys = (f"{email} {client_address}", email, client_address, "")
    return [
        (budget, hashlib.sha256(f"{budget.kind} {key}".encode()).digest())
        for budget, key in zip(budgets, keys, strict=False)  # not all have the last
    ]
