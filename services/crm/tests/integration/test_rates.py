"""Rates of currencies: entered or from a file; sums and events count with them."""

from datetime import timedelta
from typing import Any

import pytest

from crm.application.workspaces import keep_workspace
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import deal_service_pb2 as deal_pb
from freelanceflow.crm.v1 import rate_service_pb2 as pb
from freelanceflow.type.v1 import money_pb2
from kit.clock import FakeClock
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
from kit.testing.database import ServiceDatabase, recorded_queries
from services.crm.tests.factories import (
    Person,
    euros,
    imported,
    make_client,
    make_deal,
    refused,
    where,
)
from services.crm.tests.integration.test_events import told


def dollars(amount_minor: int) -> money_pb2.Money:
    return money_pb2.Money(amount_minor=amount_minor, currency_code="USD")


def rate(currency: str, day: str, value: str) -> pb.Rate:
    return pb.Rate(currency_code=currency, valid_from=day, rate=value)


async def put(person: Person, *rates: pb.Rate) -> int:
    answer = await person.call("PutRates", pb.PutRatesRequest(rates=rates))
    return int(answer.changed)


async def rates_of(person: Person, **over: Any) -> list[tuple[str, str, str]]:
    found = await person.call("ListRates", pb.ListRatesRequest(**over))
    return [(r.currency_code, r.valid_from, r.rate) for r in found.rates]


async def read_file(person: Person, text: str | bytes) -> int:
    content = text.encode() if isinstance(text, str) else text
    answer = await person.call("ImportRates", pb.ImportRatesRequest(content=content), within=60)
    return int(answer.changed)


async def changes_told(
    database: ServiceDatabase, person: Person
) -> list[tuple[str, str, str, int]]:
    return [
        (change.currency_code, change.valid_from, change.rate, change.version)
        for kind, body, _ in await told(database, person.workspace_id)
        if kind == "crm.rate.v1.changed"
        for change in body.rates
    ]


async def base_amounts(database: ServiceDatabase, person: Person) -> list[Any]:
    return [
        body.deal.base_amount if body.deal.HasField("base_amount") else None
        for kind, body, _ in await told(database, person.workspace_id)
        if kind.startswith("crm.deal.v1.") and not kind.endswith("reordered")
    ]


async def test_rates_are_entered_replaced_and_taken_away(
    person: Person, database: ServiceDatabase
) -> None:
    usd, gbp = rate("USD", "2026-01-01", "0.92"), rate("gbp", "2026-01-01", "1.150000")
    assert await put(person, usd, gbp) == 2
    assert await put(person, usd, rate("USD", "2026-02-01", "0.9")) == 1
    assert await put(person, rate("USD", "2026-01-01", "0.93")) == 1
    everything = [
        ("GBP", "2026-01-01", "1.150000"),
        ("USD", "2026-02-01", "0.9"),
        ("USD", "2026-01-01", "0.93"),
    ]
    assert await rates_of(person) == everything
    assert await rates_of(person, currency_code="USD") == everything[1:]
    first = await person.call("ListRates", pb.ListRatesRequest(page_size=2))
    token = first.next_page_token
    assert await rates_of(person, page_size=2, page_token=token) == everything[2:]
    gone = pb.DeleteRateRequest(currency_code="USD", valid_from="2026-01-01")
    await person.call("DeleteRate", gone)
    for gone.currency_code in ("USD", "US\0"):
        with refused(ErrorKind.NOT_FOUND, "RATE_NOT_FOUND"):
            await person.call("DeleteRate", gone)
    assert await rates_of(person) == everything[:2]
    assert await put(person, usd) == 1
    mine = [
        change for change in await changes_told(database, person) if change[1] == usd.valid_from
    ]
    assert [c for c in mine if c[0] == "USD"] == [
        ("USD", "2026-01-01", "0.92", 1), ("USD", "2026-01-01", "0.93", 2),
        ("USD", "2026-01-01", "", 3), ("USD", "2026-01-01", "0.92", 4),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "field", "reason"),
    [
        (rate("XXX", "2026-01-01", "1"), "rates.0.currency", "CURRENCY_UNKNOWN"),
        (rate("EUR", "2026-01-01", "1"), "rates.0.currency", "CURRENCY_IS_OWN"),
        (rate("USD", "01.01.2026", "1"), "rates.0.valid_from", "DATE_INVALID"),
        (rate("USD", "1900-01-01", "1"), "rates.0.valid_from", "DATE_INVALID"),
        (rate("USD", "2026-01-01", "0"), "rates.0.rate", "RATE_INVALID"),
        (rate("USD", "2026-01-01", "-1"), "rates.0.rate", "RATE_INVALID"),
        (rate("USD", "2026-01-01", "1e3"), "rates.0.rate", "RATE_INVALID"),
        (rate("USD", "2026-01-01", "0,92"), "rates.0.rate", "RATE_INVALID"),
        (rate("USD", "2026-01-01", "9999999999"), "rates.0.rate", "RATE_INVALID"),
    ],
)
async def test_what_is_no_rate_is_refused_and_nothing_is_kept(
    person: Person, entry: pb.Rate, field: str, reason: str
) -> None:
    with refused(ErrorKind.INVALID, reason) as refusal:
        await put(person, entry, rate("USD", "2026-01-02", "1"))
    assert field in refusal.value.fields
    assert await rates_of(person) == []


