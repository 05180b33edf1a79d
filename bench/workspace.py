"""A workspace with many deals, brought in as a customer would: registered, uploaded, imported."""

import asyncio
import csv
import io
import time
from datetime import UTC, timedelta

import httpx

from bench.platform import EMAIL, PASSWORD, BenchFailed, Platform
from kit.clock import SystemClock

IMPORT_TIMEOUT = 900.0
COLUMNS = ("name", "external_id", "stage", "amount", "currency", "created_at")


async def fill(platform: Platform, deals: int) -> float:
    """Register, make a client, import the deals; the seconds from upload to the last one."""
    async with httpx.AsyncClient(base_url=f"{platform.base}/api/v1", timeout=120) as http:
        person = {"email": EMAIL, "password": PASSWORD, "name": "Bench", "currency": "EUR"}
        (await http.post("/auth/register", json=person)).raise_for_status()
        await _sign_in(http)
        stages = await _stages(http)
        (await http.post("/clients", json={"name": "Bench & Sons"})).raise_for_status()
        began = time.monotonic()
        await _import(http, _file(stages, deals), deals)
        return time.monotonic() - began


async def _stages(http: httpx.AsyncClient) -> list[str]:
    """Those that can hold any deal; they are there once crm has heard of the workspace."""
    while True:
        answer = await http.get("/stages")
        answer.raise_for_status()
        names = [str(s["name"]) for s in answer.json()["items"] if s["type"] == "open"]
        if names:
            return names
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
        writer.writerow([f"Deal {number}", f"b{number}", stage, amount, "EUR", at.isoformat()])
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
        answer = await http.get(path)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            await _sign_in(http)
            continue
        found = answer.raise_for_status().json()
        if found["status"] == "done" and found["created_rows"] == deals:
            return
        if found["status"] in ("done", "failed"):
            raise BenchFailed(f"the import ended badly: {found}")
    raise BenchFailed("the import took too long")


async def _sign_in(http: httpx.AsyncClient) -> None:
    answer = await http.post("/auth/login", json={"email": EMAIL, "password": PASSWORD})
    http.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"
