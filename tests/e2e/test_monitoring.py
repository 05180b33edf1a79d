"""A real Prometheus watches the platform: it scrapes every process, evaluates every rule, answers
every dashboard, and tells only what is wrong."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from local.environment import base
from local.logs import open_log
from local.monitoring import BESIDE
from local.processes import Command, spawn, stop_group
from tests.e2e.support.api import Person
from tests.e2e.support.platform import ROOT, SERVICES, Platform, until

pytestmark = [pytest.mark.slow, pytest.mark.promtool]


class Prometheus:
    """What it says of itself."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def ready(self) -> bool:
        """Whether it answers."""
        try:
            return (await self._http.get("/-/ready")).is_success
        except httpx.TransportError:
            return False

    async def targets(self) -> set[tuple[str, str, str]]:
        """What is scraped, and how it is."""
        found = (await self._asked("targets"))["activeTargets"]
        return {
            (each["labels"]["service"], each["labels"]["component"], each["health"])
            for each in found
        }

    async def rules(self) -> list[dict[str, Any]]:
        """All rules, with their health."""
        return [rule for group in (await self._asked("rules"))["groups"] for rule in group["rules"]]

    async def answer(self, expression: str) -> list[Any]:
        """The series for which an expression has a value now."""
        series: list[Any] = (await self._asked("query", query=expression))["result"]
        return series

    async def told(self, *states: str) -> set[str]:
        """The alerts in these states."""
        return {rule["name"] for rule in await self.rules() if rule.get("state") in states}

    async def _asked(self, what: str, **parameters: str) -> dict[str, Any]:
        answer = await self._http.get(f"/api/v1/{what}", params=parameters)
        assert answer.is_success, (parameters, answer.text)
        data: dict[str, Any] = answer.json()["data"]
        return data


@pytest.fixture
async def prometheus(platform: Platform) -> AsyncIterator[Prometheus]:
    """Started as `make monitoring` starts it."""
    argv = [sys.executable, "-m", "local", "monitoring"]
    with open_log(platform.home / "logs" / "monitoring.log") as log:
        process = spawn(Command(argv=argv, cwd=ROOT, env=base(platform.plan)), log)
    address = f"http://127.0.0.1:{platform.plan.base + BESIDE}"
    try:
        async with httpx.AsyncClient(base_url=address) as http:
            it = Prometheus(http)
            await until(it.ready)
            yield it
    finally:
        await asyncio.to_thread(stop_group, process, signal.SIGTERM, 20.0)


SCRAPED = {
    *((service, "serve", "up") for service in SERVICES),
    ("crm", "worker", "up"),
    ("analytics", "worker", "up"),
}
# What a healthy platform without a cluster has nothing to show in.
EMPTY = {
    "Alerts that fire",
    "Calls that failed",
    "Checks of readiness that fail",
    "Last good backup",
    "Last restored",
    "Server errors by route",
    "Sign-ins refused, by the hour",
    "Unexpected errors",
}


def panels() -> Iterator[tuple[str, str]]:
    """Title and expression of all there is to look at, as of everything."""
    for file in sorted((ROOT / "deploy/observability/dashboards/out").iterdir()):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel.get("targets", []):
                asked = target["expr"].replace("$__rate_interval", "5m").replace("$service", ".*")
                yield panel["title"], asked


async def test_only_what_is_wrong_is_told(
    platform: Platform, prometheus: Prometheus, owner: Person
) -> None:
    await owner.new_deal()
    await owner.post("/clients", {"name": "Acme"}, 201)

    async def all_evaluated() -> bool:
        await owner.get("/deals")
        return {rule["health"] for rule in await prometheus.rules()} == {"ok"}

    await until(all_evaluated, patience=200)
    assert await prometheus.targets() == SCRAPED
    assert await prometheus.told("firing") == {"Watchdog"}

    async def all_drawn() -> bool:
        empty = {panel for panel, asked in panels() if not await prometheus.answer(asked)}
        return empty <= EMPTY

    await until(all_drawn)

    gateway = platform.pid("gateway")
    os.kill(gateway, signal.SIGSTOP)
    try:

        async def noticed() -> bool:
            return "GatewayDown" in await prometheus.told("pending", "firing")

        await until(noticed)
        assert "ServiceDown" not in await prometheus.told("pending", "firing")
    finally:
        os.kill(gateway, signal.SIGCONT)
