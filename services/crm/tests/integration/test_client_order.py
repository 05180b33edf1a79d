"""Clients sorted by what they brought, and by how long ago somebody spoke with them."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.domain.rates import Rates, factor_of
from freelanceflow.crm.v1 import activity_service_pb2 as activity_pb
from freelanceflow.crm.v1 import client_service_pb2 as pb
from freelanceflow.crm.v1 import rate_service_pb2 as rate_pb
from freelanceflow.type.v1 import filter_pb2, money_pb2
from kit.clock import FakeClock, to_timestamp
from kit.errors import ErrorKind
from kit.money import Money
from kit.sight import Sight
from kit.testing.database import ServiceDatabase, recorded_queries
from services.crm.tests.beside import FIGURES
from services.crm.tests.factories import (
    Crm,
    Person,
    by,
    euros,
    make_activity,
    make_client,
    make_deal,
    refused,
    where,
)

MOST, LEAST = by("won_value", descending=True), by("won_value")
LONGEST_AGO = by("last_contact_at")
CALL, NOTE = activity_pb.ACTIVITY_KIND_CALL, activity_pb.ACTIVITY_KIND_NOTE


async def listed(
    person: Person, *sort: filter_pb2.SortKey, size: int = 2, **over: Any
) -> list[pb.Client]:
    """All of them, page by page."""
    found: list[pb.Client] = []
    token = ""
    while token or not found:
        request = pb.ListClientsRequest(sort=sort, page_size=size, page_token=token, **over)
        page = await person.call("ListClients", request)
        found += page.clients
        token = page.next_page_token
        if not page.clients:
            break
    return found


async def names(person: Person, *sort: filter_pb2.SortKey, **over: Any) -> list[str]:
    return [client.name for client in await listed(person, *sort, **over)]


async def test_who_brought_most_comes_first(person: Person) -> None:
    stages = await person.stages()
    acme, bolt, cove = [await make_client(person, name=name) for name in ("acme", "Bolt", "Cove")]
    ann = await make_client(
        person, name="Ann", kind=pb.CLIENT_KIND_PERSON, parent_id=acme.id, tags=["vip"]
    )
    for client, amount, stage in (
        (acme, 30, "Won"), (ann, 70, "Won"), (bolt, 80, "Won"), (cove, 900, "Prospecting"),
    ):  # fmt: skip
        await make_deal(person, client_id=client.id, amount=euros(amount), stage_id=stages[stage])
    assert await names(person, MOST) == ["acme", "Bolt", "Ann", "Cove"]
    assert await names(person, LEAST) == ["Cove", "Ann", "Bolt", "acme"]
    assert await names(person, MOST, conditions=[where("tags", "CONTAINS", "vip")]) == ["Ann"]
    assert await names(person, by("kind"), MOST) == ["acme", "Bolt", "Cove", "Ann"]


async def test_whom_nobody_has_spoken_with_for_longest_comes_first(
    person: Person, clock: FakeClock
) -> None:
    acme, bolt, cove = [await make_client(person, name=name) for name in ("acme", "Bolt", "Cove")]
    ann = await make_client(person, name="Ann", kind=pb.CLIENT_KIND_PERSON, parent_id=acme.id)
    calls = [
        await make_activity(
            person,
            client_id=client.id,
            kind=kind,
            done_time=to_timestamp(clock.now() - timedelta(days=days)),
        )
        for client, kind, days in (
            (acme, CALL, 9),
            (ann, CALL, 2),
            (bolt, CALL, 5),
            (cove, NOTE, 1),
        )
    ]
    await make_activity(person, client_id=cove.id, due_time=to_timestamp(clock.now()))
    assert await names(person, LONGEST_AGO, by("name")) == ["Cove", "Bolt", "acme", "Ann"]
    undo = activity_pb.SetActivityDoneRequest(activity_id=calls[1].id, done=False)
    await person.call("SetActivityDone", undo)
    assert await names(person, LONGEST_AGO, by("name")) == ["Ann", "Cove", "acme", "Bolt"]


async def test_the_order_is_of_what_the_caller_sees(crm: Crm, person: Person) -> None:
    won = (await person.stages())["Won"]
    seller = Person(crm, person.workspace_id)
    seller.sight = Sight((seller.user_id,))
    acme, bolt = [await make_client(seller, name=name) for name in ("acme", "Bolt")]
    for who, client, amount in ((seller, acme, 10), (seller, bolt, 20), (person, acme, 90)):
        owner = str(who.user_id)
        await make_deal(
            who, client_id=client.id, amount=euros(amount), stage_id=won, owner_id=owner
        )
    assert await names(person, MOST) == ["acme", "Bolt"]
    assert await names(seller, MOST) == ["Bolt", "acme"]


@pytest.mark.parametrize("order", [MOST, LONGEST_AGO], ids=["won", "contact"])
async def test_an_order_is_part_of_the_one_statement(
    person: Person, database: ServiceDatabase, order: filter_pb2.SortKey
) -> None:
    for _ in range(3):
        await make_deal(person, client_id=(await make_client(person)).id)
    with recorded_queries(database.app) as queries:
        await person.call("ListClients", pb.ListClientsRequest(sort=[order]))
    assert len(queries) == 1, queries


@pytest.mark.parametrize("field", ["won_value", "last_contact_at"])
async def test_nothing_is_filtered_by_a_figure(person: Person, field: str) -> None:
    with refused(ErrorKind.INVALID, "FIELD_NOT_FILTERABLE"):
        await names(person, conditions=[where(field, "GTE", "1")])


class Won(NamedTuple):
    """A deal that was won, some days ago."""

    client: int
    amount: int
    currency: str
    days: int


CURRENCIES = ("EUR", "USD", "JPY", "CHF")  # nothing is known of the last one
DAYS = st.integers(0, 4)
WON = st.builds(
    Won, st.integers(0, 4), st.sampled_from((0, 1, 5, 2001)), st.sampled_from(CURRENCIES), DAYS
)
RATES = st.dictionaries(
    st.tuples(st.sampled_from(CURRENCIES[1:3]), DAYS),
    st.sampled_from(("0.5", "1.5", "0.006", "0.93")),
    max_size=4,
)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    parents=st.lists(st.integers(0, 1), max_size=3),
    deals=st.lists(WON, max_size=8),
    rates=RATES,
    calls=st.lists(st.tuples(st.integers(0, 4), DAYS), max_size=4),
    gone=st.sets(st.integers(0, 4), max_size=1),
    down=st.booleans(),
)
async def test_an_order_agrees_with_what_is_shown(
    crm: Crm,
    clock: FakeClock,
    database: ServiceDatabase,
    parents: list[int],
    deals: list[Won],
    rates: dict[tuple[str, int], str],
    calls: list[tuple[int, int]],
    gone: set[int],
    down: bool,
) -> None:
    """In whatever currency, by whatever rates, with people under companies, some in the trash."""
    person, now = Person(crm), clock.now()
    won = (await person.stages())["Won"]
    clients = [await make_client(person) for _ in range(2)]
    clients += [
        await make_client(person, kind=pb.CLIENT_KIND_PERSON, parent_id=clients[above].id)
        for above in parents
    ]
    for one in deals:
        amount = money_pb2.Money(amount_minor=one.amount, currency_code=one.currency)
        client = clients[one.client % len(clients)]
        deal = await make_deal(person, client_id=client.id, amount=amount, stage_id=won)
        closed = "UPDATE deals SET closed_at = $2 WHERE id = $1"
        await database.owner.execute(closed, UUID(deal.id), now - timedelta(days=one.days))
    for number, days in calls:
        client, done = clients[number % len(clients)], now - timedelta(days=days)
        await make_activity(person, client_id=client.id, done_time=to_timestamp(done))
    entries = [
        rate_pb.Rate(currency_code=code, valid_from=day_of(now, days), rate=rate)
        for (code, days), rate in rates.items()
    ]
    if entries:
        await person.call("PutRates", rate_pb.PutRatesRequest(rates=entries))
    for number in gone:
        away = clients[number % len(clients)]
        await person.call("DeleteClient", pb.DeleteClientRequest(client_id=away.id, etag=away.etag))
    shown = {client.id: client for client in await listed(person)}

    worth = worth_of(clients, deals, rates, now, gone={number % len(clients) for number in gone})
    assert {id: client.won_value.amount_minor for id, client in shown.items()} == worth

    for field, figure in FIGURES.items():
        found = [client.id for client in await listed(person, by(field, descending=down))]
        keys = sorted(((figure(client), client.id) for client in shown.values()), reverse=down)
        assert found == [id for _, id in keys]


def day_of(now: datetime, days: int) -> str:
    return (now - timedelta(days=days)).date().isoformat()


def worth_of(
    clients: list[pb.Client],
    deals: list[Won],
    rates: dict[tuple[str, int], str],
    now: datetime,
    *,
    gone: set[int],
) -> dict[str, int]:
    """What the domain makes of it: each deal at the rate of its day, rounded once."""
    known = sorted(
        (code, (now - timedelta(days=days)).date(), factor_of(Decimal(rate), code, "EUR"))
        for (code, days), rate in rates.items()
    )
    factors = {
        code: [(day, factor) for _, day, factor in of_code]
        for code, of_code in groupby(known, key=lambda entry: entry[0])
    }
    worth = {client.id: 0 for number, client in enumerate(clients) if number not in gone}
    for deal in deals:
        client = clients[deal.client % len(clients)]
        if client.id not in worth:
            continue
        closed = now - timedelta(days=deal.days)
        converted = Rates("EUR", factors).convert(Money(deal.amount, deal.currency), closed)
        for whose in {client.id, client.parent_id} & worth.keys():
            worth[whose] += converted.amount_minor if converted else 0
    return worth
