"""Analytics in a real browser: charts read by keys and pointer, a report that shows by itself."""

import re
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from google.protobuf.message import Message
from playwright.async_api import Browser, Page, expect

from freelanceflow.analytics.v1.report_service_pb2 import Report
from gateway.entrypoints.pages.analytics_words import forecast_view
from gateway.entrypoints.pages.formatting import Formats
from services.gateway.tests.unit.pages.analytics_factories import make_forecast, month
from services.gateway.tests.unit.pages.factories import NOW
from services.gateway.tests.unit.pages.test_in_browser import (
    LONG,
    RULES,
    Served,
    browser,
    page,
    served,
)

pytestmark = pytest.mark.browser
__all__ = ["browser", "page", "served"]

ENGLISH = Formats(locale="en", time_zone="Europe/Berlin", now=NOW)
WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
NAMED = ("ClientRisk", "DealInsight", "ClientShare", "Health", "StageConversion", "LeftOutDeal")
PAGES = (
    "/analytics",
    "/analytics?view=table&line=linear",
    "/analytics?day=2026-03-31",
    "/analytics/clients",
    "/analytics/deals",
    "/analytics/pipeline",
    "/analytics/accuracy",
    "/analytics/reports/r-1",
)


@pytest.mark.parametrize(("width", "shown"), [(1440, 24), (390, 9)])
async def test_arrow_keys_read_the_months_of_a_chart(page: Page, width: int, shown: int) -> None:
    view = forecast_view(ENGLISH, make_forecast(6))
    chart = view.wide if width > 800 else view.narrow
    assert chart is not None
    words = [m.words for m in chart.months]
    assert len(words) == shown + 6
    await page.set_viewport_size({"width": width, "height": 900})
    await page.goto("/analytics")
    frame = page.get_by_role("group", name="Won revenue by month.")
    told = frame.locator("[data-readout]")
    await expect(told).to_have_text(words[-1])
    await frame.focus()
    for key, at in (
        ("ArrowLeft", len(words) - 1),
        ("ArrowLeft", len(words) - 2),
        ("PageUp", max(len(words) - 14, 0)),
        ("Home", 0),
        ("ArrowLeft", 0),
        ("ArrowRight", 1),
        ("End", len(words) - 1),
        ("ArrowRight", len(words) - 1),
    ):
        await page.keyboard.press(key)
        await expect(told).to_have_text(words[at])
    await expect(told).to_have_attribute("aria-live", "polite")
    sheet = frame.locator("svg:visible")
    await sheet.locator(".chart-month").nth(2).hover()
    await expect(told).to_have_text(words[2])
    await expect(sheet.locator(".is-read")).to_have_count(1)


async def test_the_bars_are_read_by_keys_too(page: Page) -> None:
    await page.goto("/analytics/pipeline")
    frame = page.get_by_role("group", name="Opened, won and lost deals by month.")
    await frame.focus()
    await page.keyboard.press("End")
    newest = ENGLISH.month(month(0))
    await expect(frame.locator("[data-readout]")).to_contain_text(f"{newest}: ")


async def test_the_report_is_of_what_the_controls_say(served: Served, page: Page) -> None:
    await page.goto("/analytics")
    before = await page.locator("#report-form [name=request_id]").input_value()
    await page.get_by_label("Looking ahead").select_option("12")
    await expect(page.locator("#report-form [name=horizon]")).to_have_value("12")
    assert await page.locator("#report-form [name=request_id]").input_value() != before
    await expect(page).to_have_url(re.compile("horizon=12"))
    await page.get_by_label("Forecast of").select_option("deals_won")
    await expect(page).to_have_url(re.compile("horizon=12.*metric=deals_won"))
    await page.go_back()
    await expect(page.get_by_label("Forecast of")).to_have_value("won_value")
    await expect(page.get_by_label("Looking ahead")).to_have_value("12")


async def test_a_finished_report_shows_without_a_reload(served: Served, page: Page) -> None:
    answers = served.site.neighbours.reports.answers
    answers |= {"CreateReport": Report(id="r-1"), "GetReport": Report(id="r-1", status="running")}
    await page.goto("/analytics")
    await page.get_by_role("button", name="PDF report").click()
    await expect(page.get_by_text("The report is being made")).to_be_visible()
    await page.evaluate("window.here = true")
    answers["GetReport"] = Report(id="r-1", status="done", file_name="analytics.pdf")
    await expect(page.get_by_role("link", name="Download analytics.pdf")).to_be_visible()
    assert await page.evaluate("window.here")


def _call_all(message: Message, word: str) -> None:
    """Everything in it that people have named."""
    for field, value in message.ListFields():
        if field.name.endswith("name") and message.DESCRIPTOR.name in NAMED:
            setattr(message, field.name, word)
        elif field.message_type:
            for part in [value] if isinstance(value, Message) else value:
                _call_all(part, word)


@pytest.mark.parametrize("width", [390, 1440])
async def test_a_name_longer_than_the_page_makes_no_page_scroll_sideways(
    page: Page, served: Served, width: int
) -> None:
    peers = served.site.neighbours
    for answers in (peers.figures.answers, peers.predictions.answers):
        for answer in answers.values():
            if isinstance(answer, Message):
                _call_all(answer, LONG)
    await page.set_viewport_size({"width": width, "height": 900})
    over = {}
    for path in PAGES[:-1]:
        await page.goto(path)
        await page.wait_for_load_state("load")
        over[path] = await page.evaluate(WIDE)
    assert over == dict.fromkeys(PAGES[:-1], 0)


@pytest.mark.parametrize(
    ("width", "theme"), [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]
)
async def test_pages_are_accessible(
    browser: Browser, served: Served, width: int, theme: Any
) -> None:
    done = Report(id="r-1", status="done", file_name="analytics.pdf")
    served.site.neighbours.reports.answers["GetReport"] = done
    context = await browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=theme,
        base_url=served.url,
        bypass_csp=True,  # the checker is injected; the other tests hold the policy
    )
    opened = await context.new_page()
    found: list[Any] = []
    for path in PAGES:
        await opened.goto(path)
        await opened.wait_for_load_state("load")
        if (over := await opened.evaluate(WIDE)) > 0:
            found.append((path, f"scrolls sideways by {over} px"))
        results = await Axe().run(opened, options={"runOnly": RULES, "resultTypes": ["violations"]})
        found += [
            (path, rule["id"], rule["nodes"][0]["html"][:200])
            for rule in results.response["violations"]
        ]
    await context.close()
    assert found == []
