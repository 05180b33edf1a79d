"""Deals that were won or lost on another day than the one on which somebody says so."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from crm.application.workspaces import keep_workspace
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import deal_events_pb2 as event_pb
from freelanceflow.crm.v1 import deal_service_pb2 as pb
from kit.clock import FakeClock, from_timestamp
from kit.errors import ErrorKind
from kit.testing.database import ServiceDatabase
from services.crm.tests.factories import Person, make_deal, refused

ZONE = ZoneInfo("Pacific/Auckland")


@pytest.fixture
async def old_deal(app: App, person: Person, clock: FakeClock) -> pb.Deal:
    """Made ten days ago, in a workspace whose days begin long before those of UTC."""
    async with app.unit_of_work(person.workspace_id) as uow:
        await keep_workspace(uow, version=1, name="Studio", currency="EUR", time_zone=ZONE.key)
    deal = await make_deal(person)
    clock.advance(timedelta(days=10))
    return deal


def today(clock: FakeClock) -> date:
    return clock.now().astimezone(ZONE).date()


async def test_a_deal_is_won_on_a_day_that_is_past(
    person: Person, old_deal: pb.Deal, clock: FakeClock, database: ServiceDatabase
) -> None:
    stages, day = await person.stages(), today(clock) - timedelta(days=4)
    won = await person.move(old_deal, stages["Won"], closed_on=day.isoformat())
    begin = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    assert from_timestamp(won.close_time) == from_timestamp(won.enter_stage_time) == begin
    assert from_timestamp(won.update_time) == clock.now(), "that was done today"
    history = await person.call("ListDealHistory", pb.ListDealHistoryRequest(deal_id=won.id))
    line = history.entries[0]
    assert (line.kind, from_timestamp(line.happen_time)) == ("moved", begin)
    stayed = begin - from_timestamp(old_deal.enter_stage_time)
    assert line.days_in_stage == pytest.approx(stayed / timedelta(days=1))
    row = await database.owner.fetchrow(
        "SELECT body, happened_at FROM outbox WHERE aggregate_id = $1::uuid AND type LIKE '%moved'",
        won.id,
    )
    assert row is not None
    told = event_pb.DealMoved.FromString(row["body"])
    assert row["happened_at"] == from_timestamp(told.happen_time) == begin
    assert from_timestamp(told.deal.close_time) == begin


async def test_a_deal_is_lost_on_the_day_it_came(person: Person, old_deal: pb.Deal) -> None:
    stages, reasons = await person.stages(), await person.lost_reasons()
    entered = from_timestamp(old_deal.enter_stage_time)
    day = entered.astimezone(ZONE).date().isoformat()
    over = {"closed_on": day, "lost_reason_id": reasons["Price"]}
    lost = await person.move(old_deal, stages["Lost"], **over)
    assert from_timestamp(lost.close_time) == entered, "its beginning was before the deal's"


async def test_today_is_now(person: Person, old_deal: pb.Deal, clock: FakeClock) -> None:
    stages = await person.stages()
    won = await person.move(old_deal, stages["Won"], closed_on=today(clock).isoformat())
    assert from_timestamp(won.close_time) == clock.now()


async def test_no_other_day_is_taken(person: Person, old_deal: pb.Deal, clock: FakeClock) -> None:
    stages = await person.stages()
    tomorrow = (today(clock) + timedelta(days=1)).isoformat()
    before = from_timestamp(old_deal.enter_stage_time).astimezone(ZONE).date() - timedelta(days=1)
    for day in (tomorrow, before.isoformat()):
        with refused(ErrorKind.INVALID, "CLOSE_DAY_INVALID"):
            await person.move(old_deal, stages["Won"], closed_on=day)
    for day in ("yesterday", "2026-02-30", "20260201"):
        with refused(ErrorKind.INVALID, "DATE_INVALID"):
            await person.move(old_deal, stages["Won"], closed_on=day)
    yesterday = (today(clock) - timedelta(days=1)).isoformat()
    with refused(ErrorKind.INVALID, "CLOSE_DAY_INVALID"):
        await person.move(old_deal, stages["Proposal"], closed_on=yesterday)
    assert (await person.deal(old_deal.id)).version == old_deal.version

    moved = await person.move(old_deal, stages["Proposal"])
    with refused(ErrorKind.INVALID, "CLOSE_DAY_INVALID"):
        await person.move(moved, stages["Won"], closed_on=yesterday)
    won = await person.move(moved, stages["Won"])
    with refused(ErrorKind.INVALID, "CLOSE_DAY_INVALID"):
        await person.move(won, stages["Won"], closed_on=today(clock).isoformat())
    assert from_timestamp(won.close_time) == clock.now().astimezone(UTC)
