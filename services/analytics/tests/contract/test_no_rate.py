"""Currencies never add without conversion: what deals without a rate are worth is in no number of
any report, be it counted or estimated, and not in the document."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from analytics.application.scope import Asked, scope
from analytics.entrypoints.report import gathering
from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from freelanceflow.analytics.v1.prediction_service_pb2_grpc import PredictionServiceStub
from freelanceflow.crm.v1 import deal_events_pb2 as crm_pb
from kit.bus.events import Event
from kit.database import ReadTransaction
from kit.ids import new_id
from services.analytics.tests.contract.test_own_figures import plain
from services.analytics.tests.contract.test_own_past import (
    FIRST,
    MINE,
    OVER,
    Member,
    member,
)
from services.analytics.tests.factories import DAY, Told
from services.analytics.tests.scoring import scored, tell

__all__ = ["member"]
BODIES: dict[str, Any] = {
    "crm.deal.v1.created": crm_pb.DealCreated,
    "crm.deal.v1.updated": crm_pb.DealUpdated,
    "crm.deal.v1.moved": crm_pb.DealMoved,
}
ITSELF = {"amount", "unconverted"}  # where a deal's own amount, or a sum of its currency, is told


def a_year(crm: Told) -> list[Event]:
    """Deals in euros and, without a rate, in dollars."""
    clients = [new_id() for _ in range(3)]
    events = [crm.client(id, FIRST, name=f"Client {n}") for n, id in enumerate(clients)]
    for n in range(48):
        at = FIRST + n * 8 * DAY
        worth = {"minor": MINE * (n + 1), "currency": "EUR" if n % 3 else "USD"}
        deal = crm.created(at=at, **worth).belonging_to(clients[n % 4 % 3], at)
        if n < 40:
            deal.moved("won" if n % 2 else "lost", at + 15 * DAY)
        events += deal.events
    return events


def dearer(event: Event, workspace: UUID) -> Event:
    """The same in another workspace, where dollars are many more."""
    body = event.body
    if (kind := BODIES.get(event.type)) is not None:
        told = kind.FromString(body)
        if told.deal.amount.currency_code == "USD":
            told.deal.amount.amount_minor *= 98_765
        body = told.SerializeToString()
    return replace(event, id=new_id(), workspace_id=workspace, body=body)


async def told(member: Member, events: list[Event]) -> dict[str, Any]:
    """All that is said of them."""
    member.crm = Told(events[0].workspace_id)
    await tell(member.database, member.crm.workspace, events)
    await scored(member.database, member.crm.workspace, OVER, refit=True)
    said = await member.everything(own=False)
    assert "without a rate" in said["GetSummary"].basis.words
    said["GetAccuracy"] = await member.ask(
        PredictionServiceStub, "GetAccuracy", pre.GetAccuracyRequest(), own=False
    )
    async with ReadTransaction(member.app.pool, member.crm.workspace) as tx:
        here = await scope(tx, Asked(), me=new_id(), now=member.clock.now())
        said["the document"] = await gathering("en", "Holm")(tx, here, 6)
    return {what: plain(answer, without=ITSELF) for what, answer in said.items()}


async def test_what_deals_without_a_rate_are_worth_is_in_no_number(member: Member) -> None:
    events, other = a_year(Told(new_id())), new_id()
    little = await told(member, events)
    much = await told(member, [dearer(event, other) for event in events])
    assert little.keys() == much.keys()
    for what, answer in little.items():
        assert answer == much[what], what
