"""What a unit of work keeps, tells, refuses and costs; on a real database under forced RLS."""

import asyncio
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import literal_column, select

from kit.aggregate import Fact
from kit.database import ReadTransaction, Statement, SystemTransaction, Transaction
from kit.errors import InvalidInput
from kit.ids import new_id
from kit.outbox import event_row
from kit.telemetry.metrics import REGISTRY
from kit.testing.background import until
from kit.testing.database import ServiceDatabase, recorded_queries
from kit.unit_of_work import ChangedMeanwhile, UnitOfWork, retrying
from libs.kit.tests.conftest import Body, OpenUnit, Unit, to_outbox
from libs.kit.tests.sample.notes import AT, SAVE, Note, add, load, save, texts

BROKEN = Statement(select(literal_column("1 / 0")))
SLEEP = Statement(select(literal_column("pg_sleep(60)")))


@pytest.fixture
async def note(unit: Unit) -> Note:
    async with unit() as uow:
        note = await add(uow, "first")
        await uow.commit()
    return note


async def told(database: ServiceDatabase, note: Note) -> list[asyncpg.Record]:
    return await database.owner.fetch(
        "SELECT * FROM outbox WHERE aggregate_id = $1 ORDER BY number", note.id
    )


async def rewrite(unit: Unit, note: Note, text: str) -> Note:
    async with unit() as uow:
        loaded = await load(uow, note.id)
        loaded.rewrite(text)
        await save(uow, loaded)
        await uow.commit()
    return loaded


async def test_a_change_and_its_fact_commit_together(
    unit: Unit, database: ServiceDatabase, note: Note
) -> None:
    assert (await rewrite(unit, note, "second")).version == 2
    async with unit() as uow:
        assert await texts(uow) == ["second"]
    [row] = await told(database, note)
    assert (row["type"], row["body"], row["sent_at"]) == ("sample.note.v1.written", b"2", None)
    assert (row["workspace_id"], row["happened_at"]) == (uow.workspace_id, AT)
    assert row["headers"]["ff-version"] == "2"


async def test_without_a_commit_nothing_happened(
    unit: Unit, database: ServiceDatabase, note: Note
) -> None:
    async with unit() as uow:
        loaded = await load(uow, note.id)
        loaded.rewrite("lost")
        await save(uow, loaded)
    async with unit() as uow:
        assert await texts(uow) == ["first"]
    assert await told(database, note) == []


async def test_a_refusal_undoes_everything_and_is_told_as_it_is(unit: Unit) -> None:
    async def refused() -> None:
        async with unit() as uow:
            await add(uow, "lost")
            raise InvalidInput("no")

    with pytest.raises(InvalidInput):
        await refused()
    async with unit() as uow:
        assert await texts(uow) == []


async def change_in_part(uow: UnitOfWork, note: Note, text: str, *, refused: bool) -> None:
    async with uow.part():
        loaded = await load(uow, note.id)
        loaded.rewrite(text)
        await save(uow, loaded)
        await uow.commit()  # only says that it is wanted
        if refused:
            raise InvalidInput("no")


async def test_a_refused_part_is_undone_and_never_told(
    unit: Unit, database: ServiceDatabase, note: Note
) -> None:
    async with unit() as uow:
        await change_in_part(uow, note, "kept", refused=False)
        with pytest.raises(InvalidInput):
            await change_in_part(uow, note, "undone", refused=True)
        await change_in_part(uow, note, "last", refused=False)
        async with unit() as other:
            assert await texts(other) == ["first"]
        assert uow.commit_asked
        await uow.commit()
    async with unit() as uow:
        assert await texts(uow) == ["last"]
    assert [row["body"] for row in await told(database, note)] == [b"2", b"3"]


async def break_in_part(uow: UnitOfWork) -> None:
    async with uow.part():
        try:
            await uow.row(BROKEN)
        except asyncpg.DivisionByZeroError:
            raise InvalidInput("no") from None


async def test_what_breaks_in_a_part_breaks_nothing_else(unit: Unit) -> None:
    async with unit() as uow:
        with pytest.raises(InvalidInput):
            await break_in_part(uow)
        await add(uow, "after")
        await uow.commit()
    async with unit() as uow:
        assert await texts(uow) == ["after"]


