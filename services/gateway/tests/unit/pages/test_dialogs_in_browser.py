"""Dialogs and bars in a real browser: what is typed or ticked stays, what is said is in front."""

import pytest
from playwright.async_api import Page, expect

from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
from services.gateway.tests.unit.pages.test_in_browser import (
    Served,
    browser,
    open_board,
    page,
    served,
)

pytestmark = pytest.mark.browser
__all__ = ["browser", "page", "served"]


async def test_a_message_can_be_used_while_a_dialog_is_open(page: Page, served: Served) -> None:
    over = RemoteError(ErrorKind.UNAUTHENTICATED, "SIGN_IN_NEEDED", "")
    served.site.neighbours.deals.answers["CreateDeal"] = over
    await open_board(page)
    await page.keyboard.press("c")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("Relaunch")
    await dialog.get_by_role("button", name="Add deal").click()
    async with page.expect_popup() as opened:
        await page.get_by_role("link", name="Sign in", exact=True).click()
    await (await opened.value).close()
    await expect(dialog.get_by_label("Name")).to_have_value("Relaunch")
    await expect(dialog.get_by_role("status")).to_have_text(
        "Your session is over. Please sign in again."
    )
    await dialog.get_by_role("link", name="Cancel").click()
    await expect(dialog).to_have_count(0)
    messages = page.get_by_role("region", name="Messages")
    await expect(messages).to_contain_text("Your session is over")
    await page.keyboard.press("Control+k")
    await expect(page.locator("#dialog [data-palette-input]")).to_be_focused()
    await expect(messages).to_contain_text("Your session is over")


async def test_what_was_typed_into_a_dialog_stays_after_a_click_beside_it(page: Page) -> None:
    await open_board(page)
    await page.keyboard.press("c")
    field = page.get_by_role("dialog").get_by_label("Name")
    await field.click()
    await page.mouse.down()
    await page.mouse.move(5, 450, steps=3)  # selects what is in the field, and beyond its edge
    await page.mouse.up()
    await expect(field).to_be_focused()
    await field.fill("Relaunch")
    await page.mouse.click(5, 450)
    await expect(field).to_have_value("Relaunch")
    await page.get_by_role("link", name="Cancel").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.keyboard.press("c")
    await expect(field).to_have_value("")
    await page.mouse.click(5, 450)
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_a_change_of_many_without_a_choice_keeps_what_is_ticked(page: Page) -> None:
    await page.goto("/clients")
    await page.locator("input[name=id]").first.check()
    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_label("What to do")).to_be_focused()
    await expect(page.locator("input[name=id]:checked")).to_have_count(1)
