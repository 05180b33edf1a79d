"""A field in which one of many is chosen: by keyboard and pointer, in a page and in the dialog."""

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from freelanceflow.crm.v1.client_service_pb2 import ClientKind, ListClientsResponse
from freelanceflow.crm.v1.record_service_pb2 import RecordKind
from freelanceflow.crm.v1.search_service_pb2 import SearchRequest, SearchResponse, SearchResult
from services.gateway.tests.unit.pages.test_in_browser import RULES, Served, browser, page, served

pytestmark = pytest.mark.browser
__all__ = ["browser", "page", "served"]

PERSON = ClientKind.CLIENT_KIND_PERSON
NAMES = ("Mira Holm", "Mira Studio", "Admiral & Sons")


@pytest.fixture(autouse=True)
def known(served: Served) -> None:
    """Two thousand would be found the same way."""

    def search(request: SearchRequest) -> SearchResponse:
        kind = RecordKind.RECORD_KIND_CLIENT
        return SearchResponse(
            results=[
                SearchResult(id=f"c-{number}", kind=kind, title=name, client_kind=PERSON)
                for number, name in enumerate(NAMES, start=70)
                if request.text.casefold() in name.casefold()
            ]
        )

    served.site.neighbours.search.answers["Search"] = search


async def test_arrows_and_enter_choose(served: Served, page: Page) -> None:
    await page.goto("/deals/new")
    field = page.get_by_role("combobox", name="Client")
    await expect(field).to_have_attribute("aria-expanded", "false")
    await field.press_sequentially("mir")
    options = page.locator("#client-list [role=option]")
    await expect(options).to_have_count(3)
    await expect(field).to_have_attribute("aria-expanded", "true")
    assert await field.get_attribute("aria-activedescendant") is None
    await expect(page.locator("#announcer")).to_contain_text("3 found")
    for key, expected in (("ArrowDown", 0), ("ArrowDown", 1), ("ArrowUp", 0), ("ArrowUp", 2)):
        await field.press(key)
        await expect(options.nth(expected)).to_have_attribute("aria-selected", "true")
        marked = await field.get_attribute("aria-activedescendant")
        assert marked == await options.nth(expected).get_attribute("id")
        await expect(page.locator("#client-list [aria-selected=true]")).to_have_count(1)
    found: Any = await Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
    assert not found.response["violations"], found.generate_report()
    await field.press("ArrowUp")
    await field.press("Enter")
    await expect(field).to_have_value("Mira Studio")
    await expect(field).to_be_focused()
    await expect(field).to_have_attribute("aria-expanded", "false")
    await expect(page.locator("[name=client_id]")).to_have_value("c-71")
    await field.press_sequentially("!")
    await expect(page.locator("[name=client_id]")).to_have_value("")


async def test_escape_closes_the_list_and_not_the_dialog(served: Served, page: Page) -> None:
    await page.goto("/pipeline")
    await page.wait_for_selector("[data-board][data-ready]")
    await page.keyboard.press("c")
    dialog = page.get_by_role("dialog")
    field = dialog.get_by_role("combobox", name="Client")
    await field.press("ArrowDown")
    await expect(dialog.locator("#client-list [role=option]").first).to_have_attribute(
        "aria-selected", "true"
    )
    await field.press("Escape")
    await expect(dialog.locator("#client-list [role=option]").first).to_be_hidden()
    await expect(field).to_be_visible()
    await field.press("Escape")
    await expect(dialog).to_be_hidden()


async def test_a_click_chooses_and_tab_takes_what_is_marked(served: Served, page: Page) -> None:
    await page.goto("/activities/new")
    client = page.get_by_role("combobox", name="Client")
    await client.click()
    await page.get_by_role("option", name="Domzoom").click()
    await expect(client).to_have_value("Domzoom")
    await expect(client).to_be_focused()
    deal = page.get_by_role("combobox", name="Deal")
    await deal.press("ArrowDown")
    await deal.press("Tab")
    await expect(deal).to_have_value("Website relaunch")
    await expect(page.get_by_label("Due on")).to_be_focused()


async def test_nothing_found_is_said(served: Served, page: Page) -> None:
    await page.goto("/clients/new")
    served.site.neighbours.clients.answers["ListClients"] = ListClientsResponse()
    field = page.get_by_role("combobox", name="Company")
    await field.press_sequentially("xyz")
    await expect(page.get_by_text("Nothing is called like that.").first).to_be_visible()
    await field.press("ArrowDown")
    await field.press("Tab")
    await expect(field).to_have_value("xyz")
    await expect(page.get_by_text("Nothing is called like that.").first).to_be_hidden()


async def test_a_doubt_is_settled_by_choosing_again(served: Served, page: Page) -> None:
    await page.goto("/deals/new")
    await page.get_by_label("Name").fill("Relaunch")
    field = page.get_by_role("combobox", name="Client")
    await field.fill("mira")
    await page.get_by_role("button", name="Add deal").click()
    await expect(page.get_by_text("No client has this name. Is it one of these?")).to_have_count(2)
    await page.get_by_role("radio", name="Mira Holm").check()
    # Both keys before the list is there; Enter takes a choice only when one is seen.
    await field.press("ArrowDown")
    await field.press("ArrowDown")
    second = page.locator("#client-list [role=option]").nth(1)
    await expect(second).to_have_attribute("aria-selected", "true")
    await field.press("Enter")
    await expect(page.get_by_role("radio", name="Mira Holm")).not_to_be_checked()
    await expect(page.locator("[name=client_id]")).to_have_value("c-71")