async def test_the_page_that_asked_is_named_to_those_who_hear_of_it(
    database: ServiceDatabase, workspace: UUID
) -> None:
    def open_unit(origin: str) -> UnitOfWork:
        return UnitOfWork(
            database.app, workspace, to_outbox=to_outbox, wake_relay=lambda: None, origin=origin
        )

    async with open_unit("page-7") as uow:
        note = await add(uow, "first")
        note.rewrite("told at once")
        uow.tell(note)
        await uow.commit()
    [row] = await told(database, note)
    assert row["headers"]["ff-origin"] == "page-7"


def test_a_row_names_who_did_it_and_the_bulk_it_belongs_to(workspace: UUID) -> None:
    fact = Fact(aggregate_id=new_id(), version=3, at=AT, by=new_id())
    bulk = new_id()
    row = event_row("crm", workspace, fact, "deal.v1.moved", Body(b""), bulk_id=bulk)
    assert row["type"] == "crm.deal.v1.moved"
    assert row["headers"] == {
        "ff-version": "3",
        "ff-actor": str(fact.by),
        "ce-bulkid": str(bulk),
    }


async def test_the_relay_is_woken_after_the_commit_if_there_is_something_to_send(
    database: ServiceDatabase, workspace: UUID
) -> None:
    woken = []

    def open_unit() -> UnitOfWork:
        return UnitOfWork(
            database.app, workspace, to_outbox=to_outbox, wake_relay=lambda: woken.append(1)
        )

    async with open_unit() as uow:
        note = await add(uow, "quiet")
        await uow.commit()
    assert woken == []
    await rewrite(open_unit, note, "loud")
    assert woken == [1]


async def test_of_twenty_changes_at_once_one_wins(unit: Unit, note: Note) -> None:
    async def change() -> None:
        async with unit() as uow:
            stale = type(note)(id=note.id, workspace_id=note.workspace_id, version=1, text="mine")
            await save(uow, stale)
            await uow.commit()

    results = await asyncio.gather(*(change() for _ in range(20)), return_exceptions=True)
    assert sum(result is None for result in results) == 1
    assert {type(result) for result in results} == {type(None), ChangedMeanwhile}


async def test_an_aggregates_facts_leave_in_the_order_of_their_commits(
    unit: Unit, database: ServiceDatabase, note: Note
) -> None:
    await asyncio.gather(*(rewrite(unit, note, f"text {n}") for n in range(20)))
    assert [int(row["body"]) for row in await told(database, note)] == list(range(2, 22))


async def test_a_commit_after_a_failed_statement_is_no_commit(unit: Unit) -> None:
    async with unit() as uow:
        await add(uow, "lost")
        with pytest.raises(asyncpg.DivisionByZeroError):
            await uow.row(BROKEN)
        with pytest.raises(RuntimeError, match="failed"):
            await uow.commit()  # PostgreSQL itself would say ROLLBACK, and nothing more
    async with unit() as uow:
        assert await texts(uow) == []


async def test_a_workspace_sees_and_writes_its_own_rows_only(
    unit: Unit, open_unit: OpenUnit, database: ServiceDatabase, note: Note
) -> None:
    async with open_unit(new_id()) as stranger:
        assert await texts(stranger) == []
        assert await stranger.run(SAVE, note=note.id, read=1, text="stolen") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await add(stranger, "planted", workspace=note.workspace_id)
    assert await database.app.fetch("SELECT * FROM notes") == []  # no workspace: no rows
    async with SystemTransaction(database.system) as everything:
        assert "first" in await texts(everything)


async def test_a_workspace_does_not_outlive_its_transaction(
    database: ServiceDatabase, workspace: UUID, unit: Unit, note: Note
) -> None:
    for kind in (Transaction, ReadTransaction):
        async with kind(database.app, workspace) as tx:
            assert await texts(tx) == ["first"]
        assert await database.app.fetch("SELECT * FROM notes") == []


async def test_a_move_costs_five_round_trips(
    unit: Unit, database: ServiceDatabase, note: Note
) -> None:
    with recorded_queries(database.app) as queries:
        await rewrite(unit, note, "second")
    assert len(queries) == 5, queries  # begin, load, save, outbox, commit


