"""The pool: nobody waits for ever, nothing leaks, and a lost database is said in one way."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import literal_column, select

from kit.database import (
    DatabaseUnavailable,
    ReadTransaction,
    Statement,
    SystemTransaction,
    Transaction,
    open_pool,
)
from kit.pool import Pool
from kit.testing.background import until
from kit.testing.database import ServiceDatabase
from kit.testing.proxy import FaultProxy
from libs.kit.tests.sample.notes import add, texts

ONE = Statement(select(literal_column("1")))
SLEEP = Statement(select(literal_column("pg_sleep(60)")))


@pytest.fixture
async def proxy(database: ServiceDatabase) -> AsyncIterator[FaultProxy]:
    async with FaultProxy.to(database.dsns["app"]) as proxy:
        yield proxy


@pytest.fixture
async def pool(proxy: FaultProxy) -> AsyncIterator[Pool]:
    pool = await open_pool(proxy.url, size=2, name="test")
    yield pool
    pool.terminate()


async def answer(pool: Pool) -> int:
    async with SystemTransaction(pool) as tx:
        one: int = await tx.value(ONE)
        return one


async def test_two_connections_serve_fifty(pool: Pool) -> None:
    assert await asyncio.gather(*(answer(pool) for _ in range(50))) == [1] * 50


async def test_who_waits_too_long_is_turned_away(pool: Pool) -> None:
    async with SystemTransaction(pool), SystemTransaction(pool):
        results = await asyncio.gather(*(answer(pool) for _ in range(5)), return_exceptions=True)
    assert {type(result) for result in results} == {DatabaseUnavailable}
    assert await asyncio.gather(*(answer(pool) for _ in range(5))) == [1] * 5


async def test_who_stops_waiting_takes_nothing_away(pool: Pool) -> None:
    async with SystemTransaction(pool), SystemTransaction(pool):
        waiting = [asyncio.create_task(answer(pool)) for _ in range(5)]
        await asyncio.sleep(0.01)
        for task in waiting[:3]:
            task.cancel()
    assert await asyncio.gather(*waiting[3:]) == [1, 1]
    assert await asyncio.gather(*(answer(pool) for _ in range(5))) == [1] * 5


async def test_a_connection_handed_to_someone_just_cancelled_goes_to_the_next(pool: Pool) -> None:
    async with SystemTransaction(pool):
        held = await pool.take()
        waiting = asyncio.create_task(pool.take())
        await asyncio.sleep(0)
        pool.give_back(held)  # the waiting one has it now, but does not run yet
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert await answer(pool) == 1


async def test_a_database_that_went_away_is_unavailable_and_then_there_again(
    pool: Pool, proxy: FaultProxy
) -> None:
    assert await answer(pool) == 1
    proxy.cut()
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            await answer(pool)
    proxy.mend()
    assert await asyncio.gather(*(answer(pool) for _ in range(10))) == [1] * 10


async def test_a_connection_lost_within_a_transaction_is_unavailable(
    pool: Pool, proxy: FaultProxy
) -> None:
    async def lose() -> None:
        async with SystemTransaction(pool) as tx:
            proxy.cut()
            await tx.value(ONE)

    with pytest.raises(DatabaseUnavailable):
        await lose()
    proxy.mend()
    assert await answer(pool) == 1


async def test_a_server_that_has_said_goodbye_is_unavailable(
    database: ServiceDatabase, pool: Pool, proxy: FaultProxy
) -> None:
    """Between its last words and the end of the connection, which may be a while."""
    left = await pool.fetchval("SELECT pg_backend_pid()")
    proxy.linger()
    await database.app.execute("SELECT pg_terminate_backend($1)", left)
    await asyncio.sleep(0.1)  # the words arrive; nobody listens to a connection that rests
    with pytest.raises(DatabaseUnavailable):
        await answer(pool)
    assert await answer(pool) == 1
    assert await pool.fetchval("SELECT pg_backend_pid()") != left


async def test_a_database_that_says_nothing_does_not_hold_a_cancelled_caller(
    pool: Pool, proxy: FaultProxy
) -> None:
    assert await answer(pool) == 1
    proxy.hold()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(answer(pool), timeout=0.2)
    proxy.mend()
    assert await asyncio.gather(*(answer(pool) for _ in range(5))) == [1] * 5


async def test_a_statement_that_takes_too_long_is_unavailable(
    database: ServiceDatabase, workspace: UUID
) -> None:
    async def sleep() -> None:
        async with Transaction(database.app, workspace) as tx:
            await tx._connection.execute("SET LOCAL statement_timeout = '50ms'")
            await tx.row(SLEEP)

    with pytest.raises(DatabaseUnavailable):
        await sleep()


async def test_a_mistake_of_ours_is_no_outage(database: ServiceDatabase, workspace: UUID) -> None:
    async def mistake() -> None:
        async with Transaction(database.app, workspace) as tx:
            await tx._connection.fetch("SELECT $1::int", 1, 2)  # asyncpg calls it InterfaceError

    with pytest.raises(asyncpg.InterfaceError):
        await mistake()


async def test_a_read_left_open_is_invisible_to_bare_statements(
    database: ServiceDatabase, workspace: UUID
) -> None:
    async with Transaction(database.app, workspace) as tx:
        await add(tx, "mine")
        await tx.commit()
    async with ReadTransaction(database.app, workspace) as tx:
        assert await texts(tx) == ["mine"]
    async with database.app.acquire() as connection:
        assert not connection.is_in_transaction()
        assert await connection.fetch("SELECT * FROM notes") == []


async def test_a_connection_given_back_with_an_open_transaction_is_rolled_back(pool: Pool) -> None:
    async with pool.acquire() as connection:
        await connection.execute("BEGIN")
    async with pool.acquire() as connection:
        assert not connection.is_in_transaction()


async def test_bare_statements(database: ServiceDatabase, workspace: UUID) -> None:
    assert await database.owner.fetchrow("SELECT 1 AS a, 2 AS b") == (1, 2)
    values = [(workspace, "a"), (workspace, "b")]
    await database.owner.executemany(
        "INSERT INTO notes VALUES (gen_random_uuid(), $1, 1, $2)", values
    )
    count = "SELECT count(*) FROM notes WHERE workspace_id = $1"
    assert await database.owner.fetchval(count, workspace) == 2
    delete = "DELETE FROM notes WHERE workspace_id = $1"
    assert await database.owner.execute(delete, workspace) == "DELETE 2"


async def test_what_nobody_needs_is_closed(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kit.pool.IDLE", 0.05)
    await asyncio.gather(*(answer(pool) for _ in range(10)))

    async def one_is_left() -> bool:
        return pool._open == 1

    await until(one_is_left)
    assert await answer(pool) == 1


async def test_the_last_connection_is_closed_too_and_another_one_made(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.pool.IDLE", 0.05)
    monkeypatch.setattr("kit.pool.LAST_IDLE", 0.1)
    assert await answer(pool) == 1

    async def none_is_left() -> bool:
        return pool._open == 0

    await until(none_is_left)
    assert await answer(pool) == 1


async def test_a_closed_pool_waits_for_who_is_inside_and_lets_nobody_in(proxy: FaultProxy) -> None:
    pool = await open_pool(proxy.url, size=1, name="test")
    async with SystemTransaction(pool) as tx:
        waiting = asyncio.create_task(answer(pool))
        await asyncio.sleep(0)
        closing = asyncio.create_task(pool.close())
        await asyncio.sleep(0.05)
        assert await tx.value(ONE) == 1
        with pytest.raises(DatabaseUnavailable):
            await answer(pool)
        with pytest.raises(DatabaseUnavailable):
            await waiting
        assert not closing.done()
    await closing


async def test_without_a_database_a_service_does_not_start(proxy: FaultProxy) -> None:
    proxy.cut()
    with pytest.raises(DatabaseUnavailable):
        await open_pool(proxy.url, size=1, name="test")


async def test_json_columns_are_python_objects(database: ServiceDatabase) -> None:
    value = {"a": [1, None, "ü"], "b": {"c": 1.5}}
    assert await database.app.fetchval("SELECT $1::jsonb", value) == value
