"""A pool of asyncpg connections that costs nothing to take from and give back to.

asyncpg's own pool spends a task, a timer and a proxy on every use: more CPU than a small query.
Here a free connection is popped from a list and pushed back. Two things happen later, for all
connections together: a read-only transaction left open is ended (`RESTING`), and what nobody
needed for a minute is closed, the last one after two: PostgreSQL keeps megabytes for each.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Literal

import asyncpg
import orjson

from kit.errors import DomainError, ErrorKind
from kit.settings import DatabaseSettings
from kit.telemetry.metrics import DB_POOL_IN_USE, DB_POOL_WAIT

TAKE_TIMEOUT = 1.0  # seconds; a request that cannot have a connection by then is turned away
CONNECT_TIMEOUT = 3.0
END_TIMEOUT = 2.0
RESTING = 0.05  # how long a finished read may keep its transaction, for the next one to end
IDLE = 60.0
LAST_IDLE = 120.0  # whoever comes after that waits for a new one, as the first one did
CLOSE_TIMEOUT = 5.0

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


NO_ANSWER = (
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,  # statement_timeout, shutdown, not started yet
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    # The server said goodbye between two statements, and asyncpg refuses to send the next one.
    asyncpg.InternalClientError,
)
NO_CONNECTION = (*NO_ANSWER, OSError, TimeoutError, asyncpg.InterfaceError)
# For background work, which goes on when the database is there again.
DATABASE_LOST = (DatabaseUnavailable, *NO_CONNECTION)
# What a loop outlives, whatever a round of it met: it says so, and the next round does the work.
ROUND_FAILURES = (DomainError, asyncpg.PostgresError, *NO_CONNECTION)


class Pool:
    """Connections of one role; open with `open_pool`, give back every one that is taken."""

    def __init__(self, dsn: str, *, size: int, name: str) -> None:
        self._dsn = dsn
        self._size = size
        self._name = name
        self._loop = asyncio.get_running_loop()
        self._open = 0  # connections there are, or are being made
        self._free: deque[tuple[asyncpg.Connection, float]] = deque()  # the last used is last
        self._waiting: deque[tuple[asyncio.Future[asyncpg.Connection | None], float]] = deque()
        self._expiry: asyncio.TimerHandle | None = None
        self._closed = False
        self._ending: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        DB_POOL_IN_USE.labels(name).set_function(lambda: self._open - len(self._free))

    async def take(self) -> asyncpg.Connection:
        """A connection, maybe inside a finished read. Raises DatabaseUnavailable."""
        while self._free:
            connection, _ = self._free.pop()
            if not connection.is_closed():
                return connection
            self._open -= 1
        try:
            if self._closed:
                raise asyncpg.InterfaceError("the pool is closed")
            if self._open < self._size:
                return await self._connect()
            return await self._wait()
        except NO_CONNECTION as error:
            raise DatabaseUnavailable("The database cannot be reached.") from error

    def give_back(self, connection: asyncpg.Connection) -> None:
        """Take no longer part in it: no transaction is open but a read that changed nothing."""
        if connection.is_closed() or self._closed:
            self._drop(connection)
            return
        if self._waiting and self._call_one(connection):
            return
        self._free.append((connection, self._loop.time()))
        self._tidy_in(RESTING if connection.is_in_transaction() else IDLE)

    async def roll_back(self, connection: asyncpg.Connection) -> None:
        """End whatever is open and give the connection back, also if the caller is cancelled."""
        await asyncio.shield(self._end_soon(connection))

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[asyncpg.Connection]:
        """A bare connection for a while, outside a transaction."""
        connection = await self.take()
        try:
            if connection.is_in_transaction():
                await connection.execute("ROLLBACK")
            yield connection
        except BaseException:
            await self.roll_back(connection)
            raise
        if connection.is_in_transaction():
            await self.roll_back(connection)
        else:
            self.give_back(connection)

    async def fetch(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """Rows of one statement that is its own transaction."""
        async with self.acquire() as connection:
            rows: list[asyncpg.Record] = await connection.fetch(sql, *arguments)
            return rows

    async def fetchrow(self, sql: str, *arguments: Any) -> asyncpg.Record | None:
        """The first row of such a statement."""
        async with self.acquire() as connection:
            return await connection.fetchrow(sql, *arguments)

    async def fetchval(self, sql: str, *arguments: Any) -> Any:
        """The first value of the first row of such a statement."""
        async with self.acquire() as connection:
            return await connection.fetchval(sql, *arguments)

    async def execute(self, sql: str, *arguments: Any) -> str:
        """The status of such a statement."""
        async with self.acquire() as connection:
            status: str = await connection.execute(sql, *arguments)
            return status

    async def executemany(self, sql: str, arguments: Iterable[Any]) -> None:
        """One statement for many rows, all or none."""
        async with self.acquire() as connection:
            await connection.executemany(sql, arguments)

    async def close(self) -> None:
        """Close what is free, and what is in use once it comes back; waits a moment for that."""
        self.terminate()
        deadline = self._loop.time() + CLOSE_TIMEOUT
        while self._open > 0 and self._loop.time() < deadline:  # noqa: ASYNC110 seldom, and short
            await asyncio.sleep(0.01)

    def terminate(self) -> None:
        """Close what is free at once, and the rest when it comes back."""
        self._closed = True
        for timer in (self._timer, self._expiry):
            if timer is not None:
                timer.cancel()
        while self._free:
            self._drop(self._free.pop()[0])
        for waiting, _ in self._waiting:
            if not waiting.done():
                waiting.set_exception(asyncpg.InterfaceError("the pool is closed"))

    async def _connect(self) -> asyncpg.Connection:
        self._open += 1
        try:
            connection = await asyncpg.connect(
                self._dsn,
                timeout=CONNECT_TIMEOUT,
                statement_cache_size=512,
                max_cached_statement_lifetime=0,
                server_settings={**SERVER_SETTINGS, "application_name": self._name},
            )
            await prepare(connection)
        except BaseException:
            self._open -= 1
            self._call_one(None)
            raise
        return connection

    async def _wait(self) -> asyncpg.Connection:
        """For what somebody gives back, or for room to make one. Raises TimeoutError."""
        began = self._loop.time()
        while True:
            waiting = self._loop.create_future()
            self._waiting.append((waiting, began))
            if self._expiry is None:
                self._expiry = self._loop.call_later(TAKE_TIMEOUT, self._expire)
            try:
                connection = await waiting
            except asyncio.CancelledError:
                if waiting.done() and not waiting.cancelled() and not waiting.exception():
                    self._pass_on(waiting.result())
                raise
            DB_POOL_WAIT.labels(self._name).observe(self._loop.time() - began)
            if connection is not None:
                return connection
            if self._open < self._size:
                return await self._connect()

    def _expire(self) -> None:
        """One timer for all who wait: they came in order, so their patience ends in order."""
        self._expiry = None
        overdue = self._loop.time() - TAKE_TIMEOUT
        while self._waiting and (self._waiting[0][0].done() or self._waiting[0][1] <= overdue):
            waiting, _ = self._waiting.popleft()
            if not waiting.done():
                waiting.set_exception(TimeoutError())
        if self._waiting:
            due = self._waiting[0][1] + TAKE_TIMEOUT
            self._expiry = self._loop.call_at(due, self._expire)

    def _pass_on(self, connection: asyncpg.Connection | None) -> None:
        """Who was called has gone meanwhile: the next one is."""
        if connection is not None:
            self.give_back(connection)
        else:
            self._call_one(None)

    def _end_soon(self, connection: asyncpg.Connection) -> asyncio.Task[None]:
        ending = self._loop.create_task(self._end(connection))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        return ending

    async def _end(self, connection: asyncpg.Connection) -> None:
        """Unasked: after a cancelled BEGIN nobody here knows what the server has open.

        asyncpg sends it once the server has stopped the cancelled query.
        """
        try:
            async with asyncio.timeout(END_TIMEOUT):
                await connection.execute("ROLLBACK")
        except NO_CONNECTION:
            connection.terminate()
        self.give_back(connection)

    def _drop(self, connection: asyncpg.Connection) -> None:
        connection.terminate()
        self._open -= 1
        self._call_one(None)

    def _call_one(self, connection: asyncpg.Connection | None) -> bool:
        """Hand a connection, or room for a new one, to the first who waits."""
        while self._waiting:
            waiting, _ = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(connection)
                return True
        return False

    def _tidy_in(self, seconds: float) -> None:
        due = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > due:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(due, self._tidy)

    def _tidy(self) -> None:
        """End reads that rested long enough; close what nobody needs, the last one later."""
        self._timer = None
        now = self._loop.time()
        kept: deque[tuple[asyncpg.Connection, float]] = deque()
        for connection, since in self._free:
            if connection.is_in_transaction() and now - since >= RESTING:
                self._end_soon(connection)
            elif now - since >= (IDLE if self._open > 1 else LAST_IDLE):
                self._drop(connection)
            else:
                kept.append((connection, since))
        self._free = kept
        if kept:
            resting = any(connection.is_in_transaction() for connection, _ in kept)
            self._tidy_in(RESTING if resting else IDLE)


async def open_pool(dsn: str, *, size: int, name: str) -> Pool:
    """One pool per role; `name` is what the server shows of its connections.

    Raises DatabaseUnavailable: a database that is not there at the start is a mistake.
    """
    pool = Pool(dsn, size=size, name=name)
    pool.give_back(await pool.take())
    return pool


async def role_pool(
    stack: AsyncExitStack,
    settings: DatabaseSettings,
    service: str,
    role: Literal["app", "system"],
    size: int,
) -> Pool:
    """A serving role's pool, closed with the stack. Raises DatabaseUnavailable."""
    url = settings.database_url_app if role == "app" else settings.database_url_system
    pool = await open_pool(url.get_secret_value(), size=size, name=f"{service}-{role}")
    stack.push_async_callback(pool.close)
    return pool


async def prepare(connection: asyncpg.Connection) -> None:
    """What every connection of ours can do: JSONB columns are Python objects."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + orjson.dumps(value),
        decoder=lambda raw: orjson.loads(raw[1:]),  # the first byte is the format's version
    )
