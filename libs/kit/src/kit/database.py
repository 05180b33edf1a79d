"""PostgreSQL: statements written in SQLAlchemy Core, compiled once, run on asyncpg itself."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.sql.expression import ClauseElement

from kit.errors import DomainError
from kit.pool import NO_ANSWER, NO_CONNECTION, DatabaseUnavailable, Pool, open_pool

__all__ = [
    "DatabaseUnavailable",
    "Pool",
    "ReadTransaction",
    "Statement",
    "SystemTransaction",
    "Transaction",
    "open_pool",
]

DIALECT = dialect()  # type: ignore[no-untyped-call]


class Statement:
    """A Core statement, ready for the driver.

    Build it once: at import, or behind a cache keyed by its shape.

    Values go by the names of its bindparams; lists through `= ANY(:ids)`, not `IN`.
    """

    def __init__(self, clause: ClauseElement) -> None:
        compiled: Any = clause.compile(dialect=DIALECT)
        self.sql = str(compiled)
        names = list(compiled.positiontup or ())
        fixed = {name: compiled.params[name] for name in names if not compiled.binds[name].required}
        self._arguments = _picker(names, fixed)

    def arguments(self, values: Mapping[str, Any]) -> Sequence[Any]:
        """In the driver's order. A missing name is a KeyError before anything is sent."""
        return self._arguments(values)


def _picker(
    names: list[str], fixed: dict[str, Any]
) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    """The quickest way to put named values in order; it runs for every statement."""
    if not names:
        return lambda values: ()
    pick = itemgetter(*names)
    if len(names) == 1:
        return lambda values: (pick({**fixed, **values}),)
    if fixed:
        return lambda values: pick({**fixed, **values})
    return pick


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
        rows: list[asyncpg.Record] = await self._connection.fetch(
            statement.sql, *statement.arguments(values)
        )
        return rows

    async def row(self, statement: Statement, **values: Any) -> asyncpg.Record | None:
        """The first row, if there is one."""
        return await self._connection.fetchrow(statement.sql, *statement.arguments(values))

    async def value(self, statement: Statement, **values: Any) -> Any:
        """The first column of the first row, or None."""
        return await self._connection.fetchval(statement.sql, *statement.arguments(values))

    async def run(self, statement: Statement, **values: Any) -> int:
        """The number of rows it changed."""
        status = await self._connection.execute(statement.sql, *statement.arguments(values))
        return int(status.rpartition(" ")[2])

    async def run_many(self, statement: Statement, values: Iterable[Mapping[str, Any]]) -> None:
        """One statement for many rows, in one round trip."""
        await self._connection.executemany(statement.sql, [statement.arguments(v) for v in values])


class Transaction(SystemTransaction):
    """Statements inside one workspace. Rolls back unless told to commit."""

    def __init__(self, pool: Pool, workspace_id: UUID) -> None:
        super().__init__(pool)
        self.workspace_id = workspace_id
        # One round trip. Without the workspace the policies show no row at all.
        self._begin = f"BEGIN; SELECT set_config('ff.workspace', '{workspace_id!s}', true)"


class ReadTransaction(Transaction):
    """Reads inside one workspace, two round trips for one query.

    It can lock and change nothing, so nobody waits for its end: the next BEGIN on the connection
    brings it along, or the pool within `RESTING`.
    """

    def __init__(self, pool: Pool, workspace_id: UUID) -> None:
        super().__init__(pool, workspace_id)
        self._begin = (
            f"BEGIN READ ONLY; SELECT set_config('ff.workspace', '{workspace_id!s}', true)"
        )

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
