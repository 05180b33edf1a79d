"""PostgreSQL: statements written in SQLAlchemy Core, compiled once, run on asyncpg itself."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from operator import itemgetter
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.sql.expression import ClauseElement

from kit.errors import DomainError, ErrorKind

DIALECT = dialect()  # type: ignore[no-untyped-call]
ACQUIRE_TIMEOUT = 1.0  # seconds; a request that cannot have a connection by then is turned away

# Every statement ends by itself, also when the task that waits for it is gone.
SERVER_SETTINGS = {
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
    "client_connection_check_interval": "500ms",  # a cancelled task's query stops at the server too
    "jit": "off",  # compiling costs more than our queries run
}


class DatabaseUnavailable(DomainError):
    """No connection, a lost one, or no answer in time.

    Only if it was the commit that stayed without an answer, the change may have become true.
    """

    kind, reason = ErrorKind.UNAVAILABLE, "DATABASE_UNAVAILABLE"


_NO_ANSWER = (
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,  # statement_timeout, shutdown, not started yet
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
_NO_CONNECTION = (*_NO_ANSWER, OSError, TimeoutError, asyncpg.InterfaceError)


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

    _connection: asyncpg.pool.PoolConnectionProxy
    _begin = "BEGIN"

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> Self:
        try:
            self._connection = await self._pool.acquire(timeout=ACQUIRE_TIMEOUT)
        except _NO_CONNECTION as error:
            raise DatabaseUnavailable("The database cannot be reached.") from error
        try:
            await self._connection.execute(self._begin)
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
        lost = isinstance(error, _NO_ANSWER) or (
            isinstance(error, (OSError, asyncpg.InterfaceError)) and _is_closed(self._connection)
        )
        # A connection that fails here is closed by the pool, and its transaction is gone with it.
        with suppress(*_NO_CONNECTION):
            await self._pool.release(self._connection)  # see roll_back
        if lost:
            raise DatabaseUnavailable("The database did not answer.") from error

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

    def __init__(self, pool: asyncpg.Pool, workspace_id: UUID) -> None:
        super().__init__(pool)
        self.workspace_id = workspace_id
        # One round trip. Without the workspace the policies show no row at all.
        self._begin = f"BEGIN; SELECT set_config('ff.workspace', '{workspace_id!s}', true)"


async def open_pool(dsn: str, *, size: int, name: str) -> asyncpg.Pool:
    """One pool per role; `name` is what the server shows of its connections."""
    return await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=size,
        init=prepare,
        reset=roll_back,
        timeout=5,
        command_timeout=None,  # the server keeps the time, see SERVER_SETTINGS
        statement_cache_size=512,
        max_cached_statement_lifetime=0,
        server_settings={**SERVER_SETTINGS, "application_name": name},
    )


async def roll_back(connection: asyncpg.Connection) -> None:
    """What a pool does with a connection that comes back; also after a cancelled task.

    asyncpg's own reset costs a round trip each time; all our settings end with the transaction.
    """
    if connection.is_in_transaction():
        await connection.execute("ROLLBACK")


async def prepare(connection: asyncpg.Connection) -> None:
    """What every connection of ours can do: JSONB columns are Python objects."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + orjson.dumps(value),
        decoder=lambda raw: orjson.loads(raw[1:]),  # the first byte is the format's version
    )


def _is_closed(connection: asyncpg.pool.PoolConnectionProxy) -> bool:
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:  # the pool took it back when it broke
        return True
