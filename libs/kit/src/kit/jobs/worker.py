"""The working side of jobs: a Celery worker of one process, with an event loop in a thread.

    def main() -> None:                                  # python -m crm worker
        jobs = JobApp("crm", broker_url)
        JobWorker(jobs, open_app=open_app, handlers={"import": run_import}, listen=…).run()

A handler is `async def run_import(app, task: Task) -> dict | None`. It works in units of the job's
workspace, says how far it is (`task.report`), keeps the loop free (long computing goes to a
thread) and may be run again from its start at any time. What grows large or may crash is better
off in a process of the handler's own making.
"""

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import CancelledError
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from socket import gethostname
from time import perf_counter
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

import uvloop
from celery import signals

from kit.errors import DomainError, ErrorKind
from kit.http import Page, serve_pages
from kit.jobs import table
from kit.jobs.celery import JobApp
from kit.jobs.table import ATTEMPTS, LEASE, Job, LeaseLost
from kit.pool import DATABASE_LOST, Pool
from kit.runtime import keep_what_is_loaded
from kit.sight import Sight, seeing
from kit.telemetry import Log, span
from kit.telemetry.metrics import JOB_DURATION, exposition
from kit.unit_of_work import UnitOfWork

LOOK_EVERY = 10.0  # seconds between looks for jobs that nobody works on
CLOSE_TIMEOUT = 10.0
GRACE = 15.0  # seconds that a job may go on after the worker was told to stop
TRY_EVERY = 0.5
_TRY_AGAIN = (ErrorKind.UNAVAILABLE, ErrorKind.STALE, ErrorKind.EXHAUSTED)

log = Log(__name__)
T = TypeVar("T")


class WorkerApp(Protocol):
    """What a service's app must have for its jobs."""

    @property
    def system(self) -> Pool:
        """The system role's pool."""


A = TypeVar("A", bound=WorkerApp)


class Task:
    """A job while it is being worked on."""

    def __init__(self, system: Pool, job: Job) -> None:
        self.job = job
        self.ended = False
        self._system = system

    async def report(self, progress: int, total: int) -> None:
        """Say how far it is. Raises LeaseLost: then somebody else has it, and we stop."""
        await table.report(self._system, self.job, progress=progress, total=total)

    async def end_with(self, uow: UnitOfWork, result: dict[str, Any]) -> None:
        """It is done when `uow` is committed, with what that tells; the last thing a handler does.

        Raises LeaseLost.
        """
        await table.succeed(uow, self.job, result=result)
        await uow.commit()
        self.ended = True


Handler = Callable[[A, Task], Awaitable[dict[str, Any] | None]]
Failed = Callable[[A, Job, str], Awaitable[None]]  # raises LeaseLost
DIED = "The worker died each time."


