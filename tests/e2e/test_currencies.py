"""Amounts of several currencies are never added without a rate; what is in no sum is told in words.

The same workspace at two moments: dollars without a rate, and with one.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.e2e.support.api import Person
from tests.e2e.support.histories import Panels, Past, lived, page, reports, told
from tests.e2e.support.platform import until

EUR, USD = "EUR", "USD"
DEALS = [
    *(Past(30.4 * n + 13, 30.4 * n + 3, currency=EUR, amount="1000") for n in range(6)),
    *(
        Past(30.4 * n + 13, 30.4 * n + 3, currency=USD, amount="500", client="Yank")
        for n in range(6)
    ),
    Past(5, currency=EUR, amount="300"),
    Past(5, currency=USD, amount="700", client="Yank"),
]
WITHOUT = "without a rate"
TODAYS = "1 open deal in other currencies counts here at the rate of the day of its last change"
RATE = 0.5


def minor(money: Any) -> int:
    """Of an amount that is there, in the workspace's own currency."""
    assert money["currency"] == EUR, money
    return int(money["amount_minor"])


def figure(said: Any, name: str) -> Any:
    return next(f for f in said["summary"]["figures"] if f["name"] == name)


@pytest.mark.timeout(900)
async def test_currencies_are_added_at_a_rate_or_not_at_all(owner: Person) -> None:
    count = await lived(owner, DEALS)
    await told(owner, count)
    before = await reports(owner)
    # Of the last 90 days three wins count in each currency, of the last six months five or six.
    assert minor(figure(before, "open_value")["money"]) == 300_00
    assert WITHOUT in figure(before, "open_value")["words"]
    assert minor(before["pipeline"]["open_value"]) == 300_00
    assert minor(figure(before, "won_value")["money"]) == 3 * 1000_00
    assert minor(before["velocity"]["mean_value"]) == 300_00
    assert {c["client_name"]: minor(c["won_value"]) for c in before["clients"]["clients"]} == {
        "Acme": 3 * 1000_00,
        "Yank": 0,
    }
    at_stake = {c["client_name"]: minor(c["value_at_stake"]) for c in before["churn"]["items"]}
    assert at_stake["Yank"] == 0 < at_stake["Acme"]
    assert all(minor(m["value"]) % 1000_00 == 0 for m in before["forecast"]["history"])
    assert any(WITHOUT in report["basis"] for report in before.values())
    assert before["pipeline"]["converted_count"] == 0
    assert TODAYS not in await page(owner, "/pipeline")
    client = await _client(owner, "Yank")
    assert (minor(client["won_value"]), client["won_without_rate_count"]) == (0, 6)
    assert any(
        WITHOUT in text for text in Panels(await page(owner, f"/clients/{client['id']}")).panels
    )

    entered = {"currency": USD, "valid_from": "2020-01-01", "rate": str(RATE)}
    put = await owner.request("PUT", "/currencies/rates", json={"rates": [entered]})
    assert put.status_code == 200, put.text
    both = 1000_00 + RATE * 500_00

    async def is_counted() -> bool:
        summary = {"summary": await owner.get("/analytics/summary")}
        return minor(figure(summary, "won_value")["money"]) == 3 * both

    await until(is_counted, patience=240)
    await told(owner, count)
    after = await reports(owner)
    assert minor(figure(after, "open_value")["money"]) == 300_00 + RATE * 700_00
    assert minor(after["pipeline"]["open_value"]) == 300_00 + RATE * 700_00
    assert minor(after["velocity"]["mean_value"]) == (300_00 + RATE * 700_00) / 2
    assert all(minor(m["value"]) % both == 0 for m in after["forecast"]["history"])
    at_stake = {c["client_name"]: minor(c["value_at_stake"]) for c in after["churn"]["items"]}
    assert at_stake["Yank"] == RATE * at_stake["Acme"] / 2
    assert not any(WITHOUT in report["basis"] for report in after.values())
    assert "1 converted at the rate of their last change" in figure(after, "open_value")["words"]
    assert after["pipeline"]["converted_count"] == 1
    assert TODAYS in await page(owner, "/pipeline")
    client = await _client(owner, "Yank")
    assert (minor(client["won_value"]), client["won_without_rate_count"]) == (6 * RATE * 500_00, 0)


@pytest.mark.timeout(900)
async def test_board_and_reports_agree_on_what_is_open_until_a_rate_changes(owner: Person) -> None:
    """The board asks what it is worth today, a report what it was worth at its last change."""
    amounts = ((EUR, 300_00), (USD, 700_01), (USD, 55_03), ("GBP", 900_00))
    rates = [(USD, "2020-01-01", "0.5"), ("GBP", "2020-01-01", "1.25")]
    await _rates(owner, rates)
    deals = [
        await owner.new_deal(amount={"amount_minor": minor, "currency": currency})
        for currency, minor in amounts
    ]
    deals[1] = await owner.move(deals[1], "Proposal")
    await told(owner, len(deals))
    first = await _board(owner)
    assert (
        first == 300_00 + 350_00 + 27_52 + 1125_00
    )  # half a cent is rounded to even, deal by deal
    assert await _reported(owner) == first

    today = datetime.now(UTC).date().isoformat()
    await _rates(owner, [(USD, today, "0.6")])
    for deal in deals:
        if deal["amount"]["currency"] == USD:
            await owner.request(
                "PATCH", f"/deals/{deal['id']}", json={"name": "Renamed"},
                headers={"If-Match": f'"{deal["version"]}"'},
            )  # fmt: skip

    async def is_one_again() -> bool:
        return await _reported(owner) == await _board(owner) > first

    await until(is_one_again)


async def _rates(owner: Person, rates: list[tuple[str, str, str]]) -> None:
    entered = [{"currency": c, "valid_from": day, "rate": rate} for c, day, rate in rates]
    put = await owner.request("PUT", "/currencies/rates", json={"rates": entered})
    assert put.status_code == 200, put.text


async def _board(owner: Person) -> int:
    columns = (await owner.get("/board"))["columns"]
    return sum(minor(column["sum"]) for column in columns if column["stage"]["type"] == "open")


async def _reported(owner: Person) -> int:
    said = await owner.get("/analytics/pipeline")
    opened = [stage for stage in said["stages"] if stage["stage_type"] == "open"]
    assert sum(minor(stage["sum"]) for stage in opened) == minor(said["open_value"])
    return minor(said["open_value"])


async def _client(owner: Person, name: str) -> Any:
    found = (await owner.get("/clients"))["items"]
    return next(client for client in found if client["name"] == name)
