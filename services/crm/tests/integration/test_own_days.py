"""A rate holds for a day, and a day is the workspace's own: it begins at midnight in its zone."""

from datetime import UTC, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.application.workspaces import keep_workspace
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import deal_service_pb2 as deal_pb
from freelanceflow.crm.v1 import rate_service_pb2 as pb
from kit.clock import FakeClock
from kit.testing.database import ServiceDatabase
from services.crm.tests.factories import (
    Crm,
    Person,
    euros,
    imported,
    make_client,
    make_deal,
    where,
)
from services.crm.tests.integration.test_rates import base_amounts, dollars, put, rate

AHEAD, BEHIND = "Pacific/Auckland", "America/Los_Angeles"
SOON, LATER = timedelta(days=2), timedelta(minutes=30)


async def settled_in(app: App, person: Person, zone: str, version: int = 1) -> None:
    async with app.unit_of_work(person.workspace_id) as uow:
        await keep_workspace(uow, version=version, name="W", currency="EUR", time_zone=zone)


async def worth(person: Person, client: client_pb.Client) -> int:
    asked = client_pb.GetClientRequest(client_id=client.id)
    return int((await person.call("GetClient", asked)).won_value.amount_minor)


@pytest.mark.parametrize("zone", [AHEAD, BEHIND])
async def test_around_midnight_everything_counts_by_the_own_day(
    person: Person, clock: FakeClock, app: App, database: ServiceDatabase, zone: str
) -> None:
    await settled_in(app, person, zone)
    day = (clock.now() + SOON).astimezone(ZoneInfo(zone)).date()
    midnight = datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
    client, stages = await make_client(person), await person.stages()
    await put(
        person, rate("USD", f"{day - timedelta(days=1)}", "0.3"), rate("USD", f"{day}", "0.4")
    )
    for moment, cents in ((midnight - LATER, 30), (midnight + LATER, 40)):
        clock.set(moment)
        won = await make_deal(person, client_id=client.id, amount=dollars(100))
        await person.move(won, stages["Won"])
        assert (await base_amounts(database, person))[-2:] == [euros(cents)] * 2
        waits = await make_deal(person, amount=dollars(100))
        assert (await person.board())["Prospecting"].sum == euros(cents)
        listed = await person.list_deals(where("stage_type", "EQ", "open"), with_total=True)
        assert listed.sum == euros(cents)
        found = await person.call("ListCurrencies", pb.ListCurrenciesRequest())
        assert [c.rate.rate for c in found.currencies] == [f"0.{cents // 10}"]
        gone = deal_pb.DeleteDealRequest(deal_id=waits.id, etag=waits.etag)
        await person.call("DeleteDeal", gone)
    assert await worth(person, client) == 30 + 40
    await settled_in(app, person, "UTC", version=2)  # it moves, and its days with it
    both_on = 40 if midnight.date() == day else 30
    assert await worth(person, client) == 2 * both_on


async def test_what_an_import_dates_by_the_day_counts_on_that_day(
    person: Person, app: App, database: ServiceDatabase
) -> None:
    await settled_in(app, person, AHEAD)
    await put(person, rate("USD", "2024-05-01", "0.5"), rate("USD", "2024-06-01", "0.6"))
    head = "name,amount,currency,stage,created_at,closed_at"
    await imported(app, person, f"{head}\nA,10,USD,Won,2024-05-02,2024-06-01\n")
    assert (await base_amounts(database, person))[-1] == euros(600)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    zone=st.sampled_from(["UTC", AHEAD, BEHIND]),
    hours=st.lists(st.integers(0, 24 * 4), min_size=1, max_size=4).map(sorted),
    rates=st.dictionaries(st.integers(0, 5), st.integers(1, 99), min_size=1, max_size=4),
)
async def test_a_client_is_worth_what_its_deals_told(
    crm: Crm,
    clock: FakeClock,
    app: App,
    database: ServiceDatabase,
    zone: str,
    hours: list[int],
    rates: dict[int, int],
) -> None:
    """analytics makes the same of the same rates, by the same rule: see its test_late_facts."""
    person, begin = Person(crm), clock.now()
    await settled_in(app, person, zone)
    by_day = {
        (begin + timedelta(days=day)).date(): Decimal(f"0.{cents:02}5")  # halves come about
        for day, cents in rates.items()
    }
    await put(person, *(rate("USD", f"{day}", f"{value}") for day, value in by_day.items()))
    client, stages = await make_client(person), await person.stages()
    expected = 0
    for amount, hour in enumerate(hours, 100):
        clock.set(begin + timedelta(hours=hour))
        deal = await make_deal(person, client_id=client.id, amount=dollars(amount))
        await person.move(deal, stages["Won"])
        today = clock.now().astimezone(ZoneInfo(zone)).date()
        in_force = max((day for day in by_day if day <= today), default=min(by_day))
        worth_of_it = int((amount * by_day[in_force]).to_integral_value(ROUND_HALF_EVEN))
        assert (await base_amounts(database, person))[-1] == euros(worth_of_it)
        expected += worth_of_it
    assert await worth(person, client) == expected
