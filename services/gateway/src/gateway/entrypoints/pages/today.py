"""Today: what is due, what deserves time, what has no next step, who may be leaving, what has
happened.
"""

from collections.abc import Iterable
from datetime import datetime, time, timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.analytics.v1.analytics_service_pb2 import GetPipelineRequest, GetVelocityRequest
from freelanceflow.analytics.v1.prediction_service_pb2 import (
    ClientRisk,
    ListClientRisksRequest,
    ListDealOddsRequest,
)
from freelanceflow.crm.v1.activity_service_pb2 import ListActivitiesRequest
from freelanceflow.crm.v1.deal_service_pb2 import ListDealsRequest
from freelanceflow.crm.v1.setup_service_pb2 import (
    AddSamplesRequest,
    GetSetupRequest,
    RemoveSamplesRequest,
    Setup,
)
from freelanceflow.crm.v1.timeline_service_pb2 import ListTimelineRequest
from freelanceflow.type.v1.filter_pb2 import Condition, Operator, SortKey
from gateway.entrypoints.pages.activities import days_of
from gateway.entrypoints.pages.calls import (
    EXTRA_TIMEOUT,
    clients_of,
    identity_of,
    if_there,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.formatting import Formats
from gateway.entrypoints.pages.forms import values_of
from gateway.entrypoints.pages.rendering import is_htmx, rendering_of, targets
from gateway.entrypoints.paths import local_path

DUE, WORTHY, DEALS, RISKS, CHANGES = 50, 5, 6, 5, 12
LOOKED_AT = 50  # of clients at risk, for those of whom more is known than of anybody's
UNKNOWN = ("none", "prior")

router = APIRouter(include_in_schema=False)


@router.get("/")
async def today(request: Request) -> Response:
    """Where the day begins."""
    user_id = str(signed_in(request).user_id)
    viewer = await viewer_of(request)
    rendering = rendering_of(request)
    formats = rendering.formats(viewer)
    clients, identity = clients_of(request), identity_of(request)
    due, bare, odds, risks, happened, pipeline, velocity, setup = await together(
        if_there(clients.activities.ListActivities(_due(user_id, formats), identity)),
        if_there(clients.deals.ListDeals(_without_next_step(), identity)),
        if_there(
            clients.predictions.ListDealOdds(
                ListDealOddsRequest(page_size=WORTHY), identity, timeout=EXTRA_TIMEOUT
            )
        ),
        if_there(
            clients.predictions.ListClientRisks(
                ListClientRisksRequest(page_size=LOOKED_AT, level="leaving"),
                identity,
                timeout=EXTRA_TIMEOUT,
            )
        ),
        if_there(clients.timelines.ListTimeline(ListTimelineRequest(page_size=CHANGES), identity)),
        if_there(
            clients.analytics.GetPipeline(GetPipelineRequest(), identity, timeout=EXTRA_TIMEOUT)
        ),
        if_there(
            clients.analytics.GetVelocity(GetVelocityRequest(), identity, timeout=EXTRA_TIMEOUT)
        ),
        setup_of(request),
    )
    activities = due.activities if due else []
    worthy = odds.deals if odds else []
    named = {deal.deal_id for deal in worthy}
    others = [deal for deal in bare.deals if deal.id not in named] if bare else []
    fragment = is_htmx(request) and targets(request, "today")
    return rendering.response(
        request,
        "today/_body.html" if fragment else "today/page.html",
        viewer,
        days=days_of(activities, formats),
        due_is_there=due is not None,
        worthy=worthy,
        deals=others[:DEALS],
        named_above=bool(bare and len(others) < len(bare.deals)),
        more_deals=bool(bare and (bare.next_page_token or others[DEALS:])),
        risks=None if risks is None else _known(risks.clients)[:RISKS],
        risks_unknown=bool(risks and risks.clients),
        risks_computing=bool(risks and risks.basis.computing),
        entries=None if happened is None else happened.entries,
        pipeline=pipeline,
        velocity=velocity,
        setup=setup,
    )


@router.post("/samples")
async def samples(request: Request) -> Response:
    """Three sample deals, or away with them."""
    signed_in(request)
    values = await values_of(request)
    peer, identity = clients_of(request).setups, identity_of(request)
    if values["do"] == "remove":
        await peer.RemoveSamples(RemoveSamplesRequest(), identity)
    else:
        await peer.AddSamples(AddSamplesRequest(), identity)
    return RedirectResponse(local_path(values["next"], "/"), 303)


async def setup_of(request: Request) -> Setup | None:
    """Whether there is anything in the workspace, and whether some of it are samples."""
    found: Setup | None = await if_there(
        clients_of(request).setups.GetSetup(GetSetupRequest(), identity_of(request))
    )
    return found


def _known(clients: Iterable[ClientRisk]) -> list[ClientRisk]:
    """Nobody is to be called for what holds for every client who bought once."""
    return [client for client in clients if client.basis.evidence not in UNKNOWN]


def _due(user_id: str, formats: Formats) -> ListActivitiesRequest:
    """One's own activities until the day is over, the oldest first."""
    midnight = datetime.combine(formats.today + timedelta(days=1), time(), formats.zone)
    asked = ListActivitiesRequest(page_size=DUE)
    add = asked.conditions.add
    add(field="done_at", operator=Operator.OPERATOR_ISNULL, values=["true"])
    add(field="due_at", operator=Operator.OPERATOR_LT, values=[midnight.isoformat()])
    add(field="owner_id", operator=Operator.OPERATOR_EQ, values=[user_id])
    asked.sort.append(SortKey(field="due_at"))
    return asked


def _without_next_step() -> ListDealsRequest:
    nothing = ("next_step", "next_step_due_date", "next_activity_at")
    conditions = [
        Condition(field="stage_type", operator=Operator.OPERATOR_EQ, values=["open"]),
        *(
            Condition(field=field, operator=Operator.OPERATOR_ISNULL, values=["true"])
            for field in nothing
        ),
    ]
    return ListDealsRequest(page_size=WORTHY + DEALS, conditions=conditions)
