"""The worker as its own process: killed in the middle, started again, nothing twice."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from crm.entrypoints.app import App
from crm.entrypoints.rpc.services import services
from freelanceflow.crm.v1 import import_service_pb2 as pb
from kit.jobs.celery import JobApp
from kit.testing.background import until
from kit.testing.database import ServiceDatabase
from kit.testing.rpc import served
from services.crm.tests.factories import Crm, Person, commit, import_of, upload

ROWS = 6_000


@asynccontextmanager
async def worker(
    database: ServiceDatabase, broker: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m crm worker`, with all its children in one process group."""
    environment = {
        "CRM_PROFILE": "test",
        "CRM_BROKER_URL": broker,
        "CRM_INTERNAL_LISTEN": "127.0.0.1:0",
        "CRM_LOG_LEVEL": "WARNING",
        **{f"CRM_DATABASE_URL_{role.upper()}": dsn for role, dsn in database.dsns.items()},
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "crm", "worker", env=os.environ | environment, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


@pytest.mark.timeout(180)
async def test_an_import_outlives_its_worker(
    app: App, crm: Crm, database: ServiceDatabase, valkey_url: str
) -> None:
    broker = f"{valkey_url}/0"
    sending = replace(app, jobs=JobApp("crm", broker))
    async with served(services(sending), crm.issuer, name="crm") as caller:
        person = Person(Crm(caller, crm.issuer))
        rows = (f"Deal {n},{n},Won,2020-01-01,2020-02-01" for n in range(ROWS))
        text = "\n".join(["name,external_id,stage,created_at,closed_at", *rows])
        made = await upload(person, text)

        async def begun() -> bool:
            return (await import_of(person, made.id)).done_rows > 0

        async def done() -> bool:
            return (await import_of(person, made.id)).status == pb.IMPORT_STATUS_DONE

        async with worker(database, broker):
            await commit(person, made.id)
            await until(begun)
        killed = await import_of(person, made.id)
        assert killed.done_rows > 0
        async with worker(database, broker):
            for _ in range(4):  # its lease has to run out first
                with suppress(TimeoutError):
                    await until(done)
        finished = await import_of(person, made.id)
    assert (finished.created_rows, finished.failed_rows) == (ROWS, 0)
    count = await database.owner.fetchrow(
        "SELECT (SELECT count(*) FROM deals WHERE workspace_id = $1), "
        "(SELECT count(*) FROM deal_history WHERE workspace_id = $1), "
        "(SELECT count(*) FROM outbox WHERE workspace_id = $1 AND "
        "type SIMILAR TO 'crm.(deal|import).%')",
        person.workspace_id,
    )
    assert tuple(count or ()) == (ROWS, 2 * ROWS, 2 * ROWS + 1)


@pytest.mark.parametrize(
    ("process", "idle"), [("serving", ("celery", "kombu", "redis")), ("working", ("grpc", "nats"))]
)
async def test_at_rest_nothing_is_loaded_that_only_some_work_needs(
    process: str, idle: tuple[str, ...]
) -> None:
    heavy = ("alembic", "mako", "numpy", "openpyxl", "xlsxwriter", "typst", *idle)
    code = f"import sys, crm.bootstrap.{process}; print([m for m in {heavy} if m in sys.modules])"
    asked = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asked.communicate()
    assert said.decode().strip() == "[]"
