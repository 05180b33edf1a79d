"""A real Celery worker on a real broker: killed, restarted, forgotten by the broker."""

import asyncio
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import pytest

from kit.database import Transaction
from kit.jobs import table
from kit.jobs.celery import JobApp
from kit.jobs.table import Job
from kit.testing.background import PATIENCE, until
from kit.testing.database import ServiceDatabase
from local import servers

ROOT = Path(__file__).parents[3]

Becomes = Callable[[UUID, str], Awaitable[Job]]


@dataclass
class Worker:
    process: subprocess.Popen[bytes]
    listen: str


class Start(Protocol):
    def __call__(self, dsn: str = ...) -> Worker: ...


class Enqueue(Protocol):
    async def __call__(self, *, send: bool = True, **args: Any) -> UUID: ...


@pytest.fixture(scope="module")
def broker_url(valkey_url: str) -> str:
    return f"{valkey_url}/0"


@pytest.fixture
def start(database: ServiceDatabase, broker_url: str, tmp_path: Path) -> Iterator[Start]:
    """Starts a worker; all are killed with their children at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start(dsn: str = database.dsns["system"]) -> Worker:
        environment = os.environ | {
            "SAMPLE_DATABASE_URL_SYSTEM": dsn,
            "SAMPLE_BROKER_URL": broker_url,
            "SAMPLE_LISTEN": f"127.0.0.1:{servers.free_port()}",
        }
        with (tmp_path / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "libs.kit.tests.sample.worker"],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        started.append(process)
        return Worker(process, environment["SAMPLE_LISTEN"])

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def enqueue(database: ServiceDatabase, workspace: UUID, broker_url: str) -> Enqueue:
    jobs = JobApp("sample", broker_url)

    async def enqueue(*, send: bool = True, **args: Any) -> UUID:
        async with Transaction(database.app, workspace) as tx:
            job_id = await table.enqueue(tx, "count", args)
            await tx.commit()
        if send:
            await jobs.send("count", job_id)
        return job_id

    return enqueue


@pytest.fixture
def becomes(database: ServiceDatabase, workspace: UUID) -> Becomes:
    async def becomes(job_id: UUID, status: str) -> Job:
        async def reached() -> bool:
            async with Transaction(database.app, workspace) as tx:
                return (await table.find(tx, job_id)).status == status

        await until(reached)
        async with Transaction(database.app, workspace) as tx:
            return await table.find(tx, job_id)

    return becomes


async def test_a_worker_without_its_database_ends(start: Start) -> None:
    """Whoever watches over it starts it again; one that lived on could do nothing for ever."""
    worker = start(f"postgresql://nobody@127.0.0.1:{servers.free_port()}/nothing")
    assert await asyncio.to_thread(worker.process.wait, PATIENCE) == 1


async def test_a_worker_works_and_stops_when_told(
    start: Start, enqueue: Enqueue, becomes: Becomes
) -> None:
    worker = start()
    job = await becomes(await enqueue(to=3), "done")
    assert job.result is not None
    assert job.result["counted"] == 3
    assert (job.progress, job.total) == (3, 3)
    page = await asyncio.to_thread(
        urllib.request.urlopen, f"http://{worker.listen}/metrics", timeout=PATIENCE
    )
    assert b"process_cpu_seconds" in page.read()
    worker.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(worker.process.wait, 2 * PATIENCE) == 0


async def test_a_worker_told_to_stop_gives_a_long_job_back(
    start: Start, enqueue: Enqueue, becomes: Becomes, database: ServiceDatabase
) -> None:
    worker = start()
    job_id = await enqueue(to=10, rest=30)
    await becomes(job_id, "running")
    worker.process.send_signal(signal.SIGTERM)
    job = await becomes(job_id, "queued")
    assert job.error == "The worker was told to stop."
    assert await asyncio.to_thread(worker.process.wait, 2 * PATIENCE) == 0


async def test_a_killed_workers_job_is_done_by_the_next(
    start: Start, enqueue: Enqueue, becomes: Becomes, database: ServiceDatabase
) -> None:
    worker = start()
    job_id = await enqueue(to=20, rest=0.05)
    await becomes(job_id, "running")
    worker.process.kill()
    # As if the lease had run out: nobody waits half a minute for a test.
    await database.owner.execute(
        "UPDATE jobs SET lease_until = now(), sent_at = now() - interval '1 h' WHERE id = $1",
        job_id,
    )
    start()
    job = await becomes(job_id, "done")
    assert job.attempts == 2


async def test_what_the_broker_never_got_is_done_all_the_same(
    start: Start, enqueue: Enqueue, becomes: Becomes, database: ServiceDatabase
) -> None:
    job_id = await enqueue(to=1, send=False)
    await database.owner.execute(
        "UPDATE jobs SET sent_at = now() - interval '1 h' WHERE id = $1", job_id
    )
    start()
    await becomes(job_id, "done")
