"""Every part in every state, for those who build pages. The local profile only."""

from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.analytics.v1.analytics_service_pb2 import (
    Basis,
    Pipeline,
    PipelineStage,
    Velocity,
)
from freelanceflow.crm.v1.activity_service_pb2 import (
    Activity,
    ActivityKind,
    ActivityRepetition,
)
from freelanceflow.crm.v1.deal_service_pb2 import (
    BoardColumn,
    Card,
    Deal,
    FieldChange,
)
from freelanceflow.crm.v1.stage_service_pb2 import Stage, StageType
from freelanceflow.crm.v1.timeline_service_pb2 import TimelineEntry
from freelanceflow.type.v1.money_pb2 import Money
from gateway.entrypoints.pages.board_query import BoardQuery
from gateway.entrypoints.pages.rendering import Viewer, rendering_of
from gateway.entrypoints.pages.styleguide_analytics import samples
from kit.clock import to_timestamp

router = APIRouter(include_in_schema=False)


@router.get("/styleguide")
async def styleguide(request: Request) -> Response:
    """The page."""
    rendering = rendering_of(request)
    viewer = Viewer(
        name="Style Guide",
        email="style@example.com",
        workspace_name="Style guide",
        permissions=frozenset(
            {"deals.read", "deals.write", "clients.read", "clients.write", "activities.write"}
        ),
        unread=3,
    )
    today = rendering.formats(viewer).today
    now = rendering.now()
    return rendering.response(
        request,
        "styleguide/page.html",
        viewer,
        column=_column(_cards(today.isoformat(), (today - timedelta(days=2)).isoformat(), now)),
        stages=_stages(),
        deal=_deal(now),
        entries=_entries(now),
        activities=_activities(now),
        pipeline=_pipeline(now),
        velocity=_velocity(),
        query=BoardQuery(),
        extras=[],
        analytics=samples(rendering.formats(viewer)),
    )


def _money(amount: int) -> Money:
    return Money(currency_code="EUR", amount_minor=amount)


def _stages() -> list[Stage]:
    kinds = StageType.STAGE_TYPE_OPEN, StageType.STAGE_TYPE_WON, StageType.STAGE_TYPE_LOST
    names = ("Prospecting", "Engaging", "Proposal", "Won", "Lost")
    types = (kinds[0], kinds[0], kinds[0], kinds[1], kinds[2])
    return [
        Stage(id=f"s{i}", name=name, type=kind, position=i)
        for i, (name, kind) in enumerate(zip(names, types, strict=True))
    ]


def _cards(today: str, past: str, now: datetime) -> list[Card]:
    stamp = to_timestamp(now)
    return [
        Card(
            id="c1",
            name="Website relaunch",
            client_name="Mira Studio",
            amount=_money(1_240_000),
            owner_name="Mara Vogel",
            next_step="Call about the offer",
            next_step_due_date=past,
            win_probability=0.62,
            recommendation="focus",
            odds_evidence="medium",
            enter_stage_time=to_timestamp(now - timedelta(days=41)),
            rotting=True,
            etag="1",
        ),
        Card(
            id="c2",
            name="Brand guide",
            client_name="Atelier Nord",
            amount=_money(380_050),
            owner_name="Tom Reh",
            next_step="Send proposal",
            next_step_due_date=today,
            enter_stage_time=stamp,
            etag="1",
        ),
        Card(id="c3", name="Support contract", enter_stage_time=stamp, etag="1"),
        Card(
            id="c4",
            name="A name so long that it could never fit into one line of a card on any screen",
            client_name="Donaudampfschifffahrtsgesellschaft und Söhne Holding",
            amount=Money(currency_code="JPY", amount_minor=123_456_789),
            owner_name="Ada",
            next_step="Wait for the signature",
            enter_stage_time=stamp,
            etag="1",
        ),
    ]


def _column(cards: list[Card]) -> BoardColumn:
    return BoardColumn(
        stage=_stages()[1],
        count=len(cards),
        sum=_money(1_620_050),
        weighted_sum=_money(810_000),
        unconverted=[Money(currency_code="JPY", amount_minor=123_456_789)],
        cards=cards,
    )


def _deal(now: datetime) -> Deal:
    return Deal(
        id="d1",
        name="Website relaunch",
        stage_id="s1",
        stage_name="Engaging",
        stage_type=StageType.STAGE_TYPE_OPEN,
        enter_stage_time=to_timestamp(now),
        etag="3",
    )


def _entries(now: datetime) -> list[TimelineEntry]:
    stamp = to_timestamp(now - timedelta(hours=3))
    note = Activity(kind=ActivityKind.ACTIVITY_KIND_NOTE, subject="Prefers mail", body="Not calls.")
    call = Activity(kind=ActivityKind.ACTIVITY_KIND_CALL, subject="Ask about the budget")
    return [
        TimelineEntry(kind="note", actor_name="Mara Vogel", happen_time=stamp, activity=note),
        TimelineEntry(
            kind="deal_moved",
            actor_name="Mara Vogel",
            happen_time=stamp,
            from_stage_name="Prospecting",
            to_stage_name="Engaging",
            days_in_stage=12.4,
        ),
        TimelineEntry(
            kind="deal_updated",
            actor_name="Tom Reh",
            happen_time=stamp,
            changes=[FieldChange(field="next_step", before="Call", after="Send proposal")],
        ),
        TimelineEntry(
            kind="activity_done", actor_name="Mara Vogel", happen_time=stamp, activity=call
        ),
        TimelineEntry(kind="deal_created", happen_time=stamp),
    ]


def _activities(now: datetime) -> list[Activity]:
    def one(number: int, subject: str, hours: float, **more: Any) -> Activity:
        due = to_timestamp(now + timedelta(hours=hours))
        return Activity(
            id=f"a{number}",
            kind=ActivityKind.values()[number],
            subject=subject,
            due_time=due,
            owner_name="Mara Vogel",
            client_id="c1",
            client_name="Mira Studio",
            **more,
        )

    return [
        one(1, "Ask about the budget", -30),
        one(2, "Kick-off", 2, body="Bring the numbers of last year."),
        one(3, "Send the contract", 30, repetition=ActivityRepetition.ACTIVITY_REPETITION_WEEKLY),
        one(4, "Prepare slides", 50, done_time=to_timestamp(now)),
    ]


def _pipeline(now: datetime) -> Pipeline:
    stages = [
        PipelineStage(
            stage_id=stage.id,
            stage_name=stage.name,
            stage_type="open",
            count=count,
            sum=_money(count * 90_000),
            mean_days=days,
        )
        for stage, count, days in zip(_stages(), (500, 1589, 41), (12.0, 34.5, 6.0), strict=False)
    ]
    return Pipeline(
        stages=stages,
        open_value=_money(191_700_000),
        open_count=2130,
        won_value_30_days=_money(2_410_000),
        won_count_30_days=21,
        created_count_30_days=64,
        basis=Basis(as_of_time=to_timestamp(now - timedelta(seconds=90))),
    )


def _velocity() -> Velocity:
    return Velocity(
        win_rate=0.631,
        cycle_days=51.6,
        value_per_day=_money(1_283_000),
        trend=0.124,
        closed_count=333,
        won_count=210,
        basis=Basis(words="Based on 333 deals closed in 90 days."),
    )
