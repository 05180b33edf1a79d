"""Lists: filters, orders, pages that neither lose nor repeat a row."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from freelanceflow.crm.v1 import deal_service_pb2 as pb
from freelanceflow.type.v1 import filter_pb2, money_pb2
from kit.errors import ErrorKind
from kit.ids import new_id
from kit.rpc.errors import RemoteError
from kit.testing.database import ServiceDatabase, recorded_queries
from services.crm.tests.factories import (
    Crm,
    Person,
    by,
    euros,
    make_client,
    make_deal,
    refused,
    where,
)


@pytest.fixture(scope="module")
async def seller(crm: Crm) -> Person:
    """Somebody with six deals of all kinds."""
    person = Person(crm)
    client = await make_client(person)
    stages = await person.stages()
    rows: list[dict[str, Any]] = [
        {"name": "alpha", "amount": euros(300), "source": "web", "tags": ["hot"]},
        {"name": "Beta", "amount": euros(100), "client_id": client.id},
        {"name": "gamma", "amount": None, "expected_close_date": "2026-05-01"},
        {"name": "50% off", "amount": euros(200), "stage_id": stages["Engaging"]},
        {"name": "delta", "amount": euros(100), "stage_id": stages["Won"], "tags": ["hot", "x"]},
        {"name": "Alpha", "amount": euros(300), "expected_close_date": "2026-04-01"},
    ]
    for row in rows:
        await make_deal(person, **row)
    return person


def names(page: Any) -> list[str]:
    return [deal.name for deal in page.deals]


async def test_the_newest_come_first(seller: Person) -> None:
    page = await seller.list_deals(with_total=True)
    assert names(page) == ["Alpha", "delta", "50% off", "gamma", "Beta", "alpha"]
    assert (page.total, page.next_page_token) == (6, "")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (where("name", "EQ", "alpha"), {"alpha"}),
        (where("name", "CONTAINS", "ALPHA"), {"alpha", "Alpha"}),
        (where("name", "CONTAINS", "0% o"), {"50% off"}),
        (where("name", "CONTAINS", "_"), set()),
        (where("name", "NE", "alpha"), {"Beta", "gamma", "50% off", "delta", "Alpha"}),
        (where("name", "IN", "alpha", "Beta"), {"alpha", "Beta"}),
        (where("source", "ISNULL", "false"), {"alpha"}),
        (where("client_id", "ISNULL", "false"), {"Beta"}),
        (where("stage_type", "EQ", "won"), {"delta"}),
        (where("stage_type", "NE", "open"), {"delta"}),
        (where("tags", "CONTAINS", "hot"), {"alpha", "delta"}),
        (where("tags", "ISNULL", "true"), {"Beta", "gamma", "50% off", "Alpha"}),
        (where("amount_minor", "GTE", "200"), {"alpha", "50% off", "Alpha"}),
        (where("amount_minor", "LT", "200"), {"Beta", "delta"}),
        (where("amount_minor", "NE", "300"), {"Beta", "gamma", "50% off", "delta"}),
        (where("amount_minor", "ISNULL", "true"), {"gamma"}),
        (where("expected_close_date", "LTE", "2026-04-01"), {"Alpha"}),
        (where("created_at", "GT", "2020-01-01T00:00:00Z"), None),
        (where("created_at", "GT", "2999-01-01T00:00:00+02:00"), set()),
        (where("closed_at", "ISNULL", "false"), {"delta"}),
        (where("owner_id", "EQ", str(new_id())), set()),
    ],
)
async def test_a_filter_finds_what_fits(
    seller: Person, condition: filter_pb2.Condition, expected: set[str] | None
) -> None:
    page = await seller.list_deals(condition, with_total=True)
    everything = {"alpha", "Beta", "gamma", "50% off", "delta", "Alpha"}
    assert set(names(page)) == (everything if expected is None else expected)
    assert page.total == len(names(page))


async def test_all_conditions_must_hold(seller: Person) -> None:
    page = await seller.list_deals(
        where("tags", "CONTAINS", "hot"), where("stage_type", "EQ", "open")
    )
    assert names(page) == ["alpha"]


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        (where("shoe_size", "EQ", "1"), "FIELD_NOT_FILTERABLE"),
        (where("name", "LT", "a"), "OPERATOR_NOT_SUPPORTED"),
        (where("tags", "LT", "a"), "OPERATOR_NOT_SUPPORTED"),
        (where("name", "UNSPECIFIED", "a"), "OPERATOR_NOT_SUPPORTED"),
        (where("amount_minor", "EQ", "much"), "VALUE_INVALID"),
        (where("amount_minor", "EQ", str(2**63)), "VALUE_INVALID"),
        (where("amount", "LT", "1e999999"), "VALUE_INVALID"),
        (where("amount", "GT", "1e-999999"), "VALUE_INVALID"),
        (where("created_at", "GT", "2026-01-01T00:00:00"), "VALUE_INVALID"),
        (where("client_id", "EQ", "me"), "VALUE_INVALID"),
        (where("name", "EQ"), "VALUE_INVALID"),
        (where("name", "EQ", "a", "b"), "VALUE_INVALID"),
        (where("name", "EQ", "a\0"), "VALUE_INVALID"),
        (where("name", "IN"), "VALUE_INVALID"),
        (where("name", "ISNULL", "perhaps"), "VALUE_INVALID"),
    ],
)
async def test_a_filter_that_makes_no_sense_is_refused(
    seller: Person, condition: filter_pb2.Condition, reason: str
) -> None:
    with refused(ErrorKind.INVALID, reason):
        await seller.list_deals(condition)


async def test_orders_hold_on_every_page(seller: Person) -> None:
    orders: list[tuple[list[filter_pb2.SortKey], list[str] | None]] = [
        ([by("name")], ["50% off", "alpha", "Alpha", "Beta", "delta", "gamma"]),
        ([by("amount_minor"), by("name", True)], None),
        ([by("expected_close_date", True)], None),
        ([by("closed_at"), by("amount_minor", True)], None),
    ]
    for order, expected in orders:
        whole = names(await seller.list_deals(sort=order))
        if expected:
            assert whole == expected
        for size in (1, 2, 5):
            pages: list[str] = []
            token = ""
            while token or not pages:
                page = await seller.list_deals(sort=order, page_size=size, page_token=token)
                pages += names(page)
                token = page.next_page_token
            assert pages == whole


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    amounts=st.lists(st.one_of(st.none(), st.integers(0, 3)), max_size=8),
    down=st.tuples(st.booleans(), st.booleans()),
    size=st.integers(1, 4),
)
async def test_pages_are_the_sorted_list(
    crm: Crm, amounts: list[int | None], down: tuple[bool, bool], size: int
) -> None:
    person = Person(crm)
    made = [
        await make_deal(person, name=f"n{i % 2}", amount=None if a is None else euros(a))
        for i, a in enumerate(amounts)
    ]
    # Stable sorts, the least important key first; the id follows the direction of the last key.
    wanted = sorted(made, key=lambda deal: deal.id, reverse=down[1])
    wanted.sort(key=lambda deal: deal.name, reverse=down[1])
    wanted.sort(
        key=lambda deal: deal.amount.amount_minor if deal.HasField("amount") else -1,
        reverse=down[0],
    )
    order = (by("amount_minor", down[0]), by("name", down[1]))
    found: list[str] = []
    token = ""
    while token or not found:
        page = await person.list_deals(sort=order, page_size=size, page_token=token)
        found += [deal.id for deal in page.deals]
        token = page.next_page_token
        if not made:
            break
    assert found == [deal.id for deal in wanted]


async def test_a_token_belongs_to_its_list(seller: Person, stranger: Person) -> None:
    token = (await seller.list_deals(page_size=1)).next_page_token
    assert names(await seller.list_deals(page_size=9, page_token=token))
    others = (
        seller.list_deals(page_token=token, sort=[by("name")]),
        seller.list_deals(where("name", "EQ", "x"), page_token=token),
        seller.list_deals(page_token=token[:-2] + "xx"),
        stranger.list_deals(page_token=token),
    )
    for other in others:
        with refused(ErrorKind.INVALID, "PAGE_TOKEN_INVALID"):
            await other


async def test_unknown_orders_and_sizes_are_refused(seller: Person) -> None:
    with refused(ErrorKind.INVALID, "FIELD_NOT_SORTABLE"):
        await seller.list_deals(sort=[by("tags")])
    with refused(ErrorKind.INVALID, "INVALID_INPUT"):
        await seller.list_deals(page_size=-1)


async def test_reads_are_one_statement(seller: Person, database: ServiceDatabase) -> None:
    deal = (await seller.list_deals()).deals[0]
    for read in (seller.deal(deal.id), seller.list_deals(page_size=50)):
        with recorded_queries(database.app) as queries:
            await read
        assert len(queries) == 1, queries
    with recorded_queries(database.app) as queries:
        await seller.board()
    assert len(queries) == 3, queries  # stages, totals, cards


async def test_who_may_not_read_does_not(crm: Crm) -> None:
    person = Person(crm, permissions=("clients.read",))
    with pytest.raises(RemoteError) as refusal:
        await person.call("ListDeals", pb.ListDealsRequest())
    assert refusal.value.kind is ErrorKind.FORBIDDEN


async def test_amounts_are_asked_for_as_people_write_them(person: Person) -> None:
    for name, currency, amount_minor in (
        ("euro", "EUR", 1250), ("yen", "JPY", 1250), ("dinar", "KWD", 1250),
    ):  # fmt: skip
        money = money_pb2.Money(currency_code=currency, amount_minor=amount_minor)
        await make_deal(person, name=name, amount=money)
    await make_deal(person, name="none", amount=None)
    for condition, names in (
        (where("amount", "EQ", "12.5"), {"euro"}),
        (where("amount", "GTE", "12.50"), {"euro", "yen"}),
        (where("amount", "LT", "12.5"), {"dinar"}),
        (where("amount", "ISNULL", "true"), {"none"}),
    ):
        found = await person.list_deals(condition)
        assert {deal.name for deal in found.deals} == names, condition
