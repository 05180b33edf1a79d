"""Counted figures over real gRPC: what is counted, of whom, and as of when."""

import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from analytics.bootstrap.serving import services
from analytics.entrypoints.app import App
from analytics.entrypoints.consumers import OF_AUTH
from freelanceflow.analytics.v1 import figures_service_pb2 as pb
from freelanceflow.analytics.v1.figures_service_pb2_grpc import FiguresServiceStub
from kit.clock import FakeClock
from kit.errors import DomainError
from kit.ids import new_id
from kit.jobs.celery import JobApp
from kit.rpc.client import Caller
from kit.sight import EVERYTHING, Sight
from kit.testing.database import ServiceDatabase, recorded_queries
from kit.testing.rpc import Issuer, served
from services.analytics.tests import score_rows as rows
from services.analytics.tests.contract.test_rpc import tell
from services.analytics.tests.factories import DAY, NOON, Told, ToldDeal

NOW = NOON + 100 * DAY
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass
class Peer:
    """The service, a workspace in it, and somebody who asks."""

    app: App
    caller: Caller
    issuer: Issuer
    crm: Told

    async def tell(self, *deals: ToldDeal) -> None:
        for deal in deals:
            await tell(self.app, deal.events)

    async def ask(self, name: str, *, sight: Sight = EVERYTHING, **scope: Any) -> Any:
        identity = self.issuer.identity(
            "analytics.read", workspace_id=self.crm.workspace, sight=sight
        )
        request = getattr(pb, f"Get{name}Request")(scope=pb.Scope(**scope))
        call = getattr(FiguresServiceStub(self.caller.channel), f"Get{name}")
        return await self.caller.call(call, request, identity=identity)


@pytest.fixture
async def peer(database: ServiceDatabase) -> AsyncIterator[Peer]:
    app = App(
        pool=database.app,
        system=database.system,
        clock=FakeClock(NOW),
        jobs=JobApp("analytics", "memory://"),
        wake_relay=lambda: None,
    )
    issuer = Issuer()
    async with served(services(app), issuer) as caller:
        yield Peer(app, caller, issuer, Told(new_id()))


def figure(summary: pb.Summary, name: str) -> pb.KeyFigure:
    return next(f for f in summary.figures if f.name == name)


async def test_the_key_figures_count_the_period_and_the_one_before(peer: Peer) -> None:
    crm = peer.crm
    await peer.tell(
        crm.created(minor=300_00).moved("won", NOW - 5 * DAY),
        crm.created(minor=100_00, at=NOON - 90 * DAY).moved("won", NOW - 95 * DAY),
        crm.created(minor=200_00).moved("lost", NOW - 6 * DAY),
        crm.created(minor=50_00),
        crm.created(minor=70_00, currency="USD"),
        crm.created(minor=80_00, currency="GBP").converted(90_00, "EUR"),
    )
    found = await peer.ask("Summary")
    won = figure(found, "won_value")
    assert won.money.amount_minor == 300_00
    assert won.trend == pytest.approx(2.0)
    assert won.words == "1 deal won in 90 days"
    rate = figure(found, "win_rate")
    assert (rate.number, rate.evidence, rate.words) == (0.5, "prior", "1 of 2 closed deals won")
    opened = figure(found, "open_value")
    assert (opened.money.amount_minor, opened.money.currency_code) == (140_00, "EUR")
    assert "1 without a rate not added" in opened.words
    assert "1 converted at the rate of their last change" in opened.words
    assert "currency without a rate" in found.basis.words
    assert not figure(found, "expected_value").HasField("money")


async def test_an_amount_that_was_taken_away_counts_no_more(peer: Peer) -> None:
    crm = peer.crm
    await tell(peer.app, [crm.rates(("USD", "2026-03-01", "0.5"))])
    deal = crm.created(minor=70_00, currency="USD")
    await peer.tell(deal)
    assert figure(await peer.ask("Summary"), "open_value").money.amount_minor == 35_00
    (_, taken_away) = deal.worth_nothing_known().events
    await tell(peer.app, [taken_away])
    for day in ("", (NOW - DAY).date().isoformat()):
        summary = await peer.ask("Summary", as_of_date=day)
        assert figure(summary, "open_value").money.amount_minor == 0


