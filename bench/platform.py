"""A platform of the benchmark's own: its ports, its data, no limit on requests."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from bench.load.processes import pss_mb, tree
from local.paths import ROOT
from local.plan import Plan

HOME = ROOT / ".ff" / "bench"
PORT = 9700
EMAIL, PASSWORD = "owner@bench.example", "a long enough sentence 42"
TIMEOUT = 600.0
WORKER = "analytics-worker"
SCORING = 1800.0  # seconds: a hundred thousand deals of an import, and their past
UNSCORED = """
SELECT (SELECT count(*) FROM rescoring WHERE due_at IS NOT NULL OR replay_at IS NOT NULL)
    + (SELECT count(*) FROM jobs WHERE status IN ('queued', 'running'))"""
UNSENT_MAILS = "SELECT count(*) FROM mails WHERE status = 'queued'"
VACUUMING = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'"
# What the local platform adds is counted apart: nobody runs a mail sink in production.
GROUPS = {
    "gateway": ("gateway",),
    "crm": ("crm",),
    "database": ("postgres",),
    "events": ("analytics", "notify", "nats", "auth", "valkey", "crm-worker"),
    "scoring": (WORKER,),
}


class BenchFailed(RuntimeError):
    """Something that is to be measured does not work."""


class Platform:
    """A running platform."""

    def __init__(self) -> None:
        self.plan = Plan(HOME, int(os.environ.get("FF_BENCH_PORT", PORT)))
        self.base = f"http://127.0.0.1:{self.plan.port('gateway')}"

    def command(self, *arguments: str) -> float:
        """Run one of the local platform's commands; the seconds it took."""
        told = {"FF_HOME": str(HOME), "FF_PORT": str(self.plan.base), "GATEWAY_RATE_LIMIT": "false"}
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "local", *arguments],
            env={**os.environ, **told},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BenchFailed(f"{' '.join(arguments)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return time.monotonic() - began

    @property
    def pids(self) -> dict[str, int]:
        """Every process by name."""
        services = json.loads((HOME / "local.json").read_text())["services"]
        return {name: unit["pid"] for name, unit in services.items() if unit["pid"]}

    @property
    def groups(self) -> dict[str, list[int]]:
        """Processes as they are shown."""
        pids = self.pids
        return {group: [pids[name] for name in names] for group, names in GROUPS.items()}

    def log(self, name: str) -> Path:
        """A process's log."""
        return HOME / "logs" / f"{name}.log"

    async def admin(self, database: str) -> asyncpg.Connection:
        """A database, entered as the superuser."""
        return await asyncpg.connect(self.plan.admin_url, database=database)

    async def at_rest(self) -> None:
        """Wait until the process with the science has ended: it stays a while after its work."""
        worker = self.pids[WORKER]
        deadline = time.monotonic() + TIMEOUT
        while pss_mb(tree(worker)[1:]):  # one that has ended and was not asked for has none
            if time.monotonic() > deadline:
                raise BenchFailed("the science did not come to rest")
            await _moment()

    async def settled(self) -> None:
        """Wait until everything that was written has been told and kept; mails take their time."""
        checks = {
            "crm": "SELECT count(*) FROM outbox WHERE sent_at IS NULL",
            "analytics": "SELECT count(*) FROM outbox WHERE sent_at IS NULL",
            "notify": "SELECT count(*) FROM outbox WHERE sent_at IS NULL",
        }
        for database, sql in checks.items():
            await self._zero(database, sql)
        await self._caught_up()

    async def scored(self) -> None:
        """Wait until what was written has been scored, an import's past replayed, and all told.

        Told first: what analytics has not heard of yet would be scored during what comes next.
        """
        await self.settled()
        while await self._left("analytics", UNSCORED):
            await self._zero("analytics", UNSCORED, patience=SCORING)
            await self.settled()

    async def quiet(self) -> None:
        """Wait until writes of before cost nothing more: mails have gone out, 20 a second, tables
        are vacuumed, scores are made.
        """
        await self.scored()
        await self._zero("notify", UNSENT_MAILS)
        await self._zero("crm", VACUUMING)

    async def _left(self, database: str, sql: str) -> int:
        connection = await self.admin(database)
        left: int = await connection.fetchval(sql)
        await connection.close()
        return left

    async def _zero(self, database: str, sql: str, *, patience: float = TIMEOUT) -> None:
        connection = await self.admin(database)
        deadline = time.monotonic() + patience
        while await connection.fetchval(sql):
            if time.monotonic() > deadline:
                raise BenchFailed(f"{database} did not come to rest")
            await _moment()
        await connection.close()

    async def _caught_up(self) -> None:
        """Until no consumer has anything left to take."""
        url = f"http://{self.plan.address('nats-monitor')}/jsz?consumers=true"
        deadline = time.monotonic() + TIMEOUT
        async with httpx.AsyncClient() as client:
            while True:
                state = (await client.get(url)).json()
                if not sum(left(consumer) for consumer in durable(state)):
                    return
                if time.monotonic() > deadline:
                    raise BenchFailed("a consumer did not catch up")
                await _moment()


def durable(state: Any) -> Iterator[Any]:
    """The consumers that outlive a connection, in what NATS says of itself."""
    for account in state.get("account_details", []):
        for stream in account.get("stream_detail", []):
            yield from (c for c in stream.get("consumer_detail") or [] if "-" in c["name"])


def left(consumer: Any) -> int:
    """How many messages it has still to handle."""
    return int(consumer.get("num_pending", 0)) + int(consumer.get("num_ack_pending", 0))


async def _moment() -> None:
    from asyncio import sleep

    await sleep(0.2)


@contextmanager
def running() -> Iterator[tuple[Platform, float]]:
    """A fresh platform and the seconds of its first start; it and its data go at the end."""
    platform = Platform()
    platform.command("reset", "--yes")
    try:
        yield platform, platform.command("up")
    finally:
        platform.command("reset", "--yes")
