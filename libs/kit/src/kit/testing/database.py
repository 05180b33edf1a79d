"""A service's database for a test run, provisioned and migrated the way production does it."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from kit.database import open_pool
from kit.migrations import migrate, revisions
from kit.pool import Pool
from kit.provision import ROLES, provision, with_database, with_role

_PASSWORD = "test"


@dataclass(frozen=True)
class ServiceDatabase:
    """Pools per role. `owner` is for fixtures' rows: it sees every workspace."""

    dsns: dict[str, str]
    owner: Pool
    app: Pool
    system: Pool


@asynccontextmanager
async def service_database(
    admin_dsn: str, service: str, *, migrations: Path | None = None, pool_size: int = 8
) -> AsyncIterator[ServiceDatabase]:
    """A database of its own per test process, migrated to head by the service's own migrations.

    Each has a session of its own, as for somebody who upgrades with every release: what one sets
    or loads does not help the next.
    """
    name = f"{service}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    await provision(admin_dsn, service, dict.fromkeys(ROLES, _PASSWORD), database=name)
    dsns = {
        role: with_role(with_database(admin_dsn, name), f"{service}_{role}", _PASSWORD)
        for role in ROLES
    }
    for revision in revisions(service, migrations=migrations):
        await asyncio.to_thread(
            migrate, service, dsns["owner"], migrations=migrations, revision=revision
        )
    pools = {
        role: await open_pool(dsn, size=pool_size, name=f"{service}-{role}-test")
        for role, dsn in dsns.items()
    }
    try:
        yield ServiceDatabase(dsns=dsns, **pools)
    finally:
        for pool in pools.values():
            pool.terminate()


@dataclass
class RecordedQueries:
    """Statements in the order in which they were sent, BEGIN included."""

    sql: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.sql)

    def __str__(self) -> str:
        return "\n".join(self.sql)


class _Recording:
    """A connection that writes down what is sent through it."""

    def __init__(self, connection: asyncpg.Connection, sql: list[str]) -> None:
        self._connection = connection
        self._sql = sql

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._connection, name)
        if name not in _SENDING:
            return method

        def send(sql: str, *arguments: Any) -> Any:
            self._sql.append(sql)
            return method(sql, *arguments)

        return send


def _bare(connection: Any) -> Any:
    """The pool's own work, such as ending a read, comes without our wrapping."""
    return connection._connection if isinstance(connection, _Recording) else connection


_SENDING = ("execute", "executemany", "fetch", "fetchrow", "fetchval")


@contextmanager
def recorded_queries(pool: Pool) -> Iterator[RecordedQueries]:
    """What is sent through a pool meanwhile, so that a test can count it.

    asyncpg's own query loggers are told a moment later, when the test has already counted.
    """
    recorded = RecordedQueries()
    take, give_back, roll_back = pool.take, pool.give_back, pool.roll_back

    async def taken() -> Any:
        return _Recording(await take(), recorded.sql)

    instrumented: Any = pool
    instrumented.take = taken
    instrumented.give_back = lambda connection: give_back(_bare(connection))
    instrumented.roll_back = lambda connection: roll_back(_bare(connection))
    try:
        yield recorded
    finally:
        del instrumented.take, instrumented.give_back, instrumented.roll_back
