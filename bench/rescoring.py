"""What the analytics engine costs, through its own processes: `make bench BENCH=analytics`.

Facts of made-up workspaces are written into the database of a running platform; its scheduler, its
worker and its process with the science do the rest. How busy the machine was is printed beside each
line: seconds of the clock say little on a busy one, seconds of CPU say the same.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from bench import facts, workspace
from bench.freshness import percentile_ms
from bench.load.processes import cpu_seconds, pss_mb
from bench.platform import EMAIL, PASSWORD, WORKER, BenchFailed, Platform
from freelanceflow.analytics.v1 import analytics_service_pb2 as analytics_pb
from freelanceflow.analytics.v1 import figures_service_pb2 as figures_pb
from freelanceflow.analytics.v1 import prediction_service_pb2 as prediction_pb
from freelanceflow.analytics.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from freelanceflow.analytics.v1.figures_service_pb2_grpc import FiguresServiceStub
from freelanceflow.analytics.v1.prediction_service_pb2_grpc import PredictionServiceStub
from kit.rpc.client import Caller
from kit.rpc.identity import CallIdentity
from local.environment import environment
from local.servers import LOOPBACK, free_port

DEBOUNCE = 2.0
PATIENCE = 1800.0
DEAL_PATIENCE = 120.0
LOOK = 0.05
TURN = "UPDATE rescoring SET due_at = now(), refit_due_at = {} WHERE workspace_id = ANY($1)"
LEFT = """
SELECT count(*) FROM rescoring r WHERE workspace_id = ANY($1) AND (due_at <= now()
    OR refit_due_at <= now()
    OR EXISTS (SELECT FROM jobs j WHERE j.id = r.job_id AND j.status IN ('queued', 'running')))"""
YESTERDAYS = "UPDATE deal_scores SET age_days = age_days - 1 WHERE workspace_id = $1"


@dataclass(frozen=True)
class Size:
    """How much is measured; `small` workspaces of sixty deals are fitted."""

    large: int = 100_000
    small: int = 1000
    imported: int = 5000
    reads: int = 100
    changes: int = 30

    @classmethod
    def asked(cls) -> "Size":
        """Less of it with BENCH_LARGE and BENCH_SMALL."""
        asked = {name: os.environ.get(f"BENCH_{name.upper()}") for name in ("large", "small")}
        return cls(**{name: int(value) for name, value in asked.items() if value})


async def measure(platform: Platform, size: Size) -> None:
    """Print every line."""
    await platform.at_rest()
    _say("worker at rest", f"{pss_mb([platform.pids[WORKER]]):.0f} MB", "≤ 90 MB")
    analytics = await platform.admin("analytics")
    await workspace.fill(platform, size.imported)
    await platform.settled()
    await platform.scored()
    await _reads(platform, size)
    await _changes(platform, size)
    await _large(platform, analytics, size)
    await _nights(platform, analytics, size)
    await analytics.close()


async def _large(platform: Platform, analytics: asyncpg.Connection, size: Size) -> None:
    made = await facts.make(analytics, size.large, clients=size.large // 50)
    await analytics.execute("ANALYZE")
    name = f"{size.large:,} deals"

    async def moved() -> None:
        await facts.move(analytics, made)

    async def aged() -> None:
        await analytics.execute(YESTERDAYS, made, timeout=300)

    async def nothing() -> None:
        pass

    turns: list[tuple[str, Callable[[], Awaitable[None]], bool, str]] = [
        (f"{name}: first scoring, with all fits", nothing, True, ""),
        (f"{name}: after a move", moved, False, "≤ 10 s"),
        (f"{name}: every open deal's row changes", aged, False, "≤ 10 s"),
        (f"{name}: a night, with the fit", aged, True, ""),
    ]
    for words, before, refit, aim in turns:
        await before()
        seconds, cpu, peak = await _turn(platform, analytics, [made], refit=refit)
        _say(words, f"{seconds:.1f} s, {cpu:.1f} s of CPU, {peak:.0f} MB", aim)


async def _nights(platform: Platform, analytics: asyncpg.Connection, size: Size) -> None:
    many = [await facts.make(analytics, 60, clients=12) for _ in range(size.small)]
    await analytics.execute("ANALYZE")
    with _second_worker(platform) as second:
        for night in ("first", "usual"):
            seconds, cpu, peak = await _turn(platform, analytics, many, second, refit=True)
            whole = f", {1000 * seconds / size.small / 60:.1f} minutes for 1,000"
            found = f"{seconds:.0f} s, {cpu:.0f} s of CPU, {peak:.0f} MB"
            words = f"{night} night of {size.small:,} workspaces of 60 deals, two workers"
            _say(words, found + (whole if size.small != 1000 else ""), "≤ 10 minutes for 1,000")


@contextmanager
def _second_worker(platform: Platform) -> Iterator[int]:
    """Its process id. A worker computes on one core, and the aim is for two."""
    told = environment(platform.plan, "analytics", INTERNAL_LISTEN=f"{LOOPBACK}:{free_port()}")
    command, everything = [sys.executable, "-m", "analytics", "worker"], {**os.environ, **told}
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(command, env=everything, stdout=nowhere, stderr=nowhere) as worker:
        try:
            yield worker.pid
        finally:
            worker.terminate()


async def _turn(
    platform: Platform,
    analytics: asyncpg.Connection,
    workspaces: list[UUID],
    *others: int,
    refit: bool,
) -> tuple[float, float, float]:
    """Seconds, seconds of CPU and the largest memory of a worker until all have had a turn."""
    workers = [platform.pids[WORKER], *others]
    began, cpu, peak = time.monotonic(), cpu_seconds(workers), 0.0
    await analytics.execute(TURN.format("now()" if refit else "refit_due_at"), workspaces)
    while await analytics.fetchval(LEFT, workspaces):
        peak = max(peak, *(pss_mb([worker]) for worker in workers))
        if time.monotonic() - began > PATIENCE:
            raise BenchFailed("the worker did not come to an end")
        await asyncio.sleep(LOOK)
    return time.monotonic() - began, cpu_seconds(workers) - cpu, peak


async def _reads(platform: Platform, size: Size) -> None:
    me = CallIdentity(token=await _token(platform))
    caller = Caller(platform.plan.address("analytics"), "analytics")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(caller.close)
        figures = FiguresServiceStub(caller.channel)
        predictions = PredictionServiceStub(caller.channel)
        pipeline = AnalyticsServiceStub(caller.channel)
        asked: dict[str, tuple[Any, Any]] = {
            "summary": (figures.GetSummary, figures_pb.GetSummaryRequest()),
            "health": (figures.GetHealth, figures_pb.GetHealthRequest()),
            "conversion": (figures.GetConversion, figures_pb.GetConversionRequest()),
            "clients": (figures.GetClients, figures_pb.GetClientsRequest()),
            "activity": (figures.GetActivity, figures_pb.GetActivityRequest()),
            "pipeline": (pipeline.GetPipeline, analytics_pb.GetPipelineRequest()),
            "velocity": (pipeline.GetVelocity, analytics_pb.GetVelocityRequest()),
            "forecast": (predictions.GetForecast, prediction_pb.GetForecastRequest()),
            "odds": (predictions.ListDealOdds, prediction_pb.ListDealOddsRequest()),
            "risks": (predictions.ListClientRisks, prediction_pb.ListClientRisksRequest()),
        }
        for name, (method, request) in asked.items():
            took = [await _timed(caller, method, request, me) for _ in range(size.reads)]
            p50, p95 = percentile_ms(took, 0.5), percentile_ms(took, 0.95)
            _say(f"read of {name}", f"p50 {p50:.1f} ms, p95 {p95:.1f} ms", "p95 ≤ 20 ms")


async def _timed(caller: Caller, method: Any, request: Any, me: CallIdentity) -> float:
    began = time.perf_counter()
    await caller.call(method, request, identity=me, timeout=10)
    return time.perf_counter() - began


async def _changes(platform: Platform, size: Size) -> None:
    """A deal that comes to be is told for sure; moves whose odds stay as they were are not. Nothing
    is told before a deal has closed, so the first one is won."""
    took = []
    async with httpx.AsyncClient(base_url=f"{platform.base}/api/v1", timeout=30) as http:
        http.headers["Authorization"] = f"Bearer {await _token(platform)}"
        stages = (await http.get("/stages")).json()["items"]
        won = next(stage["id"] for stage in stages if stage["type"] == "won")
        first = (await http.get("/deals", params={"limit": 1})).json()["items"][0]
        version = {"If-Match": f'"{first["version"]}"'}
        path = f"/deals/{first['id']}/move"
        (await http.post(path, json={"stage_id": won}, headers=version)).raise_for_status()
        for number in range(size.changes + 1):
            body = {"name": f"New {number}", "amount": {"amount_minor": 500_00, "currency": "EUR"}}
            made = (await http.post("/deals", json=body)).raise_for_status().json()
            began = time.monotonic()
            while (await http.get(f"/deals/{made['id']}")).json()["win_probability"] is None:
                if time.monotonic() - began > DEAL_PATIENCE:
                    raise BenchFailed("a deal was not scored")
                await asyncio.sleep(LOOK)
            if number:  # the first one starts the process with the science
                took.append(time.monotonic() - began - DEBOUNCE)
    p50, p99 = percentile_ms(took, 0.5), percentile_ms(took, 0.99)
    words = "change to its odds on the board, after the debounce"
    _say(words, f"p50 {p50:.0f} ms, p99 {p99:.0f} ms of {len(took)}", "p99 ≤ 2 s")


async def _token(platform: Platform) -> str:
    async with httpx.AsyncClient(base_url=f"{platform.base}/api/v1", timeout=30) as http:
        answer = await http.post("/auth/login", json={"email": EMAIL, "password": PASSWORD})
        return str(answer.raise_for_status().json()["access_token"])


def _say(what: str, found: str, aim: str) -> None:
    busy = os.getloadavg()[0]
    sys.stdout.write(f"{what:58} {found:48} {aim:24} load {busy:.1f}\n")
    sys.stdout.flush()
