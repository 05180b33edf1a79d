"""`python -m tests.pictures [part of a scene's name …]`"""

import asyncio
import os
import sys
from pathlib import Path

import httpx
from playwright.async_api import async_playwright

from local import state
from local.browser import find
from local.paths import home
from tests.e2e.support.api import Person
from tests.pictures.camera import Camera
from tests.pictures.scenes import SCENES

ROOT = Path(__file__).resolve().parents[2]


async def main(wanted: list[str]) -> int:
    """Takes all scenes, or those that are named."""
    told = state.read_facts(home())
    if told is None:
        sys.stderr.write("the platform is not running: `make up` first\n")
        return 1
    folder = ROOT / "reports" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    async with (
        httpx.AsyncClient(base_url=told["gateway"], timeout=60) as http,
        async_playwright() as playwright,
    ):
        demo = Person(http, told["demo"]["email"], told["demo"]["password"])
        await demo.sign_in()
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = await playwright.chromium.launch(executable_path=find(), args=arguments)
        camera = Camera(browser, told["gateway"], http, demo, folder)
        for scene in SCENES:
            name = scene.__name__
            if wanted and not any(part in name for part in wanted):
                continue
            try:
                await scene(camera)
                _say(f"taken   {name}")
            except Exception as error:  # the other scenes are worth seeing all the same
                failed += 1
                for context in camera.contexts:
                    for page in context.pages:
                        await page.screenshot(path=folder / f"failed-{name}.png")
                _say(f"failed  {name}: {type(error).__name__}: {error}"[:600])
            finally:
                await camera.done()
        await browser.close()
        _say(str(camera.write_index()))
    return 1 if failed else 0


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main(sys.argv[1:])))
