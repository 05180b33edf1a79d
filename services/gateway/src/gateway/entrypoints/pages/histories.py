"""An activity on a page of its own, and what happened to a client, change by change."""

from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.crm.v1.activity_service_pb2 import GetActivityRequest
from freelanceflow.crm.v1.record_service_pb2 import (
    ListActivityHistoryRequest,
    ListClientHistoryRequest,
)
from gateway.entrypoints.pages.calls import clients_of, identity_of, together, viewer_of
from gateway.entrypoints.pages.client_forms import get_client
from gateway.entrypoints.pages.rendering import is_htmx, rendering_of, targets

PAGE = 50

router = APIRouter(include_in_schema=False)


@router.get("/activities/{activity_id}")
async def activity_page(request: Request, activity_id: str) -> Response:
    """What a reminder leads to: the activity, whom it is about, and what became of it."""
    clients, identity = clients_of(request), identity_of(request)
    viewer, activity, history = await together(
        viewer_of(request),
        clients.activities.GetActivity(GetActivityRequest(activity_id=activity_id), identity),
        clients.records.ListActivityHistory(
            ListActivityHistoryRequest(
                activity_id=activity_id, page_size=PAGE, page_token=_before(request)
            ),
            identity,
        ),
    )
    fragment = is_htmx(request) and targets(request, "activity-page")
    return rendering_of(request).response(
        request,
        "activities/_one.html" if fragment else "activities/one.html",
        viewer,
        activity=activity,
        entries=history.entries,
        earlier_href=_earlier(f"/activities/{activity_id}", history.next_page_token),
    )


@router.get("/clients/{client_id}/history")
async def client_history(request: Request, client_id: str) -> Response:
    """Every change of a client, latest first."""
    viewer, client, history = await together(
        viewer_of(request),
        get_client(request, client_id),
        clients_of(request).records.ListClientHistory(
            ListClientHistoryRequest(
                client_id=client_id, page_size=PAGE, page_token=_before(request)
            ),
            identity_of(request),
        ),
    )
    return rendering_of(request).response(
        request,
        "clients/history.html",
        viewer,
        client=client,
        entries=history.entries,
        earlier_href=_earlier(f"/clients/{client_id}/history", history.next_page_token),
    )


def _before(request: Request) -> str:
    return request.query_params.get("before", "")


def _earlier(path: str, token: str) -> str:
    return f"{path}?{urlencode({'before': token})}" if token else ""
