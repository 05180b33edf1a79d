"""Windows of people, watched for everything a browser complains about."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect

from tests.e2e.support.api import Person

SCREENS = Path(__file__).resolve().parents[3] / "reports" / "screens"
PATIENCE = 30_000  # milliseconds until we are told that we wait in vain

# Chromium logs every answer of 4xx as an error; a test that means to get one says so.
FAILED_LOAD = "Failed to load resource: the server responded with a status of {}"
BREACHES = """
document.addEventListener("securitypolicyviolation", (breach) =>
  console.error(breach.violatedDirective, breach.blockedURI, breach.sample, breach.sourceFile));
"""


@dataclass
class Visit:
    """One window. `expected` are complaints that the test provokes."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    async def open(self, path: str) -> None:
        """Go to a page and wait until its scripts have set it up."""
        await self.page.goto(self.url + path)
        await self.is_ready()

    async def is_ready(self) -> None:
        """The board's controller and the live connection stand, where a page has them."""
        if await self.page.locator("[data-board]").count():
            await expect(self.page.locator("[data-board][data-ready]")).to_have_count(1)

    async def is_live(self) -> None:
        """The window hears what happens."""
        await expect(self.page.locator("html")).to_have_attribute("data-connection", "live")

    def expect_status(self, status: int) -> None:
        """An answer of 4xx is what the test is about."""
        self.expected.append(FAILED_LOAD.format(status))

    def column(self, stage: str) -> Locator:
        """A column of the board by its heading."""
        return self.page.locator(".column").filter(has=self.page.get_by_role("heading", name=stage))

    def card(self, deal: dict[str, Any]) -> Locator:
        """A card of the board."""
        return self.page.locator(f"#card-{deal['id']}")

    async def count(self, stage: str) -> int:
        """What a column's head says."""
        text = await self.column(stage).locator(".column-count").inner_text()
        return int("".join(c for c in text if c.isdigit()))

    async def shot(self, name: str) -> None:
        """A picture for people to look at, in reports/screens."""
        SCREENS.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=SCREENS / f"{name}.png")


Open = Callable[..., Awaitable[Visit]]


@asynccontextmanager
async def visiting(browser: Browser, url: str) -> AsyncIterator[Open]:
    """Windows that are closed in the end, and then asked what they complained of."""
    contexts: list[BrowserContext] = []
    visits: list[Visit] = []

    async def open_window(
        person: Person | None = None, *, width: int = 1440, height: int = 900, **more: Any
    ) -> Visit:
        context = await browser.new_context(
            viewport={"width": width, "height": height}, reduced_motion="reduce", **more
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        if person is not None:
            await sign_in(context, url, person)
        visit = Visit(await context.new_page(), url)
        await _listen(visit)
        visits.append(visit)
        return visit

    expect.set_options(timeout=PATIENCE)
    try:
        yield open_window
    finally:
        for context in contexts:
            await context.close()
    complaints = [
        complaint
        for visit in visits
        for complaint in visit.complaints
        if not any(complaint.startswith(expected) for expected in visit.expected)
    ]
    assert not complaints, complaints


async def sign_in(context: BrowserContext, url: str, person: Person) -> None:
    """The cookies that the sign-in page would set; that page has its own journey."""
    cookies = {"ff_access": person.token, "ff_refresh": person.refresh}
    await context.add_cookies(
        [
            {"name": name, "value": value, "url": url, "httpOnly": True, "sameSite": "Lax"}
            for name, value in cookies.items()
        ]
    )


async def _listen(visit: Visit) -> None:
    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            visit.complaints.append(message.text)

    # Some breaches of the policy are notes to a browser; to us each is a complaint.
    await visit.page.add_init_script(BREACHES)
    visit.page.on("console", heard)
    visit.page.on("pageerror", lambda error: visit.complaints.append(f"uncaught: {error}"))
