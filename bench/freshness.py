"""How old a change is when others see it: the report's own tables, and another browser."""

import asyncio
import json
import math
import time
from collections.abc import Sequence

import asyncpg
import httpx

from bench.platform import EMAIL, PASSWORD, Platform

PACE = 0.05  # seconds between moves
LOOK = 0.002
PATIENCE = 10.0
WARM_UP = 20
VERSION = "SELECT version FROM deals WHERE deal_id = $1"


async def measure(platform: Platform, moves: int) -> tuple[list[float], list[float]]:
    """Seconds from a move's answer until analytics has it, and until another window hears it."""
    async with httpx.AsyncClient(base_url=f"{platform.base}/api/v1", timeout=30) as http:
        answer = await http.post("/auth/login", json={"email": EMAIL, "password": PASSWORD})
        http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        stages = [s["id"] for s in (await http.get("/stages")).json()["items"][:2]]
        deals = (await http.get("/deals", params={"limit": 100})).json()["items"]
        analytics = await platform.admin("analytics")
        heard: dict[tuple[str, int], float] = {}
        listening = asyncio.create_task(_listen(http, heard))
        await asyncio.sleep(0.5)
        kept, seen = [], []
        for number in range(moves + WARM_UP):
            deal = deals[number % len(deals)]
            other = next(stage for stage in stages if stage != deal["stage_id"])
            moved = await http.post(
                f"/deals/{deal['id']}/move",
                json={"stage_id": other},
                headers={"If-Match": f'"{deal["version"]}"'},
            )
            done = time.monotonic()
            deal |= moved.raise_for_status().json()
            key = (deal["id"], deal["version"])
            in_reports = await _kept(analytics, *key) - done
            if number >= WARM_UP:
                kept.append(max(0.0, in_reports))
                seen.append(max(0.0, await _heard(heard, key) - done))
            await asyncio.sleep(PACE)
        listening.cancel()
        await analytics.close()
    return kept, seen


def percentile_ms(seconds: Sequence[float], share: float) -> float:
    """Of these."""
    ordered = sorted(seconds)
    return 1000 * ordered[max(0, math.ceil(share * len(ordered)) - 1)]


async def _listen(http: httpx.AsyncClient, heard: dict[tuple[str, int], float]) -> None:
    async with http.stream("GET", "/events", timeout=None) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("data: ") and "version" in line:
                told = json.loads(line[6:])
                heard.setdefault((told["id"], told["version"]), time.monotonic())


async def _kept(analytics: asyncpg.Connection, deal_id: str, version: int) -> float:
    async with asyncio.timeout(PATIENCE):
        while (await analytics.fetchval(VERSION, deal_id) or 0) < version:  # noqa: ASYNC110 – not here
            await asyncio.sleep(LOOK)
    return time.monotonic()


async def _heard(heard: dict[tuple[str, int], float], key: tuple[str, int]) -> float:
    async with asyncio.timeout(PATIENCE):
        while key not in heard:  # noqa: ASYNC110 – another task fills it
            await asyncio.sleep(LOOK)
    return heard[key]
