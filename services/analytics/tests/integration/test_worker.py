"""The worker as processes of its own: killed in a scoring, the scores come all the same, once."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from analytics.adapters import rescoring
from analytics.application.handing_out import hand_out, hand_out_replay
from analytics.domain.work import RESCORE
from kit.clock import SystemClock
from kit.ids import new_id
from kit.jobs.celery import JobApp
from kit.jobs.table import queued_for
from kit.testing.background import until
from kit.testing.database import ServiceDatabase
from services.analytics.tests.scoring import scored, tell, unit
from services.analytics.tests.studio import story

STOP = datetime(2023, 9, 15, 6, tzinfo=UTC)
HEAVY = ("pandas", "numpy", "scipy", "sklearn", "statsforecast", "prophet", "polars")


@asynccontextmanager
async def worker(
    database: ServiceDatabase, broker: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m analytics worker`; its end is that of its process group."""
    environment = {
        "ANALYTICS_PROFILE": "test",
        "ANALYTICS_BROKER_URL": broker,
        "ANALYTICS_INTERNAL_LISTEN": "127.0.0.1:0",
        "ANALYTICS_LOG_LEVEL": "WARNING",
        **{f"ANALYTICS_DATABASE_URL_{role.upper()}": dsn for role, dsn in database.dsns.items()},
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "analytics", "worker"),
        env=os.environ | environment,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def handed_out(database: ServiceDatabase, workspace: UUID) -> UUID:
    """The workspace's turn has come."""
    await database.owner.execute(
        "UPDATE rescoring SET due_at = now(), refit_due_at = now() WHERE workspace_id = $1",
        workspace,
    )
    async with unit(database, workspace) as uow:
        job_id = await hand_out(uow, now=SystemClock().now())
    assert job_id is not None
    return job_id


async def standing(database: ServiceDatabase, job_id: UUID) -> Any:
    return await database.owner.fetchrow("SELECT * FROM jobs WHERE id = $1", job_id)


@pytest.mark.timeout(240)
async def test_a_scoring_outlives_its_worker(
    database: ServiceDatabase, workspace: UUID, valkey_url: str
) -> None:
    await tell(database, workspace, story(workspace, 3).until(STOP))
    broker = f"{valkey_url}/0"
    job_id = await handed_out(database, workspace)

    async def begun() -> bool:
        return bool((await standing(database, job_id))["status"] == "running")

    async def done() -> bool:
        return bool((await standing(database, job_id))["status"] == "done")

    async with worker(database, broker):
        await JobApp("analytics", broker).send(RESCORE, job_id)
        await until(begun)
    counted = "SELECT count(*) FROM {} WHERE workspace_id = $1"
    assert await database.owner.fetchval(counted.format("deal_scores"), workspace) == 0
    async with unit(database, workspace) as uow:  # while a job is open there is no second one
        await tell(database, workspace, story(workspace, 3).until(STOP)[-1:])
        assert await hand_out(uow, now=SystemClock().now()) is None
    # Its lease runs out, and nobody sends it again: whoever comes next looks for it.
    await database.owner.execute(
        "UPDATE jobs SET lease_until = now(), sent_at = now() - interval '1 hour' WHERE id = $1",
        job_id,
    )
    async with worker(database, broker):
        await until(done)
    assert (await standing(database, job_id))["attempts"] == 2
    runs = "SELECT runs FROM rescoring WHERE workspace_id = $1"
    assert await database.owner.fetchval(runs, workspace) == 1
    assert await database.owner.fetchval(counted.format("deal_scores"), workspace) > 0
    told = "SELECT count(*) FROM outbox WHERE workspace_id = $1 AND type = $2"
    scored = await database.owner.fetchval(told, workspace, "analytics.deal.v1.scored")
    assert scored == 1


async def test_work_is_handed_out_once_a_turn(database: ServiceDatabase, workspace: UUID) -> None:
    await tell(database, workspace, story(workspace, 3).until(STOP)[:3])
    async with unit(database, workspace) as uow:
        assert await hand_out(uow, now=SystemClock().now()) is None  # two seconds are not over
    assert await rescoring.unscored_for(database.system) > 0
    await handed_out(database, workspace)
    async with unit(database, workspace) as uow:
        assert await hand_out(uow, now=SystemClock().now()) is None
    assert await rescoring.unscored_for(database.system) > 0  # handed out is not scored yet
    await database.owner.execute("UPDATE rescoring SET dirty_since = NULL")
    await database.owner.execute("UPDATE jobs SET status = 'done'")
    assert await rescoring.unscored_for(database.system) == 0.0
    assert await queued_for(database.system) == 0.0


async def test_a_replay_waits_for_everybody(database: ServiceDatabase, workspace: UUID) -> None:
    await tell(database, workspace, story(workspace, 3).until(STOP))
    await database.owner.execute("UPDATE jobs SET status = 'done'")
    await scored(database, workspace, STOP, refit=True)
    quiet = "UPDATE rescoring SET due_at = NULL, refit_due_at = NULL"
    others = "UPDATE rescoring SET replay_due_at = NULL WHERE workspace_id <> $1"
    await database.owner.execute(quiet)
    await database.owner.execute(others, workspace)
    await database.owner.execute("UPDATE jobs SET status = 'done'")
    assert await rescoring.replay_due(database.system) == workspace
    assert not await rescoring.somebody_waits(database.system)

    other = new_id()
    async with unit(database, other) as uow:
        await rescoring.mark(uow)
        await uow.commit()
    await handed_out(database, other)  # a job waits
    assert await rescoring.somebody_waits(database.system)
    assert await rescoring.replay_due(database.system) is None
    dead = "UPDATE jobs SET status = 'running', lease_until = now() WHERE status = 'queued'"
    await database.owner.execute(dead)  # its worker has died: it waits for the next one
    assert await rescoring.somebody_waits(database.system)
    assert await rescoring.replay_due(database.system) is None
    held = "UPDATE jobs SET lease_until = now() + interval '1 hour' WHERE status = 'running'"
    await database.owner.execute(held)
    assert await rescoring.replay_due(database.system) == workspace

    async with unit(database, workspace) as uow:
        job_id = await hand_out_replay(uow, now=SystemClock().now())
    assert job_id is not None
    async with unit(database, workspace) as uow:
        assert await hand_out_replay(uow, now=SystemClock().now()) is None
    await database.owner.execute(
        "UPDATE rescoring SET due_at = now() WHERE workspace_id = $1", workspace
    )
    async with unit(database, workspace) as uow:  # while the replay is open there is no second job
        assert await hand_out(uow, now=SystemClock().now()) is None
    assert await rescoring.somebody_waits(database.system)  # so that the replay makes room
    await database.owner.execute("UPDATE jobs SET status = 'done'")


@pytest.mark.parametrize(("process", "idle"), [("serving", "celery"), ("working", "grpc")])
async def test_at_rest_no_science_is_loaded_and_nothing_that_only_some_work_needs(
    process: str, idle: str
) -> None:
    code = (
        f"import sys, analytics.bootstrap.{process}\n"
        f"print([m for m in {(*HEAVY, idle)} if m in sys.modules])"
    )
    asked = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asked.communicate()
    assert said.decode().strip() == "[]"
