"""Events become facts: once, whatever their order; and reports add up."""

import random
from collections.abc import Iterable
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.adapters import fact_copies
from analytics.adapters.events import to_outbox
from analytics.application import reports
from analytics.application.scope import Asked, Scope, scope
from analytics.domain.errors import DealNotFound
from analytics.entrypoints.consumers import OF_AUTH, OF_CRM, crm_told
from analytics.science import facts_read
from freelanceflow.auth.v1.account_events_pb2 import MemberErased, WorkspaceCreated
from freelanceflow.crm.v1 import client_events_pb2 as client_pb
from freelanceflow.crm.v1.import_events_pb2 import ImportFinished
from freelanceflow.crm.v1.record_events_pb2 import RecordPurged
from kit.bus.events import Event
from kit.database import ReadTransaction
from kit.ids import new_id
from kit.testing.database import ServiceDatabase, recorded_queries
from kit.unit_of_work import UnitOfWork
from services.analytics.tests.factories import DAY, NOON, Told

LATER = NOON + 20 * DAY
KEYS = {
    "deals": "deal_id",
    "deal_states": "deal_id, version",
    "stage_entries": "deal_id, version",
    "close_date_changes": "deal_id, version",
    "clients": "client_id",
    "activities": "activity_id",
    "activity_states": "activity_id, version",
    "stages": "stage_id",
}


def unit(database: ServiceDatabase, workspace: UUID) -> UnitOfWork:
    return UnitOfWork(database.app, workspace, to_outbox=to_outbox, wake_relay=lambda: None)


async def tell(database: ServiceDatabase, events: Iterable[Event]) -> None:
    for event in events:
        async with unit(database, event.workspace_id) as uow:
            await {**OF_CRM, **OF_AUTH}[event.type](uow, event)


async def forget_all(database: ServiceDatabase, workspace: UUID) -> None:
    for table in KEYS:
        await database.owner.execute(f"DELETE FROM {table} WHERE workspace_id = $1", workspace)


async def facts(database: ServiceDatabase, workspace: UUID) -> dict[str, list[Any]]:
    found = {}
    for table, key in KEYS.items():
        rows = await database.owner.fetch(
            f"SELECT * FROM {table} WHERE workspace_id = $1 ORDER BY {key}", workspace
        )
        found[table] = [tuple(row.values()) for row in rows]
    return found


async def test_whose_account_is_gone_is_named_no_more(
    database: ServiceDatabase, workspace: UUID
) -> None:
    crm, gone, other = Told(workspace), new_id(), new_id()
    for owner, name in ((gone, "Quilliam Sand"), (other, "Mira Okafor")):
        deal = crm.created(owner=owner)
        deal.snapshot.owner_name = name
        await tell(database, deal.moved("proposal", NOON + DAY).events)
    erased = MemberErased(workspace_id=str(workspace), user_id=str(gone), version=2**31 - 1)
    event = crm.event("auth.member.v1.erased", erased.SerializeToString(), version=erased.version)
    await tell(database, [event])
    names = "SELECT owner_name FROM deals WHERE workspace_id = $1 ORDER BY owner_name"
    found = await database.owner.fetch(names, workspace)
    assert [row["owner_name"] for row in found] == ["A former member", "Mira Okafor"]


async def test_a_move_ends_one_stay_and_begins_another(
    database: ServiceDatabase, workspace: UUID
) -> None:
    deal = Told(workspace).created().moved("proposal", NOON + 3 * DAY).moved("won", NOON + 9 * DAY)
    await tell(database, deal.events)
    async with ReadTransaction(database.app, workspace) as tx:
        report = await reports.deal_insight(tx, deal.id, await here(tx))
    assert [(s.stage_name, s.days) for s in report.spells] == [
        ("Prospecting", 3.0),
        ("Proposal", 6.0),
        ("Won", 11.0),
    ]
    assert (report.age_days, report.odds) == (9.0, None)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 10_000))
