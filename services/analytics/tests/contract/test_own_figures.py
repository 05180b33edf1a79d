"""Whoever sees own deals only is told the same whatever the others have: two lives of a workspace
in which only the others' deals differ are counted alike, in every report and in the document."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from analytics.application.scope import Asked, scope
from analytics.entrypoints.report import gathering
from freelanceflow.analytics.v1 import analytics_service_pb2 as pb
from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from freelanceflow.analytics.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from freelanceflow.analytics.v1.prediction_service_pb2_grpc import PredictionServiceStub
from kit.bus.events import Event
from kit.database import ReadTransaction
from kit.ids import new_id
from kit.sight import Sight, seeing
from services.analytics.tests import score_rows as rows
from services.analytics.tests.contract.test_own_past import (
    DAY_ASKED,
    FIRST,
    ID,
    MINE,
    OVER,
    Member,
    member,
)
from services.analytics.tests.factories import DAY, Told, ToldDeal
from services.analytics.tests.scoring import scored, tell

__all__ = ["member"]
STILL_OPEN = 4
# Learnt from how deals of the whole workspace ended; everything else is counted.
ESTIMATES = {
    "winProbability", "winProbabilityBefore", "lower", "upper", "expectedValue", "recommendation",
    "priority", "reasons", "risk", "level", "expected", "weightedValue", "coverage", "points",
    "total", "confidence", "confidenceWords", "methodWords", "backtest", "projection",
    "projectionPipelinePart", "projectionNewPart", "projectionBacktest", "nextBestStep",
    "brier", "bins", "words", "evidence", "horizonDays", "levels", "modelName",
}  # fmt: skip
WHEN = {"asOfTime", "estimateTime", "trainTime", "dataVersion", "expireTime"}


@dataclass(frozen=True)
class Others:
    """What everybody else has."""

    deals: int
    minor: int
    won_of_five: int


FEW, MANY = Others(20, 100_00, 1), Others(60, 765_432_100, 4)


def mine(crm: Told, me: UUID, clients: list[UUID]) -> list[Event]:
    """A year of the member's own deals: won, lost and open."""
    told = [crm.client(id, FIRST, name=f"Mine {n}", owner=me) for n, id in enumerate(clients)]
    for n in range(36):
        at = FIRST + n * 11 * DAY
        deal = crm.created(at=at, owner=me, minor=MINE * (n + 1)).belonging_to(clients[n % 3], at)
        told += (deal if n >= 36 - STILL_OPEN else ended(deal, n % 2 == 0, at + 15 * DAY)).events
    return told


def theirs(crm: Told, others: Others) -> list[Event]:
    """And what there is besides, with clients of their own."""
    owners, clients = [new_id() for _ in range(3)], [new_id() for _ in range(5)]
    told = [
        crm.client(id, FIRST, name=f"Theirs {n}", owner=owners[n % 3])
        for n, id in enumerate(clients)
    ]
    for n in range(others.deals):
        at = FIRST + n * (400 / others.deals) * DAY
        minor = others.minor + n
        deal = crm.created(at=at, owner=owners[n % 3], minor=minor).belonging_to(clients[n % 5], at)
        told += ended(deal, n % 5 < others.won_of_five, at + 9 * DAY).events
    return told


def ended(deal: ToldDeal, won: bool, at: Any) -> ToldDeal:
    """Unless that is still to come."""
    return deal.moved("won" if won else "lost", at) if at < DAY_ASKED else deal


async def life(member: Member, others: Others) -> dict[str, Any]:
    """All that the member is told in a workspace of its own, as it is counted."""
    member.crm = crm = Told(new_id())
    clients = [new_id() for _ in range(3)]
    events = sorted(mine(crm, member.id, clients) + theirs(crm, others), key=lambda e: e.time)
    await tell(member.database, crm.workspace, events)
    await scored(member.database, crm.workspace, OVER, refit=True)
    said = await member.everything()
    said["the document"] = await document(member)
    said["GetAccuracy"] = await member.ask(
        PredictionServiceStub, "GetAccuracy", pre.GetAccuracyRequest()
    )
    for deal in said["ListDealOdds"].deals:
        asked = pb.GetDealInsightRequest(deal_id=deal.deal_id)
        said[f"GetDealInsight of {deal.amount.amount_minor}"] = await member.ask(
            AnalyticsServiceStub, "GetDealInsight", asked
        )
    for n, client in enumerate(clients):
        risk = pre.GetClientRiskRequest(client_id=str(client))
        said[f"GetClientRisk of {n}"] = await member.ask(
            PredictionServiceStub, "GetClientRisk", risk
        )
    return {what: plain(answer, without=ESTIMATES) for what, answer in said.items()}


