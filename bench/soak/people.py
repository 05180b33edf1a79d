"""People at work: they read and write at once, and remember what they were told is stored."""

import asyncio
import random
import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from bench.platform import EMAIL, PASSWORD, Platform
from bench.workspace import connected

PAUSE = 0.2  # seconds before a refused write is tried again; with the same key it is done once
THINK = 0.05  # between two requests of one person
# What may be answered while a process is coming back; anything else is an error at any time.
AWAY = frozenset({0, 401, 409, 429, 502, 503, 504})
READS = (
    "/deals?limit=50",
    "/board",
    "/search?q=website",
    "/analytics/pipeline",
    "/notifications",
)


@dataclass
class Done:
    """What came of it all. `created` holds versions by id, as acknowledged."""

    created: dict[str, int] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    away: Counter[int] = field(default_factory=Counter)  # refused while something was coming back
    errors: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)


class People:
    """So many people of one workspace. `disturbed` says whether something is coming back."""

    def __init__(self, platform: Platform, count: int) -> None:
        self.done = Done()
        self.disturbed = False
        self._http = connected(platform)
        self._count = count
        self._ending = asyncio.Event()
        self._stages: list[str] = []
        self._signing_in = asyncio.Lock()

    async def work(self) -> None:
        """Until `end`; what was begun is finished."""
        async with self._http:
            while "Authorization" not in self._http.headers:
                await self._sign_in_again()
            stages = (await self._http.get("/stages")).raise_for_status().json()["items"]
            self._stages = [stage["id"] for stage in stages if stage["type"] == "open"][:2]
            await asyncio.gather(*(self._person() for _ in range(self._count)))

    def end(self) -> None:
        """Let them finish."""
        self._ending.set()

    async def _person(self) -> None:
        while not self._ending.is_set():
            deal = await self._write("create", "/deals", {"name": f"Soak {secrets.token_hex(4)}"})
            self.done.created[deal["id"]] = deal["version"]
            for _ in range(6):
                path = random.choice((*READS, f"/deals/{deal['id']}"))
                await self._once("read", "GET", path)
                await asyncio.sleep(THINK)
            other = next(id for id in self._stages if id != deal["stage_id"])
            moved = await self._write(
                "move", f"/deals/{deal['id']}/move", {"stage_id": other}, deal["version"]
            )
            self.done.created[deal["id"]] = moved["version"]

    async def _write(
        self, name: str, path: str, body: dict[str, str], version: int | None = None
    ) -> dict[str, Any]:
        """Repeated under one key until it is taken."""
        headers = {"Idempotency-Key": secrets.token_hex(16)}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        while True:
            answer = await self._once(name, "POST", path, json=body, headers=headers)
            if answer is not None:
                written: dict[str, Any] = answer.json()
                return written
            await asyncio.sleep(PAUSE)

    async def _once(self, name: str, method: str, path: str, **more: Any) -> httpx.Response | None:
        began = time.monotonic()
        self.done.requests[name] += 1
        try:
            answer = await self._http.request(method, path, **more)
            status = answer.status_code
        except httpx.TransportError:
            status = 0
        if 200 <= status < 300:
            self.done.latencies.append(time.monotonic() - began)
            return answer
        if status == 401:
            await self._sign_in_again()
        elif self.disturbed and status in AWAY:
            self.done.away[status] += 1
        else:
            self.done.errors[f"{method} {path.partition('?')[0][:20]}: {status}"] += 1
        return None

    async def _sign_in(self) -> None:
        person = {"email": EMAIL, "password": PASSWORD}
        answer = (await self._http.post("/auth/login", json=person)).raise_for_status()
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    async def _sign_in_again(self) -> None:
        async with self._signing_in:
            try:
                await self._sign_in()
            except httpx.HTTPError:
                await asyncio.sleep(PAUSE)  # auth is away too; the next refusal tries again