async def test_neither_order_nor_repetition_matters(database: ServiceDatabase, seed: int) -> None:
    dice = random.Random(seed)
    workspace = new_id()
    crm = Told(workspace)
    events: list[Event] = []
    for _ in range(3):
        deal = crm.created(close="2026-04-01")
        for step in range(1, dice.randint(2, 6)):
            match dice.randrange(4):
                case 0:
                    deal.moved(dice.choice(list(crm.stages)), NOON + step * DAY)
                case 1:
                    deal.postponed(f"2026-05-{step:02}")
                case 2:
                    deal.revalued(step * 1000)
                case _:
                    deal.deleted().restored()
        events += deal.events
        events += crm.client_events(dice) + crm.activity_events(dice, deal.id)
    await tell(database, events)
    once = await facts(database, workspace)
    shuffled = events * 5
    dice.shuffle(shuffled)
    await tell(database, shuffled)
    assert await facts(database, workspace) == once
    await forget_all(database, workspace)
    await tell(database, shuffled)
    assert await facts(database, workspace) == once
    await forget_all(database, workspace)
    while shuffled:
        together = [shuffled.pop() for _ in range(min(dice.randint(1, 20), len(shuffled)))]
        async with unit(database, workspace) as uow:
            with uow.holding_commit():
                await crm_told(uow, together)
            await uow.commit()
    assert await facts(database, workspace) == once


async def test_the_pipeline_adds_up_per_stage_and_currency(
    database: ServiceDatabase, workspace: UUID
) -> None:
    crm, owner = Told(workspace), new_id()
    created = WorkspaceCreated(version=1, currency_code="EUR", time_zone="Europe/Berlin")
    body = created.SerializeToString()
    await tell(database, [crm.event("auth.workspace.v1.created", body, version=1)])
    for deal in (
        crm.created(minor=100_00, owner=owner),
        crm.created(minor=250_00),
        crm.created(minor=70_00, currency="USD"),
        crm.created(minor=None),
        crm.created(minor=900_00).moved("won", LATER - DAY),
        crm.created(minor=900_00).moved("lost", LATER - DAY),
        crm.created(minor=5_00).deleted(),
    ):
        await tell(database, deal.events)
    async with ReadTransaction(database.app, workspace) as tx:
        report = await reports.pipeline(tx, await here(tx))
        own = await reports.pipeline(tx, await here(tx, owner_id=owner))
    shown = [(r["name"], r["currency"], r["deals"], r["minor"]) for r in report.stages]
    assert sorted(shown) == [
        ("Lost", "EUR", 1, 900_00),
        ("Prospecting", "", 1, 0),
        ("Prospecting", "EUR", 2, 350_00),
        ("Prospecting", "USD", 1, 0),
        ("Won", "EUR", 1, 900_00),
    ]
    assert [r["other_minor"] for r in report.stages if r["others"]] == [70_00]
    assert tuple(report.recent) == (1, 900_00, 6)
    assert [(r["deals"], r["minor"]) for r in own.stages] == [(1, 100_00)]


async def here(tx: ReadTransaction, **asked: Any) -> Scope:
    return await scope(tx, Asked(**asked), me=new_id(), now=LATER)


async def test_velocity_by_hand(database: ServiceDatabase, workspace: UUID) -> None:
    crm = Told(workspace)
    for deal in (
        crm.created(minor=400_00, at=NOON - 10 * DAY).moved("won", NOON),
        crm.created(minor=200_00, at=NOON - 20 * DAY).moved("won", NOON + DAY),
        crm.created(minor=999_00, at=NOON - 20 * DAY).moved("lost", NOON + DAY),
        crm.created(minor=500_00, at=NOON),
        crm.created(minor=500_00, at=NOON - 90 * DAY).moved("won", NOON - 80 * DAY),
    ):
        await tell(database, deal.events)
    async with ReadTransaction(database.app, workspace) as tx:
        report = await reports.velocity(tx, await here(tx, first="2026-02-20", last="2026-03-10"))
    pace = report.pace
    assert (pace.opportunities, pace.won, pace.lost) == (1, 2, 1)
    assert pace.mean_value_minor == 500_00
    assert pace.cycle_days == pytest.approx((10 + 21 + 21) / 3)
    assert pace.value_per_day_minor == pytest.approx(500_00 * (2 / 3) / (52 / 3))
    assert (report.before.opportunities, report.before.won) == (2, 0)