async def document(member: Member) -> dict[str, Any]:
    """Its key figures and its table of stages; the rest is made of answers that are compared."""
    with seeing(Sight((member.id,))):
        async with ReadTransaction(member.app.pool, member.crm.workspace) as tx:
            here = await scope(tx, Asked(), me=member.id, now=member.clock.now())
            told = await gathering("en", "Holm")(tx, here, 6)
    figures = {figure["label"]: figure["value"] for figure in told["summary"]["figures"]}
    del figures["Next 30 days"], figures["At risk"]
    return {"notes": told["notes"], "figures": figures, "stages": told["tables"][-1]["rows"]}


def plain(answer: Any, without: set[str]) -> Any:
    """An answer to compare: without ids, moments, and whatever else shall not count."""
    if isinstance(answer, Message):
        answer = MessageToDict(answer, always_print_fields_with_no_presence=True)
    if isinstance(answer, dict):
        if answer.get("name") == "expected_value" and without:
            return {}
        kept = {k: v for k, v in answer.items() if k not in without | WHEN}
        return {key: plain(value, without) for key, value in kept.items()}
    if isinstance(answer, list):
        # Lists are by what is estimated.
        return sorted((plain(value, without) for value in answer), key=str)
    return ID.sub("", answer) if isinstance(answer, str) else answer


async def test_what_others_have_changes_nothing_that_is_counted(member: Member) -> None:
    few, many = await life(member, FEW), await life(member, MANY)
    assert few.keys() == many.keys()
    for what, answer in few.items():
        assert answer == many[what], what
    assert len([what for what in few if what.startswith("GetDealInsight")]) == STILL_OPEN


async def test_accuracy_is_that_of_own_deals(member: Member) -> None:
    """What all forecasts came to, or all deals, would tell what the others have."""
    app, crm = member.app, member.crm
    workspace, other = crm.workspace, new_id()
    for owner, odds, won in ((member.id, 0.8, True), (member.id, 0.3, False), (other, 0.9, False)):
        deal = crm.created(at=FIRST, owner=owner).moved("won" if won else "lost", FIRST + DAY)
        await tell(member.database, workspace, deal.events)
        await rows.keep_said(app, workspace, deal.id, probability=odds, outcome=won)
    month = {"month": "2026-01-01", "said": 1.0, "actual": 2.0, "lower80": 0.0, "upper80": 3.0}
    await rows.keep_accuracy(app, workspace, "win", "published", n=3)
    await rows.keep_accuracy(app, workspace, "forecast:won_value", "published", by_month=[month])

    own = await member.ask(PredictionServiceStub, "GetAccuracy", pre.GetAccuracyRequest())
    assert own.basis.own_only
    assert (own.odds.sample_size, own.basis.sample_size) == (2, 2)
    assert own.odds.brier == pytest.approx((0.2**2 + 0.3**2) / 2)
    assert not own.odds.HasField("brier_base")  # it would tell how often the others win
    assert [(b.from_odds, b.count, b.observed) for b in own.odds.bins] == [
        (0.3, 1, 0.0),
        (0.8, 1, 1.0),
    ]
    assert own.odds.words.startswith("As shown to you: of 2 deals with odds of 55% on average")
    assert (len(own.forecasts), own.HasField("interval_coverage")) == (0, False)
    assert "whole workspace only" in own.forecast_words
    asked = pre.GetAccuracyRequest()
    whole = await member.ask(PredictionServiceStub, "GetAccuracy", asked, own=False)
    assert (whole.odds.sample_size, len(whole.forecasts)) == (3, 1)
