"""A change and what is told of it commit together, or not at all."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from kit.aggregate import Aggregate, Fact
from kit.database import Transaction, out_of_sight
from kit.errors import DomainError, ErrorKind
from kit.outbox import WRITE, OutboxRow, telling, written
from kit.pool import Pool

ToOutbox = Callable[[UUID, Fact], OutboxRow]


class ChangedMeanwhile(DomainError):
    """Somebody else's change came first."""

    kind, reason = ErrorKind.STALE, "CHANGED_MEANWHILE"


class UnitOfWork(Transaction):
    """A transaction that remembers what its aggregates have to tell.

    `to_outbox` turns a service's fact into its outbox row; it alone knows subjects and messages.
    `origin` names the page that asked for the change, so that it need not be told what it knows.
    """

    def __init__(
        self,
        pool: Pool,
        workspace_id: UUID,
        *,
        to_outbox: ToOutbox,
        wake_relay: Callable[[], None],
        origin: str = "",
    ) -> None:
        super().__init__(pool, workspace_id)
        self._to_outbox = to_outbox
        self._wake_relay = wake_relay
        self._origin = origin
        self._facts: list[Fact] = []
        self._told = False  # something that the relay does not know of yet
        self._held = False
        self.commit_asked = False

    def saved(self, aggregate: Aggregate, *, rows: int) -> None:
        """A saver reports its UPDATE … WHERE version = the version read.

        Raises ChangedMeanwhile if it met no row.
        """
        if rows != 1:
            raise ChangedMeanwhile("The record was changed by someone else; load it again.")
        aggregate.version += 1
        self.tell(aggregate)

    def tell(self, *aggregates: Aggregate) -> None:
        """Tell what these have to tell with the commit; for new ones, which `saved` never sees."""
        for aggregate in aggregates:
            self._facts += aggregate.take_facts()

    def tell_facts(self, *facts: Fact) -> None:
        """For what no aggregate stands behind: a projection that changed, an import that ended."""
        self._facts += facts

    def telling(self, fact: Fact) -> dict[str, Any]:
        """What a saver's own statement needs to tell a fact along, see `kit.outbox.told_with`."""
        self._told = True
        return telling(self._row(fact))

    async def commit(self) -> None:
        """Write what is to be told, then all of it becomes true at once.

        The savers' UPDATEs hold the aggregates' locks before the outbox rows get their numbers:
        an aggregate's facts therefore leave in the order in which they were committed.
        """
        self.commit_asked = True
        if self._held:
            return
        facts, self._facts = self._facts, []
        if facts:
            await self._tell(facts)
            self._told = True
        await super().commit()
        if self._told:
            self._wake_relay()

    async def _tell(self, facts: Sequence[Fact]) -> None:
        """Write the outbox rows; a service that keeps facts for itself as well does it here."""
        await self.run(WRITE, **written([self._row(fact) for fact in facts]))

    @contextmanager
    def holding_commit(self) -> Iterator[None]:
        """Inside, a commit only says that it is wanted: there is more to be committed with it."""
        held, self._held = self._held, True
        try:
            yield
        finally:
            self._held = held

    @asynccontextmanager
    async def part(self) -> AsyncIterator[None]:
        """What is refused inside is undone by itself and never told; the rest can be committed.

        A commit inside only says that it is wanted. Raises what refused it.
        """
        told = len(self._facts)
        await self._connection.execute("SAVEPOINT part")
        try:
            with self.holding_commit():
                yield
        except (DomainError, asyncpg.InsufficientPrivilegeError) as error:
            await self._connection.execute("ROLLBACK TO SAVEPOINT part")
            del self._facts[told:]
            raise out_of_sight(error) or error from None
        await self._connection.execute("RELEASE SAVEPOINT part")

    def _row(self, fact: Fact) -> OutboxRow:
        row = self._to_outbox(self.workspace_id, fact)
        if self._origin:
            row["headers"]["ff-origin"] = self._origin
        return row


T = TypeVar("T")

_RETRYABLE = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
_ATTEMPTS = 3


async def retrying(operation: Callable[[], Awaitable[T]]) -> T:
    """Run a whole unit of work again, twice at most, when PostgreSQL asks for it.

    A deadlock or a serialization failure undoes the whole transaction: repeating one statement of
    it would be a lie.
    """
    for attempt in range(1, _ATTEMPTS):
        try:
            return await operation()
        except _RETRYABLE:
            await asyncio.sleep(random.uniform(0, 0.02 * 2**attempt))
    return await operation()
