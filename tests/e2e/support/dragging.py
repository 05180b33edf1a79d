"""A mouse that takes cards along."""

from typing import Any

from playwright.async_api import Locator

from tests.e2e.support.browsing import Visit


async def drag(here: Visit, deal: dict[str, Any], stage: str) -> None:
    """With the mouse, slowly enough to be a drag, to the top of a column."""
    await _drag(here, deal, here.column(stage).locator(".column-body"), 40)


async def drag_onto(here: Visit, deal: dict[str, Any], other: dict[str, Any]) -> None:
    """Onto another card."""
    await _drag(here, deal, here.card(other), 60)


async def _drag(here: Visit, deal: dict[str, Any], target: Locator, down: int) -> None:
    mouse = here.page.mouse
    start = await here.card(deal).locator(".card-client").bounding_box()
    end = await target.bounding_box()
    assert start
    assert end
    await mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    await mouse.down()
    await mouse.move(end["x"] + end["width"] / 2, end["y"] + down, steps=12)
    await mouse.move(end["x"] + end["width"] / 2 + 2, end["y"] + down + 2, steps=3)
    await mouse.up()