async def test_odds_rest_on_how_deals_ended_here(
    database: ServiceDatabase, workspace: UUID
) -> None:
    crm = Told(workspace)
    deal = crm.created(minor=100_00, close="2026-04-01").postponed("2026-05-01")
    deal.postponed("2026-04-15")
    await tell(database, deal.events)
    async with ReadTransaction(database.app, workspace) as tx:
        before = await reports.deal_insight(tx, deal.id, await here(tx))
    for ended in (crm.created().moved("won", LATER), crm.created().moved("lost", LATER)):
        await tell(database, ended.events)
    async with ReadTransaction(database.app, workspace) as tx:
        after = await reports.deal_insight(tx, deal.id, await here(tx))
        with pytest.raises(DealNotFound):
            await reports.deal_insight(tx, new_id(), await here(tx))
    assert (before.odds, before.postponements) == (None, 1)
    assert after.odds is not None
    assert after.odds.probability == pytest.approx(0.5)
    async with ReadTransaction(database.app, new_id()) as tx:
        with pytest.raises(DealNotFound):
            await reports.deal_insight(tx, deal.id, await here(tx))


async def test_changes_are_told_and_a_bulk_only_at_its_end(
    database: ServiceDatabase, workspace: UUID
) -> None:
    crm, bulk = Told(workspace), new_id()
    await tell(database, crm.created(bulk=bulk).moved("won", NOON).events)
    count = "SELECT count(*) FROM outbox WHERE workspace_id = $1"
    assert await database.owner.fetchval(count, workspace) == 0
    body = ImportFinished(import_id=str(bulk), version=2).SerializeToString()
    await tell(database, [crm.event("crm.import.v1.finished", body, version=2)])
    assert await database.owner.fetchval(count, workspace) == 1
    await tell(database, crm.created().events)
    assert await database.owner.fetchval(count, workspace) == 2


async def test_many_events_are_few_statements(database: ServiceDatabase, workspace: UUID) -> None:
    crm, bulk = Told(workspace), new_id()
    one_by_one = [crm.created(bulk=bulk).moved("won", NOON + DAY) for _ in range(20)]
    events = [event for deal in one_by_one for event in deal.events]
    with recorded_queries(database.app) as queries:
        async with unit(database, workspace) as uow:
            await crm_told(uow, events)
    # BEGIN, nothing is built anew, the facts, their number, nothing is gone for good, that they are
    # to be scored, COMMIT
    assert len(queries) == 7, queries
    kept = await facts(database, workspace)
    assert (len(kept["deals"]), len(kept["stage_entries"])) == (20, 40)
    assert {deal[2] for deal in kept["deals"]} == {2}
    count = "SELECT changes FROM workspaces WHERE workspace_id = $1"
    assert await database.owner.fetchval(count, workspace) == 40


async def test_a_late_workspace_is_no_trouble(database: ServiceDatabase, workspace: UUID) -> None:
    crm = Told(workspace)
    await tell(database, crm.created(currency="CHF").events)
    told = WorkspaceCreated(version=2, currency_code="CHF", time_zone="Europe/Zurich")
    old = WorkspaceCreated(version=1, currency_code="EUR", time_zone="UTC")
    for message in (told, old):
        event = crm.event("auth.workspace.v1.created", message.SerializeToString(), version=1)
        await tell(database, [event])
    async with ReadTransaction(database.app, workspace) as tx:
        report = await reports.pipeline(tx, await here(tx))
    assert (report.scope.standing.currency, report.scope.zone.key) == ("CHF", "Europe/Zurich")
    assert report.scope.standing.as_of is not None