async def test_a_read_costs_two_round_trips_each_time(
    database: ServiceDatabase, workspace: UUID, note: Note
) -> None:
    with recorded_queries(database.app) as queries:
        for _ in range(3):
            async with ReadTransaction(database.app, workspace) as tx:
                await texts(tx)
    assert len(queries) == 6, queries


async def test_a_read_cannot_write(database: ServiceDatabase, workspace: UUID) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with ReadTransaction(database.app, workspace) as tx:
            await add(tx, "no")
    async with Transaction(database.app, workspace) as tx:  # and the next one can
        await add(tx, "yes")
        await tx.commit()


async def test_a_finished_read_soon_stands_in_nobodys_way(
    database: ServiceDatabase, workspace: UUID
) -> None:
    async with ReadTransaction(database.app, workspace) as tx:
        await texts(tx)
    # Needs every lock on the table; PostgreSQL would wait for the read for ten seconds otherwise.
    await database.owner.execute("ALTER TABLE notes ALTER COLUMN text SET STATISTICS 100")


async def test_a_cancelled_unit_leaves_nothing_open(
    unit: Unit, database: ServiceDatabase, note: Note
) -> None:
    async with database.owner.acquire() as blocker, blocker.transaction():
        await blocker.execute("SELECT 1 FROM notes WHERE id = $1 FOR UPDATE", note.id)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(rewrite(unit, note, "never"), timeout=0.2)
    assert (await rewrite(unit, note, "after all")).version == 2


async def test_thirty_cancelled_queries_leave_no_query_running(
    database: ServiceDatabase, workspace: UUID
) -> None:
    async def sleep() -> None:
        async with Transaction(database.app, workspace) as tx:
            await tx.row(SLEEP)

    sleeping = [asyncio.create_task(sleep()) for _ in range(30)]
    await asyncio.sleep(0.2)
    for task in sleeping:
        task.cancel()
    await asyncio.gather(*sleeping, return_exceptions=True)

    async def nothing_runs() -> bool:
        running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%'"
        mine = " AND pid <> pg_backend_pid() AND state = 'active'"
        return bool(await database.owner.fetchval(running + mine) == 0)

    await until(nothing_runs)


async def test_a_task_cancelled_anywhere_gives_its_connection_back(
    database: ServiceDatabase, workspace: UUID, unit: Unit
) -> None:
    """Cancelled after any number of steps of the loop: begin, statement, commit, end."""

    async def write() -> None:
        async with unit() as uow:
            await add(uow, "maybe")
            await uow.commit()

    for steps in range(40):
        task = asyncio.create_task(write())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await asyncio.gather(*(write() for _ in range(50)))  # the pool of eight is whole
    assert await database.app.fetch("SELECT * FROM notes") == []


async def test_a_deadlock_is_tried_again_as_a_whole(unit: Unit) -> None:
    async with unit() as uow:
        one, other = await add(uow, "one"), await add(uow, "other")
        await uow.commit()
    both_hold_one = asyncio.Barrier(2)
    attempts = []

    async def change(first: Note, second: Note) -> None:
        attempts.append(1)
        async with unit() as uow:
            await load(uow, first.id)
            if len(attempts) <= 2:
                await both_hold_one.wait()
            await load(uow, second.id)
            await uow.commit()

    await asyncio.gather(retrying(lambda: change(one, other)), retrying(lambda: change(other, one)))
    assert len(attempts) == 3


async def test_what_always_deadlocks_is_given_up() -> None:
    attempts = []

    async def fail() -> None:
        attempts.append(1)
        raise asyncpg.SerializationError

    with pytest.raises(asyncpg.SerializationError):
        await retrying(fail)
    assert len(attempts) == 3


async def test_a_forgotten_value_is_noticed_before_anything_is_sent(unit: Unit) -> None:
    async with unit() as uow:
        with pytest.raises(KeyError):
            await uow.run(SAVE, note=new_id(), read=1)
        await uow.commit()


async def test_how_long_statements_take_can_be_seen(unit: Unit) -> None:
    def counted() -> float:
        name, labels = "db_client_operation_duration_seconds_count", {"op": "insert"}
        return REGISTRY.get_sample_value(name, labels | {"table": "notes"}) or 0.0

    before = counted()
    async with unit() as uow:
        await add(uow, "note")
    assert counted() == before + 1
