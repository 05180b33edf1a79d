"""The process with the science: a request per line, an answer per line, until nobody asks."""

import asyncio
import ctypes
import gc
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from analytics.adapters.rescoring import Fence, somebody_waits
from analytics.application.answering import answer
from analytics.application.replaying import SomebodyWaits, replay_the_past
from analytics.application.report_jobs import make_report
from analytics.application.rescoring import rescore
from analytics.application.scoring import OpenUnit
from analytics.domain.work import ANSWER, REPLAY, REPORT, RESCORE
from analytics.entrypoints.patience import patient
from analytics.entrypoints.report import gathering
from analytics.entrypoints.store import Store
from kit.jobs.table import LeaseLost
from kit.sight import Sight, seeing
from kit.telemetry import Log

LINE = 2**20
LARGE = 240 * 2**20  # bytes of memory from which on it does not stay after its work

YOUNG = 20_000  # new objects until the collector looks for cycles: rows are many, and hold none

log = Log(__name__)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What one job asks for."""

    open_unit: OpenUnit
    fence: Fence
    now: datetime
    args: dict[str, Any]
    somebody_waits: SomebodyWaits


async def _rescore(request: Request) -> dict[str, Any]:
    return await rescore(
        request.open_unit, request.fence, now=request.now, refit=bool(request.args.get("refit"))
    )


async def _replay(request: Request) -> dict[str, Any]:
    return await replay_the_past(
        request.open_unit, request.fence, request.somebody_waits, now=request.now
    )


async def _answer_question(request: Request) -> dict[str, Any]:
    return await answer(request.open_unit, request.fence, request.args, now=request.now)


async def _report(request: Request) -> dict[str, Any]:
    """Typst is as heavy as the science, and as seldom needed."""
    args = request.args
    # Jobs of an earlier version name no workspace.
    gather = gathering(args["locale"], args.get("workspace_name", ""))
    with seeing(Sight.of_setting(args["sight"])):
        return await make_report(request.open_unit, args, gather, now=request.now)


Answering = Callable[[Request], Awaitable[dict[str, Any]]]

ANSWERS: dict[str, Answering] = {
    RESCORE: _rescore,
    REPLAY: _replay,
    ANSWER: _answer_question,
    REPORT: _report,
}


async def answer_requests(store: Store, *, idle: float) -> None:
    """Serve standard input and output until it ends or nobody has asked for `idle` seconds."""
    out = _own_output()
    _, middle, old = gc.get_threshold()
    gc.set_threshold(YOUNG, middle, old)
    lines = await _lines()
    while True:
        try:
            line = await asyncio.wait_for(lines.readline(), idle)
        except TimeoutError:
            return
        if not line:
            return
        watching = asyncio.create_task(_end_with_parent(lines))
        answer = await _answer(store, json.loads(line))
        watching.cancel()
        out.write(json.dumps(answer).encode() + b"\n")
        out.flush()
        _tidy()
        if _memory() > LARGE:
            return


async def _answer(store: Store, asked: dict[str, Any]) -> dict[str, Any]:
    workspace_id = UUID(asked["workspace_id"])
    request = Request(
        open_unit=lambda: patient(store.unit_of_work(workspace_id)),
        fence=Fence(UUID(asked["job_id"]), asked["attempts"]),
        now=store.clock.now(),
        args=asked["args"],
        somebody_waits=lambda: somebody_waits(store.system),
    )
    try:
        return {"result": await ANSWERS[asked["kind"]](request)}
    except LeaseLost:
        return {"error": "LeaseLost", "words": ""}
    except Exception as error:  # the parent tells it: this process has nobody else to tell
        log.error("science_failed", error=error, kind=asked["kind"], job=asked["job_id"])
        return {"error": type(error).__name__, "words": f"{type(error).__name__}: {error}"[:500]}


async def _end_with_parent(lines: asyncio.StreamReader) -> None:
    """Nobody waits for the answer any more: what is half done is undone with the connection."""
    if not await lines.readline():
        os._exit(1)


def _own_output() -> Any:
    """Answers go where standard output went; whatever else is printed goes to the log."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return out


async def _lines() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=LINE)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def _tidy() -> None:
    """Give back what the last request left: large tables in rings of objects, a heap with holes.

    Only the C library knows of the holes, and only glibc can be told; elsewhere they stay.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _memory() -> int:
    """Bytes this process holds for itself; the pages of libraries are not its own.

    With them it ended after every small workspace of a night, and spent its time on starting.
    """
    try:
        with open("/proc/self/statm", encoding="ascii") as told:
            _, resident, shared, *_ = map(int, told.read().split())
            return (resident - shared) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # not Linux: it ends when idle
        return 0
