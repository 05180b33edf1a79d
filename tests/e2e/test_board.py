"""The pipeline board on the demo data, and every way to move a card on it."""

import csv
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import expect

from tests.e2e.support.api import Person
from tests.e2e.support.browsing import Visit

FILE = Path(__file__).resolve().parents[2] / "demo" / "crm_sales_opportunities"
Open = Callable[..., Awaitable[Visit]]


def rows(name: str) -> list[dict[str, str]]:
    with (FILE / name).open(newline="") as file:
        return list(csv.DictReader(file))


async def test_the_board_shows_what_the_file_holds(visit: Open, demo: Person) -> None:
    opportunities = rows("sales_pipeline.csv")
    in_file = Counter(row["deal_stage"] for row in opportunities)
    assert (sum(in_file.values()), len(rows("accounts.csv"))) == (8800, 85)
    here = await visit(demo)
    await here.open("/pipeline")
    shown = {stage: await here.count(stage) for stage in in_file}
    assert shown == dict(in_file)
    await here.shot("board-1440-light")

    board = {column["stage"]["name"]: column for column in (await demo.get("/board"))["columns"]}
    won = sum(
        int(float(row["close_value"]) * 100) for row in opportunities if row["deal_stage"] == "Won"
    )
    assert board["Won"]["sum"] == {"amount_minor": won, "currency": "USD"}
    assert all(len(board[stage]["cards"]) == 25 for stage in in_file)
    assert (await demo.get("/deals", limit=1, total="true"))["total"] == 8800
    assert (await demo.get("/clients", limit=1, total="true"))["total"] == 85
    owners = {owner["name"] for owner in (await demo.get("/owners", limit=200))["items"]}
    assert {row["sales_agent"] for row in rows("sales_teams.csv")} <= owners
    await expect(here.page.locator("#strip")).to_contain_text("Counts 8,800 deals")
