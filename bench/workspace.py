"""A workspace with many deals, as a customer would have it: registered, imported, exported."""

import asyncio
import csv
import io
import time
from datetime import UTC, timedelta
from typing import Any

import httpx

from bench.platform import EMAIL, PASSWORD, BenchFailed, Platform
from kit.clock import SystemClock

IMPORT_TIMEOUT = EXPORT_TIMEOUT = 900.0
COLUMNS = ("name", "external_id", "stage", "amount", "currency", "created_at")
BUSY = (httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT)
WORK = ("Website", "Logo", "Poster", "Catalogue", "Newsletter", "Packaging", "Audit", "Workshop")
FOR = ("Heron", "Weir", "Kestrel", "Otter", "Juniper", "Cobalt", "Meadow", "Quartz", "Linden")


async def fill(platform: Platform, deals: int) -> float:
    """Register, make a client, import the deals; the seconds from upload to the last one."""
    async with connected(platform) as http:
        stages = [str(stage["name"]) for stage in await register(http)]
        (await http.post("/clients", json={"name": "Bench & Sons"})).raise_for_status()
        began = time.monotonic()
        await _import(http, _file(stages, deals), deals)
        return time.monotonic() - began


async def export(platform: Platform, deals: int) -> float:
    """Have all deals written as CSV; the seconds until the last byte is here."""
    async with connected(platform) as http:
        await _sign_in(http, EMAIL)
        began = time.monotonic()
        asked = await http.post("/exports", json={"resource": "deals", "format": "csv"})
        path = f"/exports/{asked.raise_for_status().json()['id']}"
        while (found := await _asked(http, path, EMAIL))["status"] != "done":
            if found["status"] == "failed" or time.monotonic() - began > EXPORT_TIMEOUT:
                raise BenchFailed(f"the export ended badly: {found}")
            await asyncio.sleep(0.5)
        file = await http.get(f"{path}/file")
        if file.raise_for_status().content.count(b"\n") != deals + 1:
            raise BenchFailed("the export does not hold all deals")
        return time.monotonic() - began


def connected(platform: Platform) -> httpx.AsyncClient:
    """For the public API."""
    return httpx.AsyncClient(base_url=f"{platform.base}/api/v1", timeout=120)


async def register(http: httpx.AsyncClient, email: str = EMAIL) -> list[dict[str, Any]]:
    """Somebody with a workspace: the stages that can hold any deal, once crm has made them."""
    person = {"email": email, "password": PASSWORD, "name": "Bench", "currency": "EUR"}
    (await http.post("/auth/register", json=person)).raise_for_status()
    await _sign_in(http, email)
    while True:
        answer = await http.get("/stages")
        stages = answer.raise_for_status().json()["items"]
        if stages:
            return [stage for stage in stages if stage["type"] == "open"]
        await asyncio.sleep(0.1)


def _file(stages: list[str], deals: int) -> bytes:
    now = SystemClock().now().astimezone(UTC)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for number in range(deals):
        at = now - timedelta(minutes=number + 1)
        amount = f"{number * 37 % 100_000}.50"
        stage = stages[number % len(stages)]
        name = f"{WORK[number % len(WORK)]} for {FOR[number % len(FOR)]} {number}"
        writer.writerow([name, f"b{number}", stage, amount, "EUR", at.isoformat()])
    return text.getvalue().encode()


async def _import(http: httpx.AsyncClient, file: bytes, deals: int) -> None:
    upload = await http.post(
        "/imports", data={"resource": "deals"}, files={"file": ("deals.csv", file)}
    )
    upload.raise_for_status()
    path = f"/imports/{upload.json()['id']}"
    (await http.post(f"{path}/commit")).raise_for_status()
    deadline = time.monotonic() + IMPORT_TIMEOUT
    while time.monotonic() < deadline:
        await asyncio.sleep(0.5)
        found = await _asked(http, path, EMAIL)
        if found["status"] == "done" and found["created_rows"] == deals:
            return
        if found["status"] in ("done", "failed"):
            raise BenchFailed(f"the import ended badly: {found}")
    raise BenchFailed("the import took too long")


async def _asked(http: httpx.AsyncClient, path: str, email: str) -> dict[str, Any]:
    """What is there; a token lives ten minutes, and a busy machine may not answer at once."""
    while True:
        answer = await http.get(path)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            await _sign_in(http, email)
        elif answer.status_code in BUSY:
            await asyncio.sleep(1)
        else:
            found: dict[str, Any] = answer.raise_for_status().json()
            return found


async def _sign_in(http: httpx.AsyncClient, email: str) -> None:
    answer = await http.post("/auth/login", json={"email": email, "password": PASSWORD})
    http.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"