async def test_estimates_come_from_rows(peer: Peer) -> None:
    workspace = peer.crm.workspace
    await rows.keep_projection(peer.app, workspace)
    client_id = new_id()
    await rows.keep_client(peer.app, workspace, client_id, "Acme")
    await rows.keep_risk(peer.app, workspace, client_id)
    found = await peer.ask("Summary")
    expected = figure(found, "expected_value")
    assert (expected.money.amount_minor, expected.evidence) == (210_000, "medium")
    assert (expected.lower.amount_minor, expected.upper.amount_minor) == (150_000, 290_000)
    risk = figure(found, "value_at_risk")
    assert risk.money.amount_minor == 500_000
    assert risk.words == "1 client of 1 at high or critical risk"


async def test_health_knows_stalled_deals_only_with_enough_closed_ones(peer: Peer) -> None:
    crm = peer.crm
    young = NOW - 3 * DAY
    await peer.tell(crm.created(minor=100_00), crm.created(minor=300_00, at=young))
    few = await peer.ask("Health")
    assert not few.HasField("stalled_days")
    assert (few.open_count, few.stalled_count, few.largest_share) == (2, 0, 0.75)
    assert [band.count for band in few.ages] == [1, 0, 0, 1, 0]
    for n in range(20):
        await peer.tell(crm.created(at=NOON).moved("won", NOON + (n % 4 + 1) * DAY))
    many = await peer.ask("Health")
    assert many.stalled_days == pytest.approx(4.0)
    assert (many.stalled_count, many.stalled_value.amount_minor) == (1, 100_00)
    assert sum(month.won_count for month in many.months) == 20


@pytest.mark.parametrize("zone", ["America/Sao_Paulo", "Pacific/Auckland", "Africa/Cairo"])
async def test_months_are_those_of_the_workspace(peer: Peer, zone: str) -> None:
    """To the microsecond, in summer and in winter, and where a day has no midnight."""
    crm, own = peer.crm, ZoneInfo(zone)
    settings = crm.settings("EUR", time_zone=zone)
    async with peer.app.unit_of_work(crm.workspace) as uow:
        await OF_AUTH[settings.type](uow, settings)
    today = NOW.astimezone(own).date()
    ends = [
        datetime(year, month, 1, tzinfo=own).astimezone(UTC)
        for year, month in [(today.year - 1, m) for m in range(today.month + 1, 13)]
        + [(today.year, m) for m in range(1, today.month + 1)]
    ]
    moments = [end + timedelta(microseconds=n) for end in ends for n in (-1, 0, 1)]
    for moment in moments:
        await peer.tell(crm.created(at=moment, minor=100).moved("won", moment))
    told = Counter(f"{moment.astimezone(own):%Y-%m}" for moment in moments)
    months = {m.month: m for m in (await peer.ask("Health")).months}
    assert len(months) == 12
    for name, month in months.items():
        found = (month.created_count, month.won_count, month.won_value.amount_minor)
        assert found == (told[name], told[name], told[name] * 100), name
    summary = figure(await peer.ask("Summary"), "won_value")
    assert [(m.month, m.value) for m in summary.months][1:] == [
        (name, 100 * told[name]) for name in sorted(months)[:-1]
    ]


async def test_stages_tell_who_went_on_and_who_waits(peer: Peer) -> None:
    crm = peer.crm
    await peer.tell(
        crm.created(at=NOW - 40 * DAY).moved("proposal", NOW - 30 * DAY).moved("won", NOW - DAY),
        crm.created(at=NOW - 40 * DAY).moved("lost", NOW - 20 * DAY),
        crm.created(at=NOW - 40 * DAY),
    )
    found = await peer.ask("Conversion")
    first, second = found.stages
    assert (first.stage_name, first.entered_count, first.advanced_count) == ("Prospecting", 3, 1)
    assert (first.lost_count, first.waiting_count, first.rate) == (1, 1, 0.5)
    assert (second.stage_name, second.rate) == ("Proposal", 1.0)
    assert (found.created_count, found.won_count, found.lost_count) == (3, 1, 1)
    assert not first.HasField("median_days")  # two stays are no usual length


