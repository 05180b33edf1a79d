"""The life of a process: start, be ready, run until told to stop or a part breaks, end in order."""

import asyncio
import gc
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, NoReturn, Protocol

import orjson
import uvloop

from kit.http import Page, serve_pages
from kit.telemetry import Log, stop_exporting
from kit.telemetry.metrics import READY, exposition

CHECK_TIMEOUT = 2.0  # seconds
FLUSH_TIMEOUT = 5.0  # seconds for the last spans
YOUNG = 5_000  # new objects until the collector looks for cycles among them
log = Log(__name__)

Check = Callable[[], Awaitable[None]]
Background = Callable[[], Coroutine[Any, Any, None]]


class Server(Protocol):
    """Something that takes requests: stops before what it needs is stopped."""

    async def start(self, readiness: "Readiness") -> None:
        """Listen."""

    async def stop(self) -> None:
        """Take nothing new, finish what is in flight."""


class Readiness:
    """Whether requests may come: every check passes, and we are not about to stop."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._closed: str | None = "starting"

    def open(self) -> None:
        """Everything has been started."""
        self._closed = None

    def close(self) -> None:
        """We are about to stop."""
        self._closed = "draining"

    async def problems(self) -> dict[str, str]:
        """What is missing, by name; nothing means ready. A check says no by raising."""
        if self._closed is not None:
            return {"process": self._closed}
        found = await asyncio.gather(*(_problem(check) for check in self._checks.values()))
        return {name: text for name, text in zip(self._checks, found, strict=True) if text}

    async def tell(self) -> None:
        """Say of each check whether it passes, for whoever watches the platform."""
        problems = await self.problems()
        if self._closed is None:
            for name in self._checks:
                READY.labels(name).set(name not in problems)


async def run(
    *,
    name: str,
    internal_listen: str,
    servers: Sequence[Server] = (),
    background: Mapping[str, Background] | None = None,
    checks: Mapping[str, Check] | None = None,
) -> None:
    """Run until SIGTERM or SIGINT.

    A background coroutine that ends or raises ends the process: better one restart than half a
    service. Servers stop first and finish their calls while the background still runs.
    """
    readiness = Readiness(checks or {})
    async with AsyncExitStack() as ending:
        told_to_stop = _on_signals(ending)
        pages = await serve_pages(internal_listen, _pages(readiness))
        ending.callback(pages.close)
        tasks = [asyncio.create_task(body(), name=key) for key, body in (background or {}).items()]
        for task in tasks:
            ending.push_async_callback(_cancelled, task)
        for server in servers:
            await server.start(readiness)
            ending.push_async_callback(server.stop)
        keep_what_is_loaded()
        readiness.open()
        log.info("started", process=name)
        try:
            await _first(told_to_stop, tasks)
        finally:
            readiness.close()
            log.info("stopping", process=name)
    log.info("stopped", process=name)


def main(life: Coroutine[Any, Any, None]) -> NoReturn:
    """Run a service's whole life on uvloop; exits 1 if it broke."""

    async def whole() -> int:
        try:
            await life
        except Exception as error:
            log.error("crashed", error=error)
            return 1
        return 0

    code = uvloop.run(whole())
    _flush_spans()
    sys.exit(code)


class Ended(Exception):
    """A part that must not end has ended."""


async def _first(told_to_stop: asyncio.Event, tasks: Sequence[asyncio.Task[None]]) -> None:
    waiting = asyncio.create_task(told_to_stop.wait())
    try:
        done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    for task in done - {waiting}:
        raise Ended(f"{task.get_name()} has ended") from task.exception()


def keep_what_is_loaded() -> None:
    """Modules, models and routes stay for good: the collector need not walk them again and again.

    It took a fifth of the gateway's time before, and an eighth of an import's.
    """
    gc.collect()
    gc.freeze()
    _, middle, old = gc.get_threshold()
    gc.set_threshold(YOUNG, middle, old)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    except Exception as error:
        log.error("background_failed", error=error, task=task.get_name())


async def _problem(check: Check) -> str | None:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT):
            await check()
    except TimeoutError:
        return "no answer in time"
    except Exception as error:
        return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return None


def _flush_spans() -> None:
    # A thread nobody has to wait for: a collector that hangs must not keep the process.
    flushing = threading.Thread(target=stop_exporting, daemon=True)
    flushing.start()
    flushing.join(FLUSH_TIMEOUT)
    if flushing.is_alive():
        log.warning("spans_lost")


def _on_signals(ending: AsyncExitStack) -> asyncio.Event:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
        ending.callback(loop.remove_signal_handler, number)
    return told


def _pages(readiness: Readiness) -> Mapping[str, Callable[[], Awaitable[Page]]]:
    async def livez() -> Page:
        return Page("200 OK", "text/plain", b"alive\n")

    async def readyz() -> Page:
        problems = await readiness.problems()
        status = "503 Service Unavailable" if problems else "200 OK"
        body = orjson.dumps({"ready": not problems, "problems": problems})
        return Page(status, "application/json", body)

    async def metrics() -> Page:
        await readiness.tell()
        content_type, body = exposition()
        return Page("200 OK", content_type, body)

    return {"/livez": livez, "/readyz": readyz, "/metrics": metrics}
