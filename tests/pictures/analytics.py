"""Analytics of nothing, of little, and of both demo workspaces."""

import asyncio
from typing import Any

from tests.e2e.support.api import Person, register
from tests.e2e.support.browsing import Visit
from tests.pictures.camera import COMPANY, Camera


async def analytics_of_little(camera: Camera) -> None:
    """A new workspace, and one with three deals."""
    nobody = await register(camera.http, "Nora")
    some = await register(camera.http, "Sam")
    client = await some.post("/clients", {"name": "Bäckerei Groß", **COMPANY}, 201)
    deal: dict[str, Any] = {}
    for number, name in enumerate(("Website", "Logo", "Leaflets")):
        deal = await some.new_deal(
            name,
            client_id=client["id"],
            amount={"amount_minor": 120_000 * (number + 1), "currency": "EUR"},
        )
        if number == 0:
            await some.move(deal, "Won")
    await asyncio.sleep(12)
    for person, word in ((nobody, "empty"), (some, "three")):
        here = await camera.window(person)
        for part in ("", "/clients", "/deals", "/pipeline", "/accuracy"):
            await here.open(f"/analytics{part}")
            await scroll_through(here)
            await camera.take(here, f"analytics-{word}{part.replace('/', '-')}")
        await here.open("/")
        await camera.take(here, f"today-{word}")
    here = await camera.window(some)
    for path, word in ((f"/deals/{deal['id']}", "deal"), (f"/clients/{client['id']}", "client")):
        await here.open(path)
        await camera.take(here, f"{word}-three")


async def scroll_through(here: Visit) -> None:
    """So that everything that loads when it is seen is there."""
    await here.page.wait_for_timeout(700)
    for _ in range(5):
        await here.page.mouse.wheel(0, 700)
        await here.page.wait_for_timeout(350)
    await here.page.mouse.wheel(0, -6000)
    await here.page.wait_for_timeout(400)


async def analytics_of_studio(camera: Camera) -> None:
    """Both demo workspaces; the chart read by arrow keys."""
    workspaces = (await camera.demo.get("/workspaces"))["items"]
    for one in workspaces:
        person = Person(camera.http, camera.demo.email, camera.demo.password)
        await person.sign_in()
        person.take(await person.post(f"/workspaces/{one['id']}/switch"))
        here = await camera.window(person)
        word = "studio" if "tudio" in one["name"] else "export"
        for part in ("", "/clients", "/deals", "/pipeline", "/accuracy"):
            await here.open(f"/analytics{part}")
            await scroll_through(here)
            await camera.take(here, f"analytics-{word}{part.replace('/', '-')}")
        await here.open("/analytics")
        await scroll_through(here)
        chart = here.page.locator("[data-chart]").first
        await chart.focus()
        await chart.evaluate("(chart) => chart.scrollIntoView({block: 'center'})")
        for _ in range(3):
            await here.page.keyboard.press("ArrowLeft")
        await camera.take(here, f"chart-read-{word}", whole=False)
        await here.page.keyboard.press("Tab")
        await chart.locator("svg:visible .chart-month").nth(-3).hover()
        await camera.take(here, f"chart-pointed-at-{word}", whole=False)