async def test_shares_and_sources_add_up(peer: Peer) -> None:
    crm = peer.crm
    await peer.tell(
        crm.created(minor=300_00).moved("won", NOW - DAY),
        crm.created(minor=100_00).moved("won", NOW - DAY),
        crm.created(minor=900_00).moved("lost", NOW - DAY),
    )
    found = await peer.ask("Clients")
    assert found.won_value.amount_minor == 400_00
    assert sum(c.share for c in found.clients) == pytest.approx(1.0)
    assert [(s.won_count, s.closed_count) for s in found.sources] == [(2, 3)]


async def test_a_past_day_is_told_as_it_stood(peer: Peer) -> None:
    crm = peer.crm
    deal = crm.created(minor=100_00, at=NOON).moved("won", NOON + 20 * DAY)
    await peer.tell(deal)
    day = (NOON + 10 * DAY).date().isoformat()
    then = await peer.ask("Health", as_of_date=day)
    assert (then.open_count, then.basis.as_of_date) == (1, day)
    assert (await peer.ask("Health")).open_count == 0
    won = figure(await peer.ask("Summary", as_of_date=day), "won_value")
    assert won.money.amount_minor == 0
    for name in ("Conversion", "Clients", "Activity"):
        assert (await peer.ask(name, as_of_date=day)).basis.as_of_date == day


async def test_everything_is_counted_of_what_is_seen(peer: Peer) -> None:
    crm, me = peer.crm, new_id()
    await peer.tell(
        crm.created(minor=1_234_567, owner=me).moved("won", NOW - DAY),
        crm.created(minor=76_543_210, owner=new_id()).moved("won", NOW - DAY),
        crm.created(minor=1_112_223, owner=me),
        crm.created(minor=43_219_876, owner=new_id()),
    )
    sight = Sight((me,))
    others = ("76543210", "77777777", "43219876", "44332099")  # alone, and added to mine
    for name in ("Summary", "Health", "Conversion", "Clients", "Activity"):
        found = await peer.ask(name, sight=sight)
        assert found.basis.own_only
        # Ids are random, and so are the digits in them.
        said = ID.sub("", str(found))
        assert not [amount for amount in others if amount in said], name
    assert (await peer.ask("Health", sight=sight)).open_count == 1
    owners = (await peer.ask("Activity", sight=sight)).owners
    assert [o.owner_id for o in owners] == [str(me)]
    assert len((await peer.ask("Activity")).owners) == 3


async def test_an_empty_workspace_is_told_so(peer: Peer) -> None:
    for name in ("Summary", "Health", "Conversion", "Clients", "Activity"):
        found = await peer.ask(name)
        assert found.basis.evidence == "none", name
        assert found.basis.words


@pytest.mark.parametrize(
    ("scope", "reason"),
    [
        ({"start_date": "soon"}, "DATE_INVALID"),
        ({"start_date": "0026-03-01"}, "DATE_INVALID"),
        ({"end_date": "9999-12-31"}, "DATE_INVALID"),
        ({"start_date": "2026-03-02", "end_date": "2026-03-01"}, "RANGE_EMPTY"),
        ({"as_of_date": "yesterday"}, "DATE_INVALID"),
        ({"as_of_date": "0682-09-12"}, "DATE_INVALID"),
        ({"as_of_date": (NOW + timedelta(days=2)).date().isoformat()}, "DATE_INVALID"),
        ({"owner_id": "me"}, "INVALID_INPUT"),
    ],
)
async def test_what_cannot_be_meant_is_refused(
    peer: Peer, scope: dict[str, Any], reason: str
) -> None:
    with pytest.raises(DomainError) as refusal:
        await peer.ask("Health", **scope)
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ("name", "statements"),
    [("Summary", 5), ("Health", 7), ("Conversion", 5), ("Clients", 3), ("Activity", 5)],
)
async def test_figures_cost_what_they_should(
    database: ServiceDatabase, peer: Peer, name: str, statements: int
) -> None:
    with recorded_queries(database.app) as queries:
        await peer.ask(name)
    assert len(queries) == statements + 1, queries  # and the workspace with BEGIN


def test_workspaces_do_not_meet() -> None:
    """The tenant is part of every statement."""
    from analytics.adapters import condition, figures, passage

    statements = [
        statement
        for module in (condition, figures, passage)
        for found in vars(module).values()
        if isinstance(found, dict) and set(found) == {False, True}
        for statement in found.values()
    ]
    assert len(statements) > 20
    assert all("workspace_id = $" in statement.sql for statement in statements)
