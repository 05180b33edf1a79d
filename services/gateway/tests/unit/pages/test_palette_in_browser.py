"""The palette in a real browser: Ctrl-K, typing, arrows, and what a screen reader is told."""

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from services.gateway.tests.unit.pages.test_in_browser import RULES, Served, browser, page, served

pytestmark = pytest.mark.browser
__all__ = ["browser", "page", "served"]


async def test_ctrl_k_finds_by_typing_and_goes_by_arrows(served: Served, page: Page) -> None:
    await page.goto(f"{served.url}/clients")
    await page.keyboard.press("Control+k")
    field = page.locator("#dialog [data-palette-input]")
    await expect(field).to_be_focused()
    await expect(page.locator("#search-results")).to_contain_text("New deal")
    await field.press_sequentially("weir")
    await expect(page.locator("#search-results")).to_contain_text("Call Mira")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await expect(page.locator("#search-results a").nth(1)).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowUp")
    await expect(field).to_be_focused()
    found: Any = await Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
    assert not found.response["violations"], found.generate_report()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/deals/d-1")


async def test_enter_waits_for_what_all_of_the_text_finds(served: Served, page: Page) -> None:
    await page.goto(f"{served.url}/clients")
    await page.keyboard.press("Control+k")
    await expect(page.locator("#search-results")).to_contain_text("New deal")
    await page.keyboard.type("weir")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/deals/d-1")
