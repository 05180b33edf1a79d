"""The sample service's worker, as its own process: `python -m libs.kit.tests.sample.worker`."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from kit.database import Pool, open_pool
from kit.jobs.celery import JobApp
from kit.jobs.worker import JobWorker, Task


@dataclass
class App:
    system: Pool


@asynccontextmanager
async def open_app() -> AsyncIterator[App]:
    pool = await open_pool(os.environ["SAMPLE_DATABASE_URL_SYSTEM"], size=4, name="sample-worker")
    try:
        yield App(pool)
    finally:
        await pool.close()


async def count(app: App, task: Task) -> dict[str, Any]:
    for done in range(task.job.args["to"]):
        await task.report(done + 1, task.job.args["to"])
        await asyncio.sleep(task.job.args.get("rest", 0))
    return {"counted": task.job.args["to"], "by": os.getpid()}


def main() -> None:
    jobs = JobApp("sample", os.environ["SAMPLE_BROKER_URL"])
    JobWorker(
        jobs,
        open_app=open_app,
        handlers={"count": count},
        listen=os.environ["SAMPLE_LISTEN"],
        grace=0.5,
    ).run()


if __name__ == "__main__":
    main()
