"""PostgreSQL: transactions on asyncpg itself, each in its workspace and its caller's sight."""

import io
from collections.abc import Iterable, Mapping
from time import perf_counter
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import asyncpg

from kit.errors import DomainError
from kit.pool import NO_ANSWER, NO_CONNECTION, DatabaseUnavailable, Pool, open_pool
from kit.sight import RecordOutOfSight, current_sight
from kit.statement import Statement

__all__ = [
    "DatabaseUnavailable",
    "Pool",
    "ReadTransaction",
    "Statement",
    "SystemTransaction",
    "Transaction",
    "answers",
    "open_pool",
]

SIGHT_POLICY = 'policy "sight"'  # how PostgreSQL names what was violated


def out_of_sight(error: BaseException | None) -> RecordOutOfSight | None:
    """What it means that the policy refused a row."""
    if isinstance(error, asyncpg.InsufficientPrivilegeError) and SIGHT_POLICY in str(error):
        return RecordOutOfSight(
            "You see the records of some people only, and this one would not be theirs."
        )
    return None


class SystemTransaction:
    """Statements without a workspace, for the system role. Rolls back unless told to commit."""

    _connection: asyncpg.Connection
    _begin = "BEGIN"

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def begin_with(self, sql: str) -> None:
        """Send this along with BEGIN; said before the transaction is entered."""
        self._begin = f"{self._begin}; {sql}"

    async def __aenter__(self) -> Self:
        self._connection = connection = await self.pool.take()
        begin = self._begin
        if connection.is_in_transaction():
            begin = f"ROLLBACK; {begin}"  # a finished read left it to us, see ReadTransaction
        try:
            await connection.execute(begin)
        except BaseException as error:
            await self.__aexit__(type(error), error, None)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        connection = self._connection
        if error is None or isinstance(error, DomainError):
            await self._end()
            return
        lost = isinstance(error, NO_ANSWER) or (
            isinstance(error, (OSError, asyncpg.InterfaceError)) and connection.is_closed()
        )
        await self.pool.roll_back(connection)
        if (hidden := out_of_sight(error)) is not None:
            raise hidden from error
        if lost:
            raise DatabaseUnavailable("The database did not answer.") from error

    async def _end(self) -> None:
        """The usual ends: committed, or refused by a rule, or a read that never commits."""
        connection = self._connection
        if connection.is_in_transaction():
            try:
                await connection.execute("ROLLBACK")
            except BaseException as error:
                await self.pool.roll_back(connection)
                if isinstance(error, NO_CONNECTION):
                    return  # what was not committed is undone with the connection
                raise
        self.pool.give_back(connection)

    async def commit(self) -> None:
        """Make it true."""
        if await self._connection.execute("COMMIT") != "COMMIT":
            # PostgreSQL answers ROLLBACK, without an error, after a statement that failed.
            raise RuntimeError("a transaction was committed after one of its statements failed")

    async def rows(self, statement: Statement, **values: Any) -> list[asyncpg.Record]:
        """Every row."""
        began = perf_counter()
        rows: list[asyncpg.Record] = await self._connection.fetch(
            statement.sql, *statement.arguments(values)
        )
        statement.duration.observe(perf_counter() - began)
        return rows

    async def row(self, statement: Statement, **values: Any) -> asyncpg.Record | None:
        """The first row, if there is one."""
        began = perf_counter()
        row = await self._connection.fetchrow(statement.sql, *statement.arguments(values))
        statement.duration.observe(perf_counter() - began)
        return row

    async def value(self, statement: Statement, **values: Any) -> Any:
        """The first column of the first row, or None."""
        row = await self.row(statement, **values)
        return None if row is None else row[0]

    async def copied(self, statement: Statement, **values: Any) -> bytes:
        """Every row in PostgreSQL's binary format: a hundred thousand of them without an object
        each."""
        whole = io.BytesIO()

        async def take(part: bytes) -> None:
            whole.write(part)

        await self._connection.copy_from_query(
            statement.sql, *statement.arguments(values), output=take, format="binary"
        )
        return whole.getvalue()

    async def run(self, statement: Statement, **values: Any) -> int:
        """The number of rows it changed."""
        began = perf_counter()
        status = await self._connection.execute(statement.sql, *statement.arguments(values))
        statement.duration.observe(perf_counter() - began)
        return int(status.rpartition(" ")[2])

    async def run_many(self, statement: Statement, values: Iterable[Mapping[str, Any]]) -> None:
        """One statement for many rows, in one round trip."""
        began = perf_counter()
        await self._connection.executemany(statement.sql, [statement.arguments(v) for v in values])
        statement.duration.observe(perf_counter() - began)


async def answers(pool: Pool) -> None:
    """Whether the database does; a check of readiness. Raises DatabaseUnavailable."""
    async with SystemTransaction(pool):
        pass


class Transaction(SystemTransaction):
    """Statements inside one workspace, within the caller's sight. Rolls back unless told to commit.

    Who sees what is taken from the running call, see kit.sight.
    """

    def __init__(self, pool: Pool, workspace_id: UUID) -> None:
        super().__init__(pool)
        self.workspace_id = workspace_id
        self.sight = current_sight.get()
        # One round trip. Without workspace and sight the policies show no row at all.
        self._begin = f"BEGIN; {self._entering}"

    @property
    def _entering(self) -> str:
        return (
            f"SELECT set_config('ff.workspace', '{self.workspace_id!s}', true), "
            f"set_config('ff.sees', '{self.sight.setting}', true)"
        )


class ReadTransaction(Transaction):
    """Reads inside one workspace, two round trips for one query.

    It can lock and change nothing, so nobody waits for its end: the next BEGIN on the connection
    brings it along, or the pool within `RESTING`.
    """

    def __init__(self, pool: Pool, workspace_id: UUID) -> None:
        super().__init__(pool, workspace_id)
        self._begin = f"BEGIN READ ONLY; {self._entering}"

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the transaction to whoever comes next."""
        if error is None:
            self.pool.give_back(self._connection)
        else:
            await super().__aexit__(kind, error, trace)
