"""What is learnt late: rates, merges of clients, and events of records that are gone for good."""

import random
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.adapters import fact_copies
from analytics.science import facts_read
from analytics.science.facts import Facts
from freelanceflow.crm.v1 import client_events_pb2 as client_pb
from freelanceflow.crm.v1.record_events_pb2 import RecordPurged
from kit.bus.events import Event
from kit.clock import to_timestamp
from kit.ids import new_id
from kit.money import exponent
from kit.testing.database import ServiceDatabase
from services.analytics.tests.factories import DAY, NOON, Told, ToldDeal
from services.analytics.tests.integration.test_projection import facts, tell
from services.analytics.tests.scoring import unit

LATER = NOON + 20 * DAY
HOUR = timedelta(hours=1)


def _read(copied: fact_copies.Copied, at: datetime) -> Facts:
    """As the science does."""
    return facts_read.read(
        copied.states, copied.contacts, copied.sources, at=at.timestamp(), zone="UTC"
    )


async def worth(
    database: ServiceDatabase, workspace: UUID, *, at: datetime = LATER, own: str = "EUR"
) -> dict[UUID, str]:
    """What each deal's newest state before a moment is worth, as the science reads it."""
    async with unit(database, workspace) as uow:
        copied = await fact_copies.copied(uow, at=at, currency=own, scale=1.0)
    read = _read(copied, at)
    last = read.last()
    return {
        UUID(read.deals[deal].decode()): "" if value != value else f"{value:.0f}"
        for deal, value in zip(last.deal, last.value, strict=True)
    }


async def test_a_rate_that_is_entered_later_holds_for_its_days(
    database: ServiceDatabase, workspace: UUID
) -> None:
    crm = Told(workspace)
    early = crm.created(minor=100_00, currency="USD").moved("won", NOON + DAY)
    late = crm.created(minor=100_00, currency="USD", at=NOON + 5 * DAY)
    own = crm.created(minor=77_00)
    await tell(database, [*early.events, *late.events, *own.events])
    assert await worth(database, workspace) == {early.id: "", late.id: "", own.id: "7700"}

    await tell(database, [crm.rates(("USD", "2026-03-05", "0.9"))])
    # Before the first rate the first one counts, as in crm.
    found = await worth(database, workspace)
    assert found == {early.id: "9000", late.id: "9000", own.id: "7700"}

    await tell(database, [crm.rates(("USD", "2026-03-01", "0.8"))])
    found = await worth(database, workspace)
    assert (found[early.id], found[late.id]) == ("8000", "9000")

    await tell(database, [crm.rates(("USD", "2026-03-01", "0.5"), version=2)])
    await tell(database, [crm.rates(("USD", "2026-03-01", "0.8"), version=1)])  # old: no news
    assert (await worth(database, workspace))[early.id] == "5000"
    assert (await worth(database, workspace, at=NOON + timedelta(hours=1)))[early.id] == "5000"

    gone = crm.rates(("USD", "2026-03-01", ""), ("USD", "2026-03-05", ""), version=3)
    await tell(database, [gone])
    assert (await worth(database, workspace))[early.id] == ""


async def test_what_crm_converted_counts_until_a_rate_is_known_here(
    database: ServiceDatabase, workspace: UUID
) -> None:
    crm = Told(workspace)
    deal = crm.created(minor=300_00, currency="USD").converted(270_00, "EUR")
    await tell(database, deal.events)
    assert await worth(database, workspace) == {deal.id: "27000"}
    await tell(database, [crm.rates(("CHF", "2026-03-01", "1.05"))])
    assert await worth(database, workspace) == {deal.id: "27000"}
    await tell(database, [crm.rates(("USD", "2026-03-01", "0.5"))])
    assert await worth(database, workspace) == {deal.id: "15000"}


async def test_a_workspace_that_adds_up_in_another_currency_uses_its_rates(
    database: ServiceDatabase, workspace: UUID
) -> None:
    crm = Told(workspace)
    dollars, euros = crm.created(minor=10_00, currency="USD"), crm.created(minor=10_00)
    await tell(database, [crm.settings("EUR"), crm.rates(("USD", "2026-01-01", "0.5"))])
    await tell(database, [*dollars.events, *euros.events])
    assert await worth(database, workspace) == {dollars.id: "500", euros.id: "1000"}
    await tell(database, [crm.rates(("EUR", "2026-01-01", "2"), base="USD")])
    await tell(database, [crm.settings("USD", version=2)])
    found = await worth(database, workspace, own="USD")
    assert found == {dollars.id: "1000", euros.id: "2000"}


