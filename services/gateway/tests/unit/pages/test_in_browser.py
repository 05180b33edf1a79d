"""The board's scripts in a real browser under the real content policy, with scripted neighbours."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import uvicorn
from playwright.async_api import Browser, Page, async_playwright, expect
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from freelanceflow.crm.v1.client_service_pb2 import ListClientsResponse
from freelanceflow.notify.v1.notification_service_pb2 import ListNotificationsResponse
from gateway.entrypoints.edge import _PAGE_POLICY
from local.browser import provide

pytestmark = pytest.mark.browser

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
EVENTS = "/api/v1/events"
PATIENCE = 20_000  # milliseconds: this is about what happens, not about how fast
POLICY = _PAGE_POLICY.format(nonce="n0nce").encode()


class Served:
    """The pages on a port of their own, with a stream that a test can speak into."""

    def __init__(self, site: Any) -> None:
        self.site = site
        self.events: list[str] = []
        config = uvicorn.Config(
            self._guarded, interface="asgi3", port=0, log_level="error", lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"

    def say(self, event: str, identity: str, version: int) -> None:
        """Sends a live event."""
        body = f'{{"id": "{identity}", "version": {version}}}'
        self.events.append(f"id: {len(self.events) + 1}\nevent: {event}\ndata: {body}\n\n")

    def stop(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()

    def _stream(self) -> StreamingResponse:
        async def messages() -> AsyncIterator[str]:
            sent = 0
            yield ": here\n\n"
            while not self._server.should_exit:
                for text in self.events[sent:]:
                    yield text
                sent = len(self.events)
                await asyncio.sleep(0.02)

        return StreamingResponse(messages(), media_type="text/event-stream")

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"content-security-policy", POLICY)]
            await send(message)

        app = self._stream() if scope["path"] == EVENTS else self.site.app
        await app(scope, receive, with_policy)


expect.set_options(timeout=PATIENCE)


@pytest.fixture
def served(site: Any) -> Iterator[Served]:
    served = Served(site)
    yield served
    served.stop()


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        path = str(provide(lambda _: None))
        started = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        await started.close()


@pytest.fixture
async def page(browser: Browser, served: Served) -> AsyncIterator[Page]:
    """A page whose console stays silent, which proves the content policy too."""
    context = await browser.new_context(
        viewport={"width": 1440, "height": 900}, base_url=served.url
    )
    opened = await context.new_page()
    messages: list[str] = []
    opened.on("console", lambda message: messages.append(message.text))
    opened.on("pageerror", lambda error: messages.append(str(error)))
    yield opened
    await context.close()
    noted = (
        "status of 401",
        "status of 412",
        "status of 422",
    )  # the browser's own notes of a refusal
    assert [text for text in messages if not any(note in text for note in noted)] == []


async def open_board(page: Page) -> None:
    await page.goto("/pipeline")
    await page.wait_for_selector("[data-board][data-ready]")


async def cards(page: Page, stage: str, count: int = 3) -> list[str]:
    """The first cards of a column."""
    found: list[str] = await page.eval_on_selector_all(
        f'[data-cards="{stage}"] > .card', "cards => cards.map(card => card.dataset.deal)"
    )
    return found[:count]


def moves(served: Served) -> list[Any]:
    asked = served.site.neighbours.deals.asked
    return [request for request in asked if type(request).__name__ == "MoveDealRequest"]


async def test_a_card_is_dragged_and_the_drag_undone(page: Page, served: Served) -> None:
    await open_board(page)
    start = await page.locator("#card-d-0").bounding_box()
    goal = await page.locator("#card-d-11").bounding_box()
    assert start is not None
    assert goal is not None
    await page.mouse.move(start["x"] + 60, start["y"] + 70)
    await page.mouse.down()
    await page.mouse.move(start["x"] + 90, start["y"] + 90, steps=4)
    await page.mouse.move(goal["x"] + 60, goal["y"] + 20, steps=12)
    await page.mouse.up()
    await expect(page.locator("#toasts")).to_contain_text("moved to Engaging")
    assert await cards(page, "s-2") == ["d-1", "d-6", "d-0"]
    (asked,) = moves(served)
    assert (asked.stage_id, asked.after_id, asked.before_id) == ("s-2", "d-6", "d-11")
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator("#toasts")).to_contain_text("is back in Prospecting")
    assert await cards(page, "s-1") == ["d-0", "d-5", "d-10"]


async def test_a_card_is_moved_by_keys_and_keeps_the_focus(page: Page, served: Served) -> None:
    await open_board(page)
    await page.focus("#open-d-5")
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#open-d-6")).to_be_focused()
    await page.keyboard.press("Space")
    await expect(page.locator("#announcer")).to_contain_text("lifted. Engaging, position 2 of 25")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("ArrowDown")
    await expect(page.locator("#announcer")).to_contain_text("Proposal, position 3 of 26")
    assert not moves(served)
    await page.keyboard.press("Space")
    await expect(page.locator("#toasts")).to_contain_text("moved to Proposal")
    await expect(page.locator("#open-d-6")).to_be_focused()
    assert await cards(page, "s-3") == ["d-2", "d-7", "d-6"]


async def test_escape_puts_a_lifted_card_back(page: Page, served: Served) -> None:
    await open_board(page)
    await page.focus("#open-d-6")
    for key in ("Space", "ArrowRight", "ArrowUp", "Escape"):
        await page.keyboard.press(key)
    await expect(page.locator("#announcer")).to_contain_text("is back. Engaging, position 2 of 25")
    assert await cards(page, "s-2") == ["d-1", "d-6", "d-11"]
    assert not moves(served)


async def test_a_card_is_moved_by_its_menu(page: Page) -> None:
    await open_board(page)
    await page.focus("#open-d-6")
    await page.keyboard.press("m")
    await page.get_by_role("dialog").get_by_role("button", name="Proposal").click()
    await expect(page.locator("#toasts")).to_contain_text("moved to Proposal")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.locator("#open-d-6")).to_be_focused()
    assert (await cards(page, "s-3"))[0] == "d-6"


async def test_lost_asks_why_and_an_unanswered_question_undoes_it(
    page: Page, served: Served
) -> None:
    await open_board(page)
    await page.focus("#open-d-0")
    await page.keyboard.press("l")
    await expect(page.locator("#toasts")).to_contain_text("Why was it lost?")
    await page.get_by_role("button", name="Dismiss").click()
    assert (await cards(page, "s-1"))[0] == "d-0"
    await page.focus("#open-d-0")
    await page.keyboard.press("l")
    await page.get_by_role("button", name="Price").click()
    await expect(page.locator("#toasts")).to_contain_text("moved to Lost")
    assert (await cards(page, "s-5"))[0] == "d-0"
    assert moves(served)[-1].lost_reason_id == "r-0"


async def test_a_stale_move_goes_back_and_says_so(page: Page) -> None:
    await open_board(page)
    await page.eval_on_selector("#card-d-5", "card => (card.dataset.version = 'stale')")
    await page.focus("#open-d-5")
    await page.keyboard.press("w")
    await expect(page.locator("#toasts")).to_contain_text("Somebody was faster")
    assert (await cards(page, "s-1"))[:2] == ["d-0", "d-5"]


async def test_live_changes_arrive_and_leave_the_focus_alone(
    page: Page, served: Served, make: Any
) -> None:
    await open_board(page)
    await expect(page.locator(".connection").first).to_have_text("Live")
    await page.focus("#open-d-6")
    board = make.board(25)
    board.columns[0].cards[0].name = "Renamed elsewhere"
    board.columns[0].cards[0].etag = "2"
    served.site.neighbours.deals.answers["GetBoard"] = board
    served.say("deal.updated", "d-0", 2)
    await expect(page.locator("#card-d-0")).to_contain_text("Renamed elsewhere")
    await expect(page.locator("#open-d-6")).to_be_focused()


async def test_what_the_page_shows_already_is_not_asked_for(page: Page, served: Served) -> None:
    await open_board(page)
    await expect(page.locator(".connection").first).to_have_text("Live")
    before = len(served.site.neighbours.deals.asked)
    async with page.expect_response("**/notifications/unread*"):
        served.say("deal.moved", "d-0", 1)
        served.say("notification.created", "n-9", 1)
    assert len(served.site.neighbours.deals.asked) == before


async def test_a_flood_of_changes_becomes_one_offer(page: Page, served: Served) -> None:
    await open_board(page)
    await expect(page.locator(".connection").first).to_have_text("Live")
    for number in range(40):
        served.say("deal.updated", f"x-{number}", 5)
    await expect(page.locator("#updates")).to_be_visible()
    await page.get_by_role("button", name="Refresh").click()
    await expect(page.locator("#updates")).to_be_hidden()


async def test_a_deal_opens_beside_the_board(page: Page) -> None:
    await open_board(page)
    await page.click("#open-d-2")
    await expect(page.locator("#panel h2")).to_be_focused()
    assert page.url.endswith("/pipeline?deal=d-2")
    await page.keyboard.press("Escape")
    await expect(page.locator("#open-d-2")).to_be_focused()
    assert page.url.endswith("/pipeline")


async def test_a_form_in_the_dialog_says_what_is_wrong(page: Page) -> None:
    await open_board(page)
    await page.keyboard.press("c")
    await expect(page.get_by_role("dialog").get_by_label("Name")).to_be_focused()
    await page.get_by_label("Client (optional)").fill("Nobody")
    await page.get_by_label("Value (optional)").fill("much")
    await page.get_by_role("button", name="Add deal").click()
    await expect(page.get_by_role("dialog").get_by_role("alert")).to_be_focused()


@pytest.mark.parametrize("key", ["w", "l"])
async def test_the_focus_goes_along_with_a_card_that_a_key_closes(page: Page, key: str) -> None:
    await open_board(page)
    await page.locator("#open-d-1").focus()
    async with page.expect_response("**/deals/d-1/move"):
        await page.keyboard.press(key)
    await expect(page.locator("#open-d-1")).to_be_focused()


LONG = "w" * 200
SHOWN = (
    "/pipeline",
    "/pipeline?deal=d-1",
    "/deals/d-1",
    "/clients",
    "/clients/c-1",
    "/notifications",
)


async def test_a_filter_is_applied_without_scrolling_for_it(page: Page, served: Served) -> None:
    """However many conditions there are, and on whichever of them the focus is."""
    await page.set_viewport_size({"width": 390, "height": 640})
    await page.goto(f"{served.url}/pipeline")
    await page.get_by_role("button", name="More filters").click()
    apply = page.get_by_role("button", name="Apply")
    await expect(apply).to_be_in_viewport(ratio=1)
    last = page.locator(".filter-panel .field :is(input, select)").last
    await last.focus()
    below, above = await last.bounding_box(), await apply.bounding_box()
    assert below is not None
    assert above is not None
    assert below["y"] + below["height"] <= above["y"]


async def test_a_key_figure_in_words_stays_in_its_place(page: Page, served: Served) -> None:
    served.site.neighbours.analytics.answers["GetVelocity"].cycle_days = 0.2
    await page.set_viewport_size({"width": 1280, "height": 800})
    await page.goto(f"{served.url}/pipeline")
    figure = page.locator("#strip .kpi-value", has_text="less than a day")
    place = figure.locator("..")
    assert await place.evaluate("one => one.scrollWidth <= one.clientWidth")


@pytest.mark.parametrize("width", [390, 1440])
async def test_a_word_longer_than_the_page_makes_no_page_scroll_sideways(
    page: Page, served: Served, make: Any, width: int
) -> None:
    """With the words of the demo that is looked at in tests/e2e, on every page."""
    card = {"name": LONG, "client_name": LONG, "owner_name": LONG, "next_step": LONG}
    deal = make.deal(stage_name=LONG, source=LONG, tags=[LONG], **card)
    client = make.client(name=LONG, emails=[f"{LONG}@example.com"], tags=[LONG], owner_name=LONG)
    board = make.board(3)
    for column in board.columns:
        column.stage.name = LONG
        for shown in column.cards:
            shown.MergeFrom(type(shown)(tags=[LONG], **card))
    told = make.notification(1, title=LONG, body=LONG)
    peers = served.site.neighbours
    peers.deals.answers |= {"GetBoard": board, "GetDeal": deal}
    peers.clients.answers |= {
        "GetClient": client,
        "ListClients": ListClientsResponse(clients=[client]),
    }
    peers.notifications.answers["ListNotifications"] = ListNotificationsResponse(
        notifications=[told]
    )
    await page.set_viewport_size({"width": width, "height": 900})
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    over = {}
    for path in SHOWN:
        await page.goto(path)
        await page.wait_for_load_state("load")
        over[path] = await page.evaluate(wide)
    assert over == dict.fromkeys(SHOWN, 0)