async def test_the_board_counts_with_todays_rates(
    person: Person, clock: FakeClock, database: ServiceDatabase
) -> None:
    today, yesterday = ((clock.now() - timedelta(days=days)).date().isoformat() for days in (0, 1))
    await make_deal(person, amount=euros(1000))
    await make_deal(person, amount=dollars(2001))
    await make_deal(person, amount=money_pb2.Money(amount_minor=70_000, currency_code="JPY"))
    column = (await person.board())["Prospecting"]
    assert (column.sum, len(column.unconverted)) == (euros(1000), 2)
    await put(
        person,
        rate("USD", yesterday, "3"),
        rate("USD", today, "0.9"),
        rate("USD", "2099-01-01", "5"),
        rate("JPY", "2099-01-01", "0.006"),
    )
    for conditions in ((), (where("name", "CONTAINS", "w"),)):
        column = (await person.board(*conditions))["Prospecting"]
        # 2001 cents at 0.9 are 1800.9; 70,000 yen at 0.006 are 420 euros: 42,000 cents.
        assert column.sum == euros(1000 + 1801 + 42_000)
        assert column.weighted_sum == euros(4480)  # 0.1 of 44,800.9
        assert not column.unconverted
    with recorded_queries(database.app) as queries:
        await person.board()
    assert len(queries) == 4, queries  # stages, totals, rates, cards


@pytest.mark.parametrize("value", ["1000000000", "800000"])  # too much alone, and too much together
async def test_a_mistyped_rate_leaves_the_board_readable(person: Person, value: str) -> None:
    await put(person, rate("USD", "2026-01-01", value), rate("CHF", "2026-01-01", value))
    await make_deal(person, amount=euros(1000))
    much = [
        money_pb2.Money(
            amount_minor=10**13,
            currency_code=code,
        )
        for code in ("CHF", "USD")
    ]
    for amount in much:
        await make_deal(person, amount=amount)
    column = (await person.board())["Prospecting"]
    found = await person.list_deals(with_total=True)
    left = [one for one in much if one in list(column.unconverted)]
    assert list(found.unconverted) == left == list(column.unconverted) != []
    assert found.sum == column.sum
    assert column.sum.amount_minor >= 1000
    assert 0 < column.weighted_sum.amount_minor < column.sum.amount_minor


async def test_a_list_says_what_it_adds_up_to(person: Person) -> None:
    await put(person, rate("USD", "2026-01-01", "0.5"))
    for amount in (euros(100), dollars(100), money_pb2.Money(amount_minor=7, currency_code="CHF")):
        await make_deal(person, amount=amount, source="web")
    await make_deal(person, amount=None, source="web")
    await make_deal(person, amount=euros(5000))
    found = await person.list_deals(where("source", "EQ", "web"), with_total=True, page_size=1)
    assert (found.total, found.sum) == (4, euros(150))
    assert [(m.amount_minor, m.currency_code) for m in found.unconverted] == [(7, "CHF")]
    assert not (await person.list_deals()).HasField("sum")


async def test_events_tell_the_amount_at_the_rate_of_their_day(
    person: Person, database: ServiceDatabase, clock: FakeClock
) -> None:
    stages, today = await person.stages(), clock.now().date()
    await put(person, rate("USD", today.isoformat(), "0.9"))
    deal = await make_deal(person, amount=dollars(1000))
    won = await person.move(deal, stages["Won"])
    later = (today + timedelta(days=2)).isoformat()
    await put(person, rate("USD", later, "0.8"))
    clock.advance(timedelta(days=3))
    await make_deal(person, amount=dollars(1000))
    edited = deal_pb.Deal(id=won.id, source="web")
    request = deal_pb.UpdateDealRequest(deal=edited, etag=won.etag)
    await person.call("UpdateDeal", request)
    assert await base_amounts(database, person) == [euros(900), euros(900), euros(800), euros(900)]


async def test_amounts_in_the_workspaces_own_currency_need_no_look_at_the_rates(
    person: Person, database: ServiceDatabase
) -> None:
    stages = await person.stages()
    deal, other = await make_deal(person), await make_deal(person, amount=dollars(1))
    with recorded_queries(database.app) as queries:
        await person.move(deal, stages["Engaging"])
    assert len(queries) == 4, queries
    with recorded_queries(database.app) as queries:
        await person.move(other, stages["Engaging"])
    assert len(queries) == 5, queries
    await make_deal(person, amount=None)
    found = await base_amounts(database, person)
    assert found == [euros(120_000), None, euros(120_000), None, None]


async def test_an_import_is_told_at_the_rates_of_its_own_days(
    person: Person, app: App, database: ServiceDatabase
) -> None:
    await put(person, rate("USD", "2024-01-01", "0.9"), rate("USD", "2025-01-01", "0.8"))
    await imported(
        app,
        person,
        "name,amount,currency,stage,created_at,closed_at\n"
        "A,10,USD,Won,2023-06-01,2024-06-01\nB,10,USD,,2025-06-01,\nC,10,EUR,,2025-06-01,\n",
    )
    found = await base_amounts(database, person)
    assert found == [euros(900), euros(900), euros(800), euros(1000)]


