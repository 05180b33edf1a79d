"""Jobs: one worker at a time, none lost, whatever the broker forgets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

import pytest

from kit.database import DatabaseUnavailable, Transaction
from kit.errors import InvalidInput
from kit.ids import new_id
from kit.jobs import table
from kit.jobs.celery import JobApp
from kit.jobs.table import Job
from kit.jobs.worker import DIED, JobWorker, Task
from kit.pool import Pool
from kit.testing.background import PATIENCE, until
from kit.testing.database import ServiceDatabase

Find = Callable[[UUID], Awaitable[Job]]


class Queue(Protocol):
    async def __call__(self, kind: str = "import", **args: Any) -> UUID: ...


@dataclass
class App:
    system: Pool


@pytest.fixture
def queued(database: ServiceDatabase, workspace: UUID) -> Queue:
    async def queue(kind: str = "import", **args: Any) -> UUID:
        async with Transaction(database.app, workspace) as tx:
            job_id = await table.enqueue(tx, kind, args, total=10)
            await tx.commit()
        return job_id

    return queue


@pytest.fixture
def found(database: ServiceDatabase, workspace: UUID) -> Find:
    async def find(job_id: UUID) -> Job:
        async with Transaction(database.app, workspace) as tx:
            return await table.find(tx, job_id)

    return find


async def claimed(database: ServiceDatabase, job_id: UUID) -> Job:
    job = await table.claim(database.system, job_id)
    assert job is not None
    return job


async def until_status(found: Find, job_id: UUID, status: str) -> None:
    async def reached() -> bool:
        return (await found(job_id)).status == status

    await until(reached)


async def expire(database: ServiceDatabase, job_id: UUID) -> None:
    await database.owner.execute(
        "UPDATE jobs SET lease_until = now() - interval '1 s', sent_at = now() - interval '1 h'"
        " WHERE id = $1",
        job_id,
    )


async def test_twenty_workers_and_one_has_the_lease(
    database: ServiceDatabase, queued: Queue
) -> None:
    job_id = await queued(file="a")
    claims = await asyncio.gather(*(table.claim(database.system, job_id) for _ in range(20)))
    [job] = [claim for claim in claims if claim is not None]
    assert (job.args, job.attempts, job.status) == ({"file": "a"}, 1, "running")


async def test_a_job_runs_to_its_result(
    database: ServiceDatabase, queued: Queue, found: Find
) -> None:
    job_id = await queued()
    job = await claimed(database, job_id)
    await table.report(database.system, job, progress=4, total=10)
    assert (await found(job_id)).progress == 4
    await table.end(database.system, job, result={"rows": 10})
    done = await found(job_id)
    assert (done.status, done.result, done.error) == ("done", {"rows": 10}, None)
    assert await table.claim(database.system, job_id) is None


async def test_a_dead_workers_job_goes_to_another_and_the_dead_one_cannot_write(
    database: ServiceDatabase, queued: Queue
) -> None:
    job_id = await queued()
    first = await claimed(database, job_id)
    await expire(database, job_id)
    assert ("import", job_id) in await table.abandoned(database.system, ["import"])
    assert ("import", job_id) not in await table.abandoned(
        database.system, ["import"]
    )  # handed out once
    second = await claimed(database, job_id)
    assert second.attempts == 2
    for write in (
        table.renew(database.system, first),
        table.report(database.system, first, progress=1, total=1),
        table.end(database.system, first, result=None),
        table.give_back(database.system, first, error="late"),
    ):
        with pytest.raises(table.LeaseLost):
            await write
    await table.end(database.system, second, result=None)


async def test_what_kills_its_worker_each_time_is_given_up(
    database: ServiceDatabase, queued: Queue, found: Find
) -> None:
    job_id = await queued()
    for _ in range(table.ATTEMPTS):
        assert await table.claim(database.system, job_id) is not None
        await expire(database, job_id)
    assert ("import", job_id) not in await table.abandoned(database.system, ["import"])
    assert job_id not in {job.id for job in await table.given_up(database.system, ["export"])}
    (job,) = (j for j in await table.given_up(database.system, ["import"]) if j.id == job_id)
    # By one worker; another comes to it only if this one died as well.
    assert job_id not in {job.id for job in await table.given_up(database.system, ["import"])}
    await table.end(database.system, job, result=None, error=DIED)
    assert (await found(job_id)).status == "failed"


async def test_a_service_ends_by_itself_what_failed_for_good(
    database: ServiceDatabase, workspace: UUID, queued: Queue, found: Find
) -> None:
    told: list[tuple[UUID, str]] = []

    async def refuse(app: App, task: Task) -> None:
        raise InvalidInput("The file has no rows.")

    async def tell(app: App, job: table.Job, said: str) -> None:
        async with Transaction(database.system, job.workspace_id) as tx:
            await table.fail(tx, job, error=said)
            await tx.commit()
        told.append((job.id, said))

    @asynccontextmanager
    async def open_app() -> AsyncIterator[App]:
        yield App(database.system)

    worker = JobWorker(
        JobApp("sample", "redis://127.0.0.1:1/0"),
        open_app=open_app,
        handlers={"told": refuse},
        listen="127.0.0.1:0",
        failed=tell,
    )
    await worker.begin()
    refused, died = await queued("told"), await queued("told")
    await worker.work("told", refused)
    for _ in range(table.ATTEMPTS):
        job = await claimed(database, died)
        await expire(database, died)
    await worker.give_up()
    await worker.give_up()
    await worker.end()
    assert told == [(refused, "The file has no rows."), (died, DIED)]
    assert [(await found(id)).status for id in (refused, died)] == ["failed", "failed"]
    with pytest.raises(table.LeaseLost):  # a worker that was thought to be dead
        async with Transaction(database.system, workspace) as tx:
            await table.fail(tx, job, error="late")


async def test_another_workspace_finds_no_job(database: ServiceDatabase, queued: Queue) -> None:
    job_id = await queued()
    async with Transaction(database.app, new_id()) as tx:
        with pytest.raises(table.JobNotFound):
            await table.find(tx, job_id)


@pytest.fixture
async def worker(database: ServiceDatabase) -> AsyncIterator[JobWorker[App]]:
    @asynccontextmanager
    async def open_app() -> AsyncIterator[App]:
        yield App(database.system)

    async def succeed(app: App, task: Task) -> dict[str, Any]:
        await task.report(1, 2)
        return {"seen": task.job.args}

    async def refuse(app: App, task: Task) -> None:
        raise InvalidInput("The file has no rows.")

    async def stumble(app: App, task: Task) -> None:
        raise DatabaseUnavailable("away")

    async def break_down(app: App, task: Task) -> None:
        raise ZeroDivisionError("secret detail")

    async def wait(app: App, task: Task) -> None:
        await asyncio.sleep(60)

    handlers = {
        "succeed": succeed,
        "refuse": refuse,
        "stumble": stumble,
        "break": break_down,
        "wait": wait,
    }
    worker = JobWorker(
        JobApp("sample", "redis://127.0.0.1:1/0"),
        open_app=open_app,
        handlers=handlers,
        listen="127.0.0.1:0",
    )
    await worker.begin()
    yield worker
    await worker.end()


@pytest.mark.parametrize(
    ("kind", "status", "error"),
    [
        ("succeed", "done", None),
        ("refuse", "failed", "The file has no rows."),
        ("stumble", "queued", "away"),
        ("break", "queued", "ZeroDivisionError"),
    ],
)
async def test_how_a_job_ends(
    worker: JobWorker[App], queued: Queue, found: Find, kind: str, status: str, error: str | None
) -> None:
    job_id = await queued(kind)
    await worker.work(kind, job_id)
    job = await found(job_id)
    assert (job.status, job.error) == (status, error)


async def test_a_failure_that_stays_is_final(
    worker: JobWorker[App], queued: Queue, found: Find, database: ServiceDatabase
) -> None:
    job_id = await queued("break")
    for _ in range(table.ATTEMPTS):
        await worker.work("break", job_id)
    assert (await found(job_id)).status == "failed"


async def test_what_is_done_is_kept_though_the_database_is_away(
    worker: JobWorker[App], queued: Queue, found: Find, monkeypatch: pytest.MonkeyPatch
) -> None:
    end, asked = table.end, 0

    async def away_at_first(*arguments: Any, **named: Any) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise DatabaseUnavailable("away")
        await end(*arguments, **named)

    monkeypatch.setattr(table, "end", away_at_first)
    job_id = await queued("succeed")
    await worker.work("succeed", job_id)
    job = await found(job_id)
    assert (job.status, job.attempts, asked) == ("done", 1, 2)


async def test_work_stops_when_the_lease_is_lost(
    worker: JobWorker[App],
    queued: Queue,
    found: Find,
    database: ServiceDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kit.jobs.worker.LEASE", timedelta(seconds=0.3))
    job_id = await queued("wait")
    working = asyncio.create_task(worker.work("wait", job_id))
    await until_status(found, job_id, "running")
    await database.owner.execute("UPDATE jobs SET attempts = 7 WHERE id = $1", job_id)
    await asyncio.wait_for(working, PATIENCE)
    assert (await found(job_id)).status == "running"  # its successor's row is untouched


async def test_a_job_whose_message_was_lost_is_found(
    worker: JobWorker[App], queued: Queue, found: Find, database: ServiceDatabase
) -> None:
    job_id = await queued("succeed")
    await expire(database, job_id)
    await worker.end()
    await worker.begin()  # looks first, then waits
    await until_status(found, job_id, "done")


async def test_a_kind_this_worker_does_not_know_is_left_to_another(
    worker: JobWorker[App], queued: Queue, found: Find, database: ServiceDatabase
) -> None:
    unknown, known = await queued("of_a_newer_version"), await queued("succeed")
    await expire(database, unknown)
    await expire(database, known)
    await worker.end()
    await worker.begin()
    await until_status(found, known, "done")
    assert (await found(unknown)).status == "queued"


async def test_without_a_broker_sending_is_no_error() -> None:
    await JobApp("sample", "redis://127.0.0.1:1/0").send("import", new_id())


async def test_in_a_closed_workspace_a_job_waits(
    database: ServiceDatabase, workspace: UUID, queued: Queue
) -> None:
    job_id = await queued()
    await database.owner.execute("UPDATE jobs SET sent_at = sent_at - interval '1 hour'")
    close = "INSERT INTO closures VALUES ($1, 2, true)"
    await database.owner.execute(close, workspace)
    assert await table.claim(database.system, job_id) is None
    assert ("import", job_id) not in await table.abandoned(database.system, ["import"])
    await database.owner.execute("UPDATE closures SET closed = false")
    assert ("import", job_id) in await table.abandoned(database.system, ["import"])
    assert await table.claim(database.system, job_id) is not None