async def test_a_restored_deal_counts_again_and_a_purged_one_is_forgotten(
    database: ServiceDatabase, workspace: UUID
) -> None:
    crm = Told(workspace)
    back, gone = crm.created().deleted().restored(), crm.created().deleted()
    await tell(database, back.events + gone.events)
    purged = RecordPurged(record_id=str(gone.id), version=gone.version + 1)
    body = purged.SerializeToString()
    await tell(database, [crm.event("crm.deal.v1.purged", body, version=purged.version)])
    left = await facts(database, workspace)
    del left["stages"]
    assert {row[1] for table in left.values() for row in table} == {back.id}
    alive = "SELECT deleted_at IS NULL FROM deals WHERE deal_id = $1"
    assert await database.owner.fetchval(alive, back.id)


async def test_what_a_purged_client_had_is_nobodys(
    database: ServiceDatabase, workspace: UUID
) -> None:
    crm, client_id, other = Told(workspace), new_id(), new_id()
    deal = crm.created().belonging_to(client_id, NOON)
    kept = crm.created().belonging_to(other, NOON)
    call = crm.call(client_id, NOON)
    await tell(database, [crm.client(client_id), *deal.events, *kept.events, *call.events])
    body = RecordPurged(record_id=str(client_id), version=3).SerializeToString()
    await tell(database, [crm.event("crm.client.v1.purged", body, version=3)])
    for table in ("deals", "deal_states", "activities", "activity_states"):
        ids = f"SELECT client_id FROM {table} WHERE workspace_id = $1 AND client_id IS NOT NULL"
        left = {row["client_id"] for row in await database.owner.fetch(ids, workspace)}
        assert left == ({other} if table.startswith("deal") else set()), table


async def test_a_client_is_called_as_it_says_itself_in_whatever_order(
    database: ServiceDatabase,
) -> None:
    """Its deals may be told by somebody who does not see it, and names it not."""

    async def called(workspace: UUID, deal_id: UUID) -> str:
        async with ReadTransaction(database.app, workspace) as tx:
            report = await reports.deal_insight(tx, deal_id, await here(tx))
            name: str = report.deal["client_name"]
            return name

    for order in permutations(range(4)):
        crm, client_id = Told(new_id()), new_id()
        made = crm.client(client_id)
        renamed = client_pb.ClientCreated.FromString(made.body).client
        renamed.name = "Acme AG"
        new_name = client_pb.ClientUpdated(client=renamed, version=2).SerializeToString()
        deal = crm.created()
        deal.snapshot.client_name = "Acme"
        deal.belonging_to(client_id)
        deal.snapshot.client_name = ""
        deal.revalued(1)
        events = [
            made,
            crm.event("crm.client.v1.updated", new_name, version=2),
            *deal.events[1:],
        ]
        await tell(database, [*deal.events[:1], *(events[place] for place in order)])
        assert await called(crm.workspace, deal.id) == "Acme AG", order
        await tell(database, deal.belonging_to(new_id()).events[-1:])
        assert await called(crm.workspace, deal.id) == "", order


async def test_amounts_of_other_currencies_count_only_as_crm_converted_them(
    database: ServiceDatabase, workspace: UUID
) -> None:
    crm = Told(workspace)
    known, unknown = crm.created(minor=300_00, currency="USD"), crm.created(minor=1, currency="CHF")
    known.converted(270_00, "EUR")
    await tell(database, [*known.events, *unknown.events])
    async with unit(database, workspace) as uow:
        copied = await fact_copies.copied(uow, at=LATER, currency="EUR", scale=100.0)
    read = facts_read.read(
        copied.states, copied.contacts, copied.sources, at=LATER.timestamp(), zone="UTC"
    )
    values = dict(zip(read.deals.astype(str).tolist(), read.last().value.tolist(), strict=True))
    assert values == {
        str(known.id): 270.0,
        str(unknown.id): pytest.approx(float("nan"), nan_ok=True),
    }