@pytest.mark.parametrize(
    ("zone", "by_own_day"),
    # Half an hour before midnight and half an hour behind it, in that zone and in no other.
    [
        ("Pacific/Auckland", ("2026-03-03T10:30Z", "2026-03-03T11:30Z")),  # thirteen hours ahead
        ("America/Los_Angeles", ("2026-03-04T07:30Z", "2026-03-04T08:30Z")),  # eight behind
    ],
)
async def test_a_day_is_the_workspaces_own_also_when_it_moves(
    database: ServiceDatabase, workspace: UUID, zone: str, by_own_day: tuple[str, str]
) -> None:
    crm = Told(workspace)
    before, behind = (
        crm.created(minor=100_00, currency="USD").moved("won", datetime.fromisoformat(moment))
        for moment in by_own_day
    )
    rates = crm.rates(("USD", "2026-03-03", "0.3"), ("USD", "2026-03-04", "0.4"))
    as_utc = {deal.id: "4000" if "-04T" in at else "3000" for deal, at in
              zip((before, behind), by_own_day, strict=True)}  # fmt: skip
    await tell(database, [crm.settings("EUR"), rates, *before.events, *behind.events])
    assert await worth(database, workspace) == as_utc

    await tell(database, [crm.settings("EUR", version=2, time_zone=zone)])  # it moves there
    assert await worth(database, workspace) == {before.id: "3000", behind.id: "4000"}
    born = crm.created(minor=100_00, currency="USD", at=datetime.fromisoformat(by_own_day[0]))
    await tell(database, born.events)
    assert (await worth(database, workspace))[born.id] == "3000"


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 10_000),
    zone=st.sampled_from(["UTC", "Pacific/Auckland", "America/Los_Angeles", "Asia/Kathmandu"]),
)
async def test_in_whatever_order_rates_come_amounts_are_those_of_their_day(
    database: ServiceDatabase, seed: int, zone: str
) -> None:
    dice = random.Random(seed)
    workspace = new_id()
    crm = Told(workspace)
    deals = [_deal(crm, dice) for _ in range(5)]
    told, final = _rates(crm, dice)
    events = [*(event for deal in deals for event in deal.events), *told]
    await tell(database, [crm.settings("EUR", time_zone=zone)])
    await tell(database, events)
    once = await facts(database, workspace)
    shuffled = events * 2
    dice.shuffle(shuffled)
    other = Told(workspace)
    await database.owner.execute("DELETE FROM deal_states WHERE workspace_id = $1", workspace)
    for table in ("deals", "stage_entries", "close_date_changes", "currency_rates"):
        await database.owner.execute(f"DELETE FROM {table} WHERE workspace_id = $1", workspace)
    await tell(database, [other.settings("CHF", version=2), *shuffled])
    await tell(database, [other.settings("EUR", version=3)])
    await tell(database, [other.settings("EUR", version=4, time_zone=zone)])
    assert await facts(database, workspace) == once

    rows = await database.owner.fetch(
        "SELECT * FROM deal_states WHERE workspace_id = $1 AND currency <> 'EUR'", workspace
    )
    for row in rows:
        moment = row["closed_at"] or row["happened_at"]
        day = moment.astimezone(ZoneInfo(zone)).date().isoformat()
        assert row["rated_minor"] == _by_hand(row, day, final), row


def _deal(crm: Told, dice: random.Random) -> ToldDeal:
    deal = crm.created(
        minor=dice.randint(1, 10**9),
        currency=dice.choice(["USD", "JPY", "EUR", "KWD"]),
        at=NOON + dice.randint(-40 * 24, 40 * 24) * HOUR,
    )
    if dice.random() < 0.5:
        deal.moved(dice.choice(["won", "lost"]), NOON + dice.randint(0, 60 * 24) * HOUR)
    return deal


def _rates(crm: Told, dice: random.Random) -> tuple[list[Event], dict[tuple[str, str], str]]:
    events, final = [], {}
    for currency in ("USD", "JPY", "KWD"):
        for n in range(dice.randint(0, 4)):
            day = (NOON + (dice.randint(-30, 30) + 100 * n) * DAY).date().isoformat()
            for version in range(1, dice.randint(2, 4)):
                rate = dice.choice(["", "0.5", f"{dice.randint(1, 9999)}.{dice.randint(0, 999)}"])
                events.append(crm.rates((currency, day, rate), version=version))
                final[currency, day] = rate
    return events, final


