"""Whoever sees a deal but not its client is told the client's name nowhere, as in crm."""

from typing import Any

import pytest

from analytics.application.scope import Asked, scope
from analytics.entrypoints.report import gathering
from freelanceflow.analytics.v1 import analytics_service_pb2 as pb
from freelanceflow.analytics.v1 import figures_service_pb2 as fig
from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from freelanceflow.analytics.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from freelanceflow.analytics.v1.figures_service_pb2_grpc import FiguresServiceStub
from freelanceflow.analytics.v1.prediction_service_pb2_grpc import PredictionServiceStub
from kit.database import ReadTransaction
from kit.errors import DomainError
from kit.ids import new_id
from kit.sight import Sight, seeing
from services.analytics.tests.contract.test_own_past import (
    DAY_ASKED,
    FIRST,
    OVER,
    RANGE,
    Member,
    member,
)
from services.analytics.tests.factories import DAY, ToldDeal
from services.analytics.tests.scoring import scored, tell

NAME = "Weir & Heron"
__all__ = ["member"]


@pytest.fixture
async def deals(member: Member) -> list[ToldDeal]:
    """A year of the member's deals with clients of a colleague, who has scored them."""
    crm, colleague = member.crm, new_id()
    clients = [new_id() for _ in range(3)]
    told = [
        crm.client(id, FIRST, name=f"{NAME} {n}", owner=colleague) for n, id in enumerate(clients)
    ]
    made: list[ToldDeal] = []
    for n in range(52):
        at, client = FIRST + n * 8 * DAY, n // 2 % 3
        deal = crm.created(at=at, owner=member.id if n % 3 else colleague)
        deal.snapshot.client_name = f"{NAME} {client}"  # as somebody tells it who sees the client
        deal.belonging_to(clients[client], at)
        if n < 42:
            deal.moved("won" if client else "lost", at + 15 * DAY)
        made.append(deal)
    await tell(member.database, crm.workspace, told + [e for deal in made for e in deal.events])
    await scored(member.database, crm.workspace, OVER, refit=True)
    return [deal for deal in made if deal.snapshot.owner_id == str(member.id)]


async def whole(member: Member, deals: list[ToldDeal], day: str) -> dict[str, Any]:
    """Every answer, and the document."""
    found = await member.everything(day)
    found["GetAccuracy"] = await member.ask(
        PredictionServiceStub, "GetAccuracy", pre.GetAccuracyRequest()
    )
    for deal in deals:
        asked = pb.GetDealInsightRequest(deal_id=str(deal.id))
        found[f"GetDealInsight {deal.id}"] = await member.ask(
            AnalyticsServiceStub, "GetDealInsight", asked
        )
    workspace, wanted = member.crm.workspace, Asked(as_of=day)
    with seeing(Sight((member.id,))):
        async with ReadTransaction(member.app.pool, workspace) as tx:
            here = await scope(tx, wanted, me=member.id, now=member.clock.now())
            found["the document"] = await gathering("en", "Holm")(tx, here, 6)
    return found


async def test_nothing_that_is_told_names_it(member: Member, deals: list[ToldDeal]) -> None:
    for day in ("", DAY_ASKED.date().isoformat()):
        found = await whole(member, deals, day)
        assert found["ListDealOdds"].deals
        assert found["ListDealOdds"].deals[0].client_id  # that there is one is no secret, as in crm
        for what, answer in found.items():
            assert NAME not in str(answer), what
    asked = pre.GetClientRiskRequest(client_id=deals[0].snapshot.client_id)
    with pytest.raises(DomainError):
        await member.ask(PredictionServiceStub, "GetClientRisk", asked)


async def test_who_sees_the_client_reads_its_name(member: Member, deals: list[ToldDeal]) -> None:
    async def ask(stub: Any, method: str, message: Any) -> str:
        return str(await member.ask(stub, method, message, own=False))

    insight = pb.GetDealInsightRequest(deal_id=str(deals[-1].id))
    assert NAME in await ask(AnalyticsServiceStub, "GetDealInsight", insight)
    assert NAME in await ask(PredictionServiceStub, "ListDealOdds", pre.ListDealOddsRequest())
    clients = fig.GetClientsRequest(scope=fig.Scope(**RANGE))
    assert NAME in await ask(FiguresServiceStub, "GetClients", clients)


async def test_no_reason_and_no_event_of_a_deal_says_it(
    member: Member, deals: list[ToldDeal]
) -> None:
    """They reach people whose rights nobody knows when they are written."""
    odds = "SELECT factors, steps FROM deal_scores WHERE workspace_id = $1"
    rows = await member.database.owner.fetch(odds, member.crm.workspace)
    assert any("This client" in str(row["factors"]) for row in rows)
    assert not any(NAME in str(row) for row in rows)
    told = "SELECT body FROM outbox WHERE workspace_id = $1 AND type LIKE 'analytics.deal.%'"
    bodies = await member.database.owner.fetch(told, member.crm.workspace)
    assert bodies
    assert not any(NAME.encode() in row["body"] for row in bodies)
