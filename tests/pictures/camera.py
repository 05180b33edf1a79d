"""Takes one state four times: at two widths, light and dark."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, Literal

import httpx
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize

from tests.e2e.support.api import Person
from tests.e2e.support.browsing import Visit, sign_in

SCREENS = (("1440", 1440, 900), ("390", 390, 844))
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SETTLED = 350  # milliseconds until nothing slides or loads any more
COMPANY = {"kind": "company", "allow_duplicate": True}
TALLEST = 2200  # pixels of a page that are still looked at


@dataclass
class Camera:
    """The windows of a run, and what was taken."""

    browser: Browser
    url: str
    http: httpx.AsyncClient
    demo: Person
    folder: Path
    taken: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    async def window(self, person: Person | None = None, **more: Any) -> Visit:
        """A window of this person."""
        context = await self.browser.new_context(
            viewport={"width": 1440, "height": 900}, reduced_motion="reduce", **more
        )
        self.contexts.append(context)
        if person is not None:
            await sign_in(context, self.url, person)
        return Visit(await context.new_page(), self.url)

    async def take(self, here: Visit | Page, name: str, *, whole: bool = True) -> None:
        """Four pictures of what the window shows."""
        page = here.page if isinstance(here, Visit) else here
        for size, width, height in SCREENS:
            await page.set_viewport_size({"width": width, "height": height})
            await page.wait_for_timeout(SETTLED)
            if whole:
                tall = await page.evaluate("() => document.documentElement.scrollHeight")
                whole_page: ViewportSize = {
                    "width": width,
                    "height": min(max(tall, height), TALLEST),
                }
                await page.set_viewport_size(whole_page)
            for theme in THEMES:
                await page.emulate_media(color_scheme=theme)
                await page.wait_for_timeout(250)
                await page.screenshot(path=self.folder / f"{name}-{size}-{theme}.png")
        await page.set_viewport_size({"width": 1440, "height": 900})
        await page.emulate_media(color_scheme="light")
        self.taken.append(name)

    async def done(self) -> None:
        """Closes the windows of a scene."""
        for context in self.contexts:
            await context.close()
        self.contexts.clear()

    def write_index(self) -> Path:
        """A page with all of them."""
        parts = [
            f"<h2>{escape(name)}</h2><div>"
            + "".join(
                f'<img loading="lazy" src="{name}-{size}-{theme}.png" height="420" alt="">'
                for size, _, _ in SCREENS
                for theme in THEMES
            )
            + "</div>"
            for name in self.taken
        ]
        index = self.folder / "index.html"
        index.write_text("<!doctype html><title>Pictures</title>" + "".join(parts), "utf-8")
        return index


Scene = Callable[[Camera], Awaitable[None]]
