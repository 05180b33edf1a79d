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
from kit.migrations import migrate
from kit.provision import ROLES, provision, with_database, with_role

_PASSWORD = "test"


@dataclass(frozen=True)
class ServiceDatabase:
    """Pools per role. `owner` is for fixtures' rows: it sees every workspace."""

    dsns: dict[str, str]
    owner: asyncpg.Pool
    app: asyncpg.Pool
    system: asyncpg.Pool


@asynccontextmanager
async def service_database(
    admin_dsn: str, service: str, *, migrations: Path | None = None, pool_size: int = 8
) -> AsyncIterator[ServiceDatabase]:
    """A database of its own per test process, migrated to head by the service's own migrations."""
    name = f"{service}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    await provision(admin_dsn, service, dict.fromkeys(ROLES, _PASSWORD), database=name)
    dsns = {
        role: with_role(with_database(admin_dsn, name), f"{service}_{role}", _PASSWORD)
        for role in ROLES
    }
    await asyncio.to_thread(migrate, service, dsns["owner"], migrations=migrations)
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


@contextmanager
def recorded_queries(pool: asyncpg.Pool) -> Iterator[RecordedQueries]:
    """What is sent through a pool meanwhile, so that a test can count it."""
    recorded = RecordedQueries()

    def record(query: Any) -> None:
        recorded.sql.append(query.query)

    watched: list[Any] = []

    async def watch(connection: Any) -> None:
        await initialise(connection)
        connection.add_query_logger(record)
        watched.append(connection)

    # asyncpg has no public hook for all connections of a pool, open ones and those to come.
    inside: Any = pool
    initialise, inside._init = inside._init, watch
    for holder in inside._holders:
        if holder._con is not None:
            holder._con.add_query_logger(record)
            watched.append(holder._con)
    try:
        yield recorded
    finally:
        inside._init = initialise
        for connection in watched:
            connection.remove_query_logger(record)
