"""One platform for all journeys, people with workspaces of their own, and a browser."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, async_playwright

from kit.testing.otlp import Collector, collecting
from local.browser import find
from services.auth.tests.provider import Provider, providing
from tests.e2e.support.api import Person, register
from tests.e2e.support.browsing import Open, visiting
from tests.e2e.support.platform import SERVICES, Platform

HERE = Path(__file__).parent
REPORTS = HERE.parents[1] / "reports"
TIMEOUT = 300  # seconds: the first test also waits for the platform


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks what is here; faults come last, so that what they break breaks nothing else."""
    ours = [item for item in items if HERE in item.path.parents]
    for item in ours:
        item.add_marker("e2e")
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT))
        if {"visit", "browser"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("browser")
    faults = [item for item in ours if "faults" in item.path.parts]
    items[:] = [item for item in items if item not in faults] + faults


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A run without a browser must not look like a whole one."""
    if os.environ.get("BROWSER") == "none":
        terminalreporter.write_line("BROWSER=none: the journeys in a browser were left out")


@pytest.fixture(scope="session")
async def collector() -> AsyncIterator[Collector]:
    """Where all processes send their spans."""
    async with collecting() as collector:
        yield collector


@pytest.fixture(scope="session")
async def provider() -> AsyncIterator[Provider]:
    """Stands in for Google."""
    async with providing() as provider:
        yield provider


@pytest.fixture(scope="session")
async def platform(
    tmp_path_factory: pytest.TempPathFactory, collector: Collector, provider: Provider
) -> AsyncIterator[Platform]:
    """The platform with the demo data in it."""
    settings = {f"{name.upper()}_OTLP_ENDPOINT": collector.endpoint for name in SERVICES}
    settings |= {f"AUTH_{name.upper()}": value for name, value in provider.settings.items()}
    settings |= {"GATEWAY_GOOGLE_SIGN_IN": "true"}
    # All of us come from one address; what the limits do is tested at a gateway of its own.
    settings |= {"GATEWAY_SIGN_INS_PER_MINUTE": "100000", "GATEWAY_REQUESTS_PER_MINUTE": "1000000"}
    platform = Platform(tmp_path_factory.mktemp("platform"), settings)
    try:
        await platform.start()
        yield platform
    finally:
        await platform.stop(keep_logs_in=REPORTS / "platform-logs")


@pytest.fixture(scope="session")
async def http(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """Nobody in particular, at the gateway."""
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=50)
    async with httpx.AsyncClient(base_url=platform.gateway, limits=limits, timeout=30) as client:
        yield client


@pytest.fixture
async def demo(platform: Platform, http: httpx.AsyncClient) -> Person:
    """The person whom `make up` prints; for reading, the data are compared with the file.

    Signed in for each test: a token lives ten minutes, all journeys take longer.
    """
    person = Person(http, platform.plan.facts["demo"]["email"], platform.plan.demo_password)
    await person.sign_in()
    return person


@pytest.fixture
async def owner(http: httpx.AsyncClient) -> Person:
    """The owner of a workspace that no other test knows."""
    return await register(http, "Olga")


@pytest.fixture
async def stranger(http: httpx.AsyncClient) -> Person:
    """The owner of another workspace."""
    return await register(http, "Sten")


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, as `local.browser` finds it."""
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = await playwright.chromium.launch(executable_path=find(), args=arguments)
        yield browser
        await browser.close()


@pytest.fixture
async def visit(browser: Browser, platform: Platform) -> AsyncIterator[Open]:
    """Opens a window for a person. Whatever a window's console complains of fails the test."""
    async with visiting(browser, platform.gateway) as open_window:
        yield open_window
