"""Odds that fall and clients more at risk: told to whom it concerns, once, many together."""

from email.message import EmailMessage
from typing import Any
from uuid import UUID

from freelanceflow.analytics.v1 import score_events_pb2 as score_pb
from kit.bus.events import Event
from kit.bus.jetstream import Bus
from kit.clock import to_timestamp
from kit.ids import new_id
from kit.testing.background import running, until
from kit.testing.database import ServiceDatabase
from kit.unit_of_work import UnitOfWork
from notify.adapters.smtp import Smtp
from notify.application.telling import choose
from notify.bootstrap import scores_consumer
from notify.domain.preferences import Choice
from notify.entrypoints.app import App
from services.notify.tests.factories import (
    NOON,
    Sink,
    make_event,
    member_added,
    publish,
    rows,
    settled,
    tell,
)
from services.notify.tests.integration.test_telling import send

SILENT = "Silent for 94 days, usually 30 days between purchases"


def text_of(mail: EmailMessage) -> str:
    plain = mail.get_body(("plain",))
    assert isinstance(plain, EmailMessage)
    text: str = plain.get_content()
    return text


def drop(name: str = "Relaunch", *, to: float = 0.41) -> score_pb.DealScoreDropped:
    return score_pb.DealScoreDropped(
        deal_id=str(new_id()),
        deal_name=name,
        probability_before=0.62,
        probability=to,
        reason="No contact for 40 days",
    )


def rise(name: str = "Weir & Heron", *, evidence: str = "high") -> score_pb.ClientRiskChanged:
    return score_pb.ClientRiskChanged(
        client_id=str(new_id()),
        client_name=name,
        level_before="low",
        level="critical",
        probability=0.996,
        evidence=evidence,
        reason=SILENT,
    )


def deals_dropped(workspace: UUID, owner: UUID | None, *drops: Any, count: int = 1) -> Event:
    message = score_pb.DealsDropped(
        owner_id=str(owner or ""), count=count, drops=drops or [drop()],
        happen_time=to_timestamp(NOON), version=7,
    )  # fmt: skip
    return make_event(workspace, "analytics.scoring.v1.deals_dropped", message)


def risks_risen(workspace: UUID, owner: UUID | None, *rises: Any, count: int = 1) -> Event:
    message = score_pb.RisksRisen(
        owner_id=str(owner or ""), count=count, rises=rises or [rise()],
        happen_time=to_timestamp(NOON), version=7,
    )  # fmt: skip
    return make_event(workspace, "analytics.scoring.v1.risks_risen", message)


async def test_the_owner_is_told_what_fell_why_and_where(
    app: App, database: ServiceDatabase, workspace: UUID, smtp: Smtp, sink: Sink
) -> None:
    mira, noor = new_id(), new_id()
    await tell(app, member_added(workspace, mira), member_added(workspace, noor))
    deal, client = drop(), rise()
    await tell(app, deals_dropped(workspace, mira, deal), risks_risen(workspace, noor, client))
    told = {row["kind"]: row for row in await rows(database, "notifications", workspace)}
    fell, risen = told["odds_dropped"], told["risk_risen"]
    assert (fell["user_id"], fell["target_kind"]) == (mira, "deal")
    assert (fell["title"], str(fell["target_id"])) == ("Odds fell: Relaunch", deal.deal_id)
    assert fell["body"] == "They went from 62% to 41%. Main reason: No contact for 40 days."
    assert (risen["user_id"], risen["target_kind"]) == (noor, "client")
    assert str(risen["target_id"]) == client.client_id
    assert risen["title"] == "More at risk: Weir & Heron"
    assert risen["body"] == (
        f"From low to critical: over 99% likely to stay away. Main reason: {SILENT}."
    )
    await send(app, smtp)
    (mail,) = sink.to(noor.hex)
    assert mail["Subject"] == "More at risk: Weir & Heron"
    assert f"/clients/{client.client_id}" in text_of(mail)


async def test_a_level_that_rests_on_little_is_said_as_on_the_pages(
    app: App, database: ServiceDatabase, workspace: UUID
) -> None:
    mira = new_id()
    await tell(app, member_added(workspace, mira))
    await tell(app, risks_risen(workspace, mira, rise(evidence="low")))
    (told,) = await rows(database, "notifications", workspace)
    assert told["body"].startswith("From low to perhaps critical: over 99% likely to stay away.")


async def test_hundreds_at_once_are_one_summary_that_leads_to_the_list(
    app: App, database: ServiceDatabase, workspace: UUID, smtp: Smtp, sink: Sink
) -> None:
    mira = new_id()
    await tell(app, member_added(workspace, mira))
    drops = [drop("A", to=0.2), drop("B"), drop("C")]
    await tell(
        app,
        deals_dropped(workspace, mira, *drops, count=340),
        risks_risen(workspace, mira, rise("D"), rise("E"), count=2),
    )
    told = {row["kind"]: row for row in await rows(database, "notifications", workspace)}
    fell, risen = told["odds_dropped"], told["risk_risen"]
    assert (fell["title"], fell["target_id"]) == ("Odds fell for 340 deals", None)
    assert fell["body"] == (
        "A: from 62% to 20%; B: from 62% to 41%; C: from 62% to 41%; and 337 more."
    )
    assert risen["title"] == "2 clients more at risk"
    assert risen["body"] == "Likely to stay away: D (over 99%); E (over 99%)."
    await send(app, smtp)
    texts = "".join(map(text_of, sink.to(mira.hex)))
    assert "Open the deals: http://localhost:8700/analytics/deals" in texts
    assert "Open the clients: http://localhost:8700/analytics/clients?level=leaving" in texts


async def test_what_is_nobodys_is_told_to_those_who_see_it(
    app: App, database: ServiceDatabase, workspace: UUID
) -> None:
    boss, narrow = new_id(), new_id()
    members = (member_added(workspace, boss), member_added(workspace, narrow, visibility="own"))
    await tell(app, *members, deals_dropped(workspace, None))
    (told,) = await rows(database, "notifications", workspace)
    assert told["user_id"] == boss
    gone = new_id()
    await tell(app, risks_risen(workspace, gone))
    assert len(await rows(database, "notifications", workspace)) == 1


async def test_each_person_chooses_how(
    app: App, database: ServiceDatabase, workspace: UUID
) -> None:
    mira = new_id()
    await tell(app, member_added(workspace, mira))
    unit: UnitOfWork
    async with app.unit_of_work(workspace) as unit:
        given = {"odds_dropped": Choice(True, False), "risk_risen": Choice(False, True)}
        await choose(unit, user_id=mira, given=given)
    await tell(app, deals_dropped(workspace, mira), risks_risen(workspace, mira))
    (told,) = await rows(database, "notifications", workspace)
    (mail,) = await rows(database, "mails", workspace)
    assert told["kind"] == "odds_dropped"
    assert mail["subject"] == "More at risk: Weir & Heron"


async def test_what_is_delivered_again_is_told_once(
    app: App, database: ServiceDatabase, workspace: UUID, nats_url: str
) -> None:
    mira = new_id()
    await tell(app, member_added(workspace, mira))
    events = [deals_dropped(workspace, mira), risks_risen(workspace, mira)]
    async with Bus(nats_url, name="notify", profile="test") as bus:
        consumer = scores_consumer(app, bus)
        for event in (*events, *events):
            await publish(bus, event)
        async with running(consumer.run):
            await until(lambda: settled(bus, "ANALYTICS", consumer.name))
    told = await rows(database, "notifications", workspace)
    assert sorted(one["kind"] for one in told) == ["odds_dropped", "risk_risen"]