class JobWorker(Generic[A]):
    """Works on a service's jobs, one at a time.

    `open_app` is entered on the loop of the jobs. /livez, /readyz and /metrics are at `listen`.
    `failed` ends a job that is not tried again, for a service that tells of it (`table.fail`).
    Told to stop, it lets the job in hand go on for a while and then gives it back.
    """

    def __init__(
        self,
        jobs: JobApp,
        *,
        open_app: Callable[[], AbstractAsyncContextManager[A]],
        handlers: Mapping[str, Handler[A]],
        listen: str,
        grace: float = GRACE,
        failed: Failed[A] | None = None,
    ) -> None:
        self._jobs = jobs
        self._open_app = open_app
        self._handlers = handlers
        self._listen = listen
        self._grace = grace
        self._failed = failed
        self._loop = _Loop()
        self._open = AsyncExitStack()
        self._app: A | None = None
        self._one_at_a_time = asyncio.Lock()
        self._in_hand: asyncio.Task[Any] | None = None

    def run(self) -> None:
        """Be the worker until told to stop."""
        for kind in self._handlers:
            self._register(kind)
        signals.setup_logging.connect(_leave_logging_alone, weak=False)
        signals.worker_init.connect(_settle, weak=False)
        signals.worker_process_init.connect(self._begins, weak=False)
        signals.worker_shutting_down.connect(self._told_to_stop, weak=False)
        signals.worker_shutdown.connect(self._ends, weak=False)
        # As the command `celery worker` does it, without the 10 MB of a command line.
        worker = self._jobs.celery.Worker(
            pool_cls="solo",
            concurrency=1,
            without_gossip=True,
            without_mingle=True,
            loglevel="WARNING",
            hostname=f"{self._jobs.service}@{gethostname()}",
            quiet=True,
        )
        worker.start()
        sys.exit(worker.exitcode)

    def _register(self, kind: str) -> None:
        @self._jobs.celery.task(name=self._jobs.task_name(kind))  # type: ignore[untyped-decorator]
        def work(job_id: str) -> None:
            with suppress(CancelledError):  # it was given back
                self._loop.run(self.work(kind, UUID(job_id)))

    def _begins(self, **_: Any) -> None:
        self._loop.start()
        try:
            self._loop.run(self.begin())
        except Exception as error:  # Celery would log it, and be a worker that can do nothing
            log.error("crashed", error=error)
            sys.exit(1)

    def _told_to_stop(self, **_: Any) -> None:
        self._loop.later(self._grace, self._give_up)

    def _give_up(self) -> None:
        if self._in_hand is not None:
            self._in_hand.cancel()

    def _ends(self, **_: Any) -> None:
        self._loop.run(self.end(), timeout=CLOSE_TIMEOUT)

    async def begin(self) -> None:
        """Open the app, its pages, and look for what was left behind."""
        self._app = await self._open.enter_async_context(self._open_app())
        server = await serve_pages(self._listen, {path: _page for path in _ALIVE} | _METRICS)
        self._open.callback(server.close)
        looking = asyncio.create_task(self._look())
        self._open.push_async_callback(_ended, looking)

    async def end(self) -> None:
        """Close what `begin` opened."""
        await self._open.aclose()

    async def work(self, kind: str, job_id: UUID) -> None:
        """Do one job, if it is still to be done and nobody has it."""
        assert self._app is not None, "work came before the app was opened"
        system = self._app.system
        async with self._one_at_a_time:
            job = await table.claim(system, job_id)
            if job is None:
                return
            self._in_hand = asyncio.current_task()
            with span(f"job {kind}", "consumer", parent=job.traceparent):
                try:
                    await self._attempt(system, job)
                except LeaseLost:
                    log.warning("job_lease_lost", job=str(job.id), kind=kind)
                finally:
                    self._in_hand = None

    async def _attempt(self, system: Pool, job: Job) -> None:
        assert self._app is not None
        handler, began, outcome = self._handlers[job.kind], perf_counter(), "done"
        task = Task(system, job)
        try:
            with seeing(Sight.of_setting(job.sight)):
                result = await _while_leased(system, job, handler(self._app, task))
        except LeaseLost:
            outcome = "lost"
            raise
        except asyncio.CancelledError:
            outcome = "stopped"
            await table.give_back(system, job, error="The worker was told to stop.")
            raise
        except DomainError as error:
            outcome = "failed"
            await self._fails(
                system, job, error, again=error.kind in _TRY_AGAIN, said=error.message
            )
        except Exception as error:
            outcome = "failed"
            await self._fails(system, job, error, again=True, said=type(error).__name__)
        else:
            if not task.ended:
                await _once_it_answers(lambda: table.end(system, job, result=result))
        finally:
            JOB_DURATION.labels(job.kind, outcome).observe(perf_counter() - began)

    async def _fails(
        self, system: Pool, job: Job, error: Exception, *, again: bool, said: str
    ) -> None:
        log.error("job_failed", error=error, job=str(job.id), kind=job.kind, attempt=job.attempts)
        if again and job.attempts < ATTEMPTS:
            await _once_it_answers(lambda: table.give_back(system, job, error=said))
        else:
            await self._ends_badly(system, job, said)

    async def _ends_badly(self, system: Pool, job: Job, said: str) -> None:
        app, failed = self._app, self._failed
        assert app is not None
        if failed is None:
            await _once_it_answers(lambda: table.end(system, job, result=None, error=said))
        else:
            await _once_it_answers(lambda: failed(app, job, said))

    async def give_up(self) -> None:
        """End what killed its worker each time."""
        assert self._app is not None
        system = self._app.system
        for job in await table.given_up(system, self._handlers):
            with suppress(LeaseLost):
                await self._ends_badly(system, job, job.error or DIED)

    async def _look(self) -> None:
        """Whatever the broker forgot or never got is found here."""
        assert self._app is not None
        while True:
            try:
                await self.give_up()
                for kind, job_id in await table.abandoned(self._app.system, self._handlers):
                    await self.work(kind, job_id)
            except Exception as error:  # this is the safety net: it must not tear
                log.error("jobs_not_looked_for", error=error)
            await asyncio.sleep(LOOK_EVERY)


async def _ended(looking: asyncio.Task[None]) -> None:
    """What it works on is given back before the app is closed."""
    looking.cancel()
    await asyncio.wait({looking})


async def _while_leased(system: Pool, job: Job, work: Awaitable[T]) -> T:
    """The work's result. Raises LeaseLost as soon as the lease is, and stops the work."""
    working = asyncio.ensure_future(work)
    renewing = asyncio.create_task(_renew(system, job))
    try:
        await asyncio.wait({working, renewing}, return_when=asyncio.FIRST_COMPLETED)
        if renewing.done() and not working.done():
            renewing.result()
        return await working
    finally:
        renewing.cancel()
        working.cancel()
        await asyncio.wait({working})


async def _renew(system: Pool, job: Job) -> None:
    while True:
        await asyncio.sleep(LEASE.total_seconds() / 3)
        try:
            await table.renew(system, job)
        except DATABASE_LOST as error:
            log.warning("job_lease_not_renewed", cause=repr(error))  # there are two more chances


async def _once_it_answers(write: Callable[[], Awaitable[None]]) -> None:
    """Say how a job ended, also if the database is away for a moment: else it would wait for its
    lease to run out, and what is done would be done again."""
    tries_end = asyncio.get_running_loop().time() + LEASE.total_seconds()
    while True:
        try:
            return await write()
        except DATABASE_LOST:
            if asyncio.get_running_loop().time() > tries_end:
                raise
            await asyncio.sleep(TRY_EVERY)


class _Loop:
    """An event loop in a thread, for the life of a worker: its main thread is Celery's."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        self._loop = uvloop.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="jobs", daemon=True).start()

    def run(self, work: Coroutine[Any, Any, T], *, timeout: float | None = None) -> T:
        assert self._loop is not None, "the worker has not begun"
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        if self._loop is not None:
            loop = self._loop
            loop.call_soon_threadsafe(lambda: loop.call_later(seconds, call))


def _settle(**_: Any) -> None:
    keep_what_is_loaded()


def _leave_logging_alone(**_: Any) -> None:
    """Somebody who listens to this signal keeps Celery from writing lines of its own shape."""


async def _page() -> Page:
    return Page("200 OK", "text/plain", b"working\n")


async def _metrics() -> Page:
    content_type, body = exposition()
    return Page("200 OK", content_type, body)


_ALIVE = ("/livez", "/readyz")
_METRICS = {"/metrics": _metrics}