async def test_what_other_currencies_there_are(person: Person) -> None:
    await make_deal(person, amount=dollars(1))
    await make_deal(person, amount=dollars(1))
    await make_deal(person, amount=euros(1))
    await put(person, rate("CHF", "2020-01-01", "1.04"), rate("CHF", "2099-01-01", "2"))
    found = await person.call("ListCurrencies", pb.ListCurrenciesRequest())
    assert found.base_currency_code == "EUR"
    assert [(c.currency_code, c.deal_count, c.rate.rate) for c in found.currencies] == [
        ("CHF", 0, "1.04"), ("USD", 2, ""),
    ]  # fmt: skip


async def test_a_file_of_three_columns(person: Person) -> None:
    text = (
        "\ufeffCurrency;Date;Rate\nUSD;2026-01-01;0.92\nUSD;2026-01-01;0.93\n\nchf;2026-01-02;1\n"
    )
    assert await read_file(person, text) == 2
    assert await rates_of(person) == [("CHF", "2026-01-02", "1"), ("USD", "2026-01-01", "0.93")]
    with refused(ErrorKind.INVALID, "RATE_INVALID") as refusal:
        await read_file(person, "date,currency,rate\n2026-01-01,USD,1\n2026-01-02,USD,0:9\n")
    assert list(refusal.value.fields) == ["row 3.rate"]


async def test_the_table_of_a_central_bank(person: Person, app: App) -> None:
    table = "Date,USD,JPY,CYP,\n2026-01-02,1.25,160,N/A,\n2026-01-01,1.6,N/A,,\n"
    assert await read_file(person, table) == 3
    assert await rates_of(person) == [
        ("JPY", "2026-01-02", "0.00625"),
        ("USD", "2026-01-02", "0.8"),
        ("USD", "2026-01-01", "0.625"),
    ]
    async with app.unit_of_work(person.workspace_id) as uow:
        await keep_workspace(uow, version=9, name="x", currency="USD", time_zone="UTC")
    assert await rates_of(person) == []
    assert await read_file(person, table) == 3
    assert await rates_of(person) == [
        ("EUR", "2026-01-02", "1.25"),
        ("EUR", "2026-01-01", "1.6"),
        ("JPY", "2026-01-02", "0.0078125"),
    ]
    with refused(ErrorKind.INVALID, "RATE_INVALID") as refusal:
        await read_file(person, "Date,USD\n2026-01-01,x\n")
    assert list(refusal.value.fields) == ["row 2, USD"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "COLUMNS_UNKNOWN"),
        (b"a,b\n1,2\n", "COLUMNS_UNKNOWN"),
        (b"date,currency,rate\n", "FILE_EMPTY"),
        (b"\xff\xfe\x00", "FILE_NOT_TEXT"),
        (b"date,currency,rate\n" + b"x" * 2_000_000, "FILE_TOO_LARGE"),
        (b'date,currency,rate\n"2026-01-01,USD,1\n', "CURRENCY_UNKNOWN"),
        (b"date,currency,rate\n2026-01-01,USD,1\0\n", "RATE_INVALID"),
    ],
)
async def test_a_file_that_cannot_be_read_says_so(
    person: Person, content: bytes, reason: str
) -> None:
    with refused(ErrorKind.INVALID, reason):
        await read_file(person, content)


async def test_only_who_may_enters_rates(person: Person) -> None:
    seller = Person(person.crm, person.workspace_id, permissions=("deals.read", "deals.write"))
    assert await rates_of(seller) == []
    with pytest.raises(RemoteError) as refusal:
        await put(seller, rate("USD", "2026-01-01", "1"))
    assert refusal.value.kind is ErrorKind.FORBIDDEN


async def test_what_a_client_is_worth_counts_at_the_rates_of_its_deals_days(
    person: Person, clock: FakeClock
) -> None:
    client, stages = await make_client(person), await person.stages()
    today = clock.now().date()
    won = await make_deal(person, client_id=client.id, amount=dollars(1_001))
    await person.move(won, stages["Won"])
    await make_deal(person, client_id=client.id, amount=dollars(3_000))
    await make_deal(person, client_id=client.id, amount=euros(50))
    asked = client_pb.GetClientRequest(client_id=client.id)
    found = await person.call("GetClient", asked)
    assert (found.won_value, found.open_value) == (euros(0), euros(50))
    assert (found.won_without_rate_count, found.open_without_rate_count) == (1, 1)
    earlier, later = today - timedelta(days=9), today + timedelta(days=9)
    await put(
        person,
        rate("USD", f"{earlier}", "0.5"),
        rate("USD", f"{today}", "0.8"),
        rate("USD", f"{later}", "0.1"),
    )
    found = await person.call("GetClient", asked)
    assert (found.won_value.amount_minor, found.open_value.amount_minor) == (801, 50 + 2_400)
    assert (found.won_without_rate_count, found.open_without_rate_count) == (0, 0)
