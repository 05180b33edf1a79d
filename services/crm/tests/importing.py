"""A process that imports one file and says by how much its memory grew in each step.

    python -m services.crm.tests.importing deals file.csv step,step < dsns as JSON

What a process needs for its first import it needs once: a small one comes before.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from crm.adapters import takeout
from crm.application import imports as use_cases
from crm.application.takeout import create_takeout
from crm.application.uploads import upload
from crm.domain.import_fields import Resource
from crm.entrypoints.app import App
from kit.clock import SystemClock
from kit.database import open_pool
from kit.ids import new_id
from kit.jobs.celery import JobApp
from kit.jobs.table import find
from kit.paging import PageTokens
from services.crm.tests.factories import work_off

SMALL = b"name,external_id\nA,a\n"
STEPS = ("check", "write", "takeout")
PIECE = 64 * 1024


async def pieces(path: Path) -> AsyncIterator[bytes]:
    """The file, as it would come in."""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


async def of(content: bytes) -> AsyncIterator[bytes]:
    """A file of one piece."""
    yield content


class Importer:
    """One import from its upload on."""

    def __init__(self, app: App, resource: Resource) -> None:
        self._app = app
        self._resource = resource
        self._workspace_id, self._by = new_id(), new_id()
        self._import_id: UUID | None = None

    async def upload(self, content: AsyncIterator[bytes], name: str) -> UUID | None:
        """The job that is to open it, for a workbook."""
        made = await upload(
            lambda: self._app.unit_of_work(self._workspace_id),
            content,
            resource=self._resource,
            file_name=name,
            limit=self._app.max_import_bytes,
            by=self._by,
            now=self._app.clock.now(),
        )
        self._import_id = made.import_id
        return made.job_id

    async def work(self, job_id: UUID) -> dict[str, Any]:
        """What came of a job."""
        await work_off(self._app, str(job_id))
        async with self._app.unit_of_work(self._workspace_id) as uow:
            job = await find(uow, job_id)
        assert job.status == "done", job.error
        return job.result or {}

    async def step(self, name: str) -> dict[str, Any]:
        """A dry run, the writing, or all of the workspace taken out again."""
        if name == "takeout":
            return await self.work(await self._take_out())
        assert self._import_id is not None
        ask = use_cases.check_import if name == "check" else use_cases.commit_import
        async with self._app.unit_of_work(self._workspace_id) as uow:
            job_id = await ask(uow, import_id=self._import_id, by=self._by)
        return await self.work(job_id)

    async def _take_out(self) -> UUID:
        total = await takeout.total(self._app.pool, self._workspace_id, self._by)
        now = self._app.clock.now()
        async with self._app.unit_of_work(self._workspace_id) as uow:
            _, job_id = await create_takeout(uow, total=total, by=self._by, now=now)
        return job_id


def memory(what: str) -> int:
    """Bytes: VmRSS is what is there now, VmHWM the most that there was."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(what)).split()[1]) * 1024


def begin_anew() -> None:
    """The peak is what is there now."""
    Path("/proc/self/clear_refs").write_text("5")


async def grown(work: Callable[[], Awaitable[Any]]) -> tuple[Any, int]:
    """What comes of it, and by how much the peak was above what was there before."""
    begin_anew()
    before = memory("VmRSS")
    result = await work()
    return result, memory("VmHWM") - before


async def main() -> None:
    """Say it as JSON."""
    resource, path, steps = Resource(sys.argv[1]), Path(sys.argv[2]), sys.argv[3].split(",")
    dsns = json.load(sys.stdin)
    pools = [await open_pool(dsns[role], size=4, name=role) for role in ("app", "system")]
    app = App(
        pool=pools[0],
        system=pools[1],
        clock=SystemClock(),
        page_tokens=PageTokens("a key of thirty-two characters…"),
        jobs=JobApp("crm", "memory://"),
        max_import_bytes=50_000_000,
        wake_relay=lambda: None,
    )
    first = Importer(app, resource)
    await first.upload(of(SMALL), "small.csv")
    for name in STEPS:
        await first.step(name)
    importer, growth = Importer(app, resource), {}
    results: dict[str, Any] = {}
    job_id, growth["upload"] = await grown(lambda: importer.upload(pieces(path), path.name))
    if job_id is not None:
        _, growth["open"] = await grown(lambda: importer.work(job_id))
    for name in steps:
        results[name], growth[name] = await grown(partial(importer.step, name))
    sys.stdout.write(json.dumps({"growth": growth, "results": results}))
    for pool in pools:
        await pool.close()


if __name__ == "__main__":
    asyncio.run(main())