def _by_hand(row: Any, day: str, final: dict[tuple[str, str], str]) -> int | None:
    """As crm converts."""
    rates = sorted((d, r) for (code, d), r in final.items() if code == row["currency"] and r)
    if not rates:
        return None
    by_then = [rate for valid_from, rate in rates if valid_from <= day]
    rate = Decimal(by_then[-1] if by_then else rates[0][1])
    factor = rate.scaleb(exponent("EUR") - exponent(row["currency"]))
    return int((row["amount_minor"] * factor).to_integral_value(ROUND_HALF_EVEN))


async def test_a_merge_moves_what_is_and_leaves_what_was(
    database: ServiceDatabase, workspace: UUID
) -> None:
    crm, stays, goes = Told(workspace), new_id(), new_id()
    merged, undone = NOON + 10 * DAY, NOON + 12 * DAY
    deal = crm.created().belonging_to(goes, NOON + DAY).belonging_to(stays, merged)
    call = crm.call(goes, NOON + 2 * DAY).belonging_to(stays, merged)
    clients = [client_told(crm, stays, 1), client_told(crm, goes, 1)]
    await tell(database, [*clients, *deal.events, *call.events, client_gone(crm, goes, merged)])

    async def told(at: datetime) -> tuple[set[str], set[str], set[UUID]]:
        async with unit(database, workspace) as uow:
            copied = await fact_copies.copied(uow, at=at, currency="EUR", scale=1.0, past=True)
            there = {row["client_id"] for row in await fact_copies.clients_at(uow, at)}
        read = _read(copied, at)
        contacts = set(read.clients[read.contact_client].tolist())
        return set(read.clients[read.last().client].tolist()), contacts, there

    assert await told(NOON + 5 * DAY) == ({str(goes)}, {str(goes)}, {stays, goes})
    assert await told(NOON + 11 * DAY) == ({str(stays)}, {str(stays)}, {stays})

    deal.belonging_to(goes, undone)
    call.belonging_to(goes, undone)
    back = client_told(crm, goes, 3, kind="updated")
    await tell(database, [back, deal.events[-1], call.events[-1]])
    assert await told(undone + DAY) == ({str(goes)}, {str(goes)}, {stays, goes})
    events = [*clients, *deal.events, *call.events, client_gone(crm, goes, merged), back]
    once = await facts(database, workspace)
    random.Random(1).shuffle(events)
    await tell(database, events * 2)
    assert await facts(database, workspace) == once


def client_told(crm: Told, id: UUID, version: int, *, kind: str = "created") -> Event:
    client = client_pb.ClientSnapshot(
        client_id=str(id), kind="company", name="Acme", create_time=to_timestamp(NOON)
    )
    message = client_pb.ClientCreated if kind == "created" else client_pb.ClientUpdated
    body = message(client=client, version=version).SerializeToString()
    return crm.event(f"crm.client.v1.{kind}", body, version=version)


def client_gone(crm: Told, id: UUID, at: datetime) -> Event:
    body = client_pb.ClientDeleted(client_id=str(id), version=2, happen_time=to_timestamp(at))
    return crm.event("crm.client.v1.deleted", body.SerializeToString(), version=2, at=at)


async def test_what_is_gone_for_good_does_not_come_back(
    database: ServiceDatabase, workspace: UUID
) -> None:
    crm, client = Told(workspace), new_id()
    deal, call = crm.created().deleted(), crm.call(client, NOON)
    told = [*deal.events, *call.events, client_told(crm, client, 1)]
    await tell(database, told)
    for noun, id in (("deal", deal.id), ("client", client), ("activity", call.id)):
        body = RecordPurged(record_id=str(id), version=9).SerializeToString()
        await tell(database, [crm.event(f"crm.{noun}.v1.purged", body, version=9)])
    assert not await records(database, workspace)
    await tell(database, told)
    assert not await records(database, workspace)


async def records(database: ServiceDatabase, workspace: UUID) -> list[Any]:
    """All that is kept, but for the stages: they are nobody's record."""
    kept = await facts(database, workspace)
    return [row for table, rows in kept.items() if table != "stages" for row in rows]
