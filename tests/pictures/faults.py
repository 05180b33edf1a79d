"""A service is away: what pages, panels and forms say meanwhile, and that they come back."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP
from typing import Any

from playwright.async_api import expect

from tests.e2e.support.api import Person, register
from tests.e2e.support.platform import until
from tests.pictures.camera import COMPANY, Camera

STATUS = Path(__file__).resolve().parents[2] / ".ff" / "status.json"
PATIENCE = 120_000  # milliseconds: a service that was killed many times waits before it starts


def _unit(name: str) -> dict[str, Any]:
    units: dict[str, dict[str, Any]] = json.loads(STATUS.read_text("utf-8"))["units"]
    return units[name]


@asynccontextmanager
async def _away(name: str) -> AsyncIterator[None]:
    """The service is killed, and who comes in its place is held before it listens."""
    killed = _unit(name)["pid"]
    os.kill(killed, SIGKILL)

    def has_follower() -> bool:
        return _unit(name)["pid"] not in (None, killed)

    await until(has_follower)
    stopped = _unit(name)["pid"]
    os.kill(stopped, SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(stopped, SIGCONT)

        def is_back() -> bool:
            return bool(_unit(name)["state"] == "ready")

        await asyncio.sleep(1)
        await until(is_back, patience=120)


async def _some(camera: Camera) -> tuple[Person, dict[str, Any], dict[str, Any]]:
    owner = await register(camera.http, "Olga")
    client = await owner.post("/clients", {"name": "Gärtnerei Süß", **COMPANY}, 201)
    deal = await owner.new_deal("Catalogue of roses", client_id=client["id"])
    return owner, client, deal


async def crm_away(camera: Camera) -> None:
    """The records cannot be read: pages, a panel, a move, a form that was filled in."""
    owner, client, deal = await _some(camera)
    here, form = await camera.window(owner), await camera.window(owner)
    await here.open("/pipeline")
    await here.is_live()
    await form.open(f"/clients/{client['id']}/edit")
    await form.page.get_by_label("In short").fill("Roses, mostly. Pays late.")
    async with _away("crm"):
        await here.card(deal).get_by_role("link").first.click()
        await here.page.wait_for_timeout(2500)
        await camera.take(here, "crm-away-panel", whole=False)
        await here.page.keyboard.press("Escape")
        await here.card(deal).locator(".card-menu").click()
        await here.page.wait_for_timeout(2500)
        await camera.take(here, "crm-away-move", whole=False)
        await form.page.get_by_role("button", name="Save client").click()
        await form.page.wait_for_load_state()
        await form.page.wait_for_timeout(1500)
        await camera.take(form, "crm-away-form")
        for path in ("/pipeline", "/", f"/deals/{deal['id']}", "/analytics", "/search?q=rose"):
            other = await camera.window(owner)
            await other.page.goto(other.url + path)
            await other.page.wait_for_timeout(2500)
            word = path.strip("/").partition("/")[0].partition("?")[0] or "today"
            await camera.take(other, f"crm-away-page-{word}")
    await form.page.get_by_role("button", name="Send it again").click()
    await expect(form.page.get_by_text("Roses, mostly. Pays late.")).to_be_visible(timeout=PATIENCE)
    await camera.take(form, "crm-back-form")
    await here.open("/pipeline")
    await here.card(deal).get_by_role("link").first.click()
    await expect(here.page.get_by_role("heading", name="Catalogue of roses")).to_be_visible(
        timeout=PATIENCE
    )


async def analytics_away(camera: Camera) -> None:
    """No numbers, and everything else works."""
    owner, client, deal = await _some(camera)
    await owner.move(deal, "Won")
    here = await camera.window(owner)
    await here.open("/analytics")
    async with _away("analytics"):
        for path, name in (
            ("/pipeline", "pipeline"),
            (f"/deals/{deal['id']}", "deal"),
            (f"/clients/{client['id']}", "client"),
            ("/", "today"),
            ("/analytics", "overview"),
            ("/analytics/clients", "clients"),
            ("/analytics/accuracy", "accuracy"),
        ):
            await here.page.goto(here.url + path)
            await here.page.wait_for_timeout(3000)
            await camera.take(here, f"analytics-away-{name}")
    await here.open("/analytics")
    await camera.take(here, "analytics-back")


async def others_away(camera: Camera) -> None:
    """Messages, and who somebody is."""
    owner, _, _ = await _some(camera)
    here = await camera.window(owner)
    async with _away("notify"):
        for path in ("/notifications", "/settings/notifications", "/"):
            await here.page.goto(here.url + path)
            await here.page.wait_for_timeout(2000)
            await camera.take(here, f"notify-away{path.replace('/', '-')}")
    async with _away("auth"):
        for path in ("/pipeline", "/sign-in", "/settings/members"):
            await here.page.goto(here.url + path)
            await here.page.wait_for_timeout(2000)
            await camera.take(here, f"auth-away{path.replace('/', '-')}")
        await here.page.goto(here.url + "/sign-in")
