"""Clients: the list, and one client with everything around it."""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.crm.v1.client_service_pb2 import ListClientsRequest
from freelanceflow.crm.v1.deal_service_pb2 import ListDealsRequest
from freelanceflow.crm.v1.timeline_service_pb2 import ListTimelineRequest
from freelanceflow.type.v1.filter_pb2 import Condition, Operator
from gateway.entrypoints.filters import CUSTOM
from gateway.entrypoints.pages.activities import planned
from gateway.entrypoints.pages.analytics import client_risk
from gateway.entrypoints.pages.board_query import words_of
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    if_there,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.client_forms import OF_CLIENTS, get_client
from gateway.entrypoints.pages.client_query import COLUMNS, ClientQuery
from gateway.entrypoints.pages.fields import list_fields
from gateway.entrypoints.pages.list_views import elsewhere, views_context
from gateway.entrypoints.pages.named_filters import settled
from gateway.entrypoints.pages.owners import ME, MINE, owners_of, spoken_of
from gateway.entrypoints.pages.pipeline_bar import FilterField, custom_filters, names_of
from gateway.entrypoints.pages.rendering import is_htmx, rendering_of, targets

PAGE = 50
DEALS, PEOPLE = 10, 50
TIMELINE = 25

FILTERS = (
    FilterField("kind", "Kind", "select", [("company", "Companies"), ("person", "People")]),
    FilterField("tags", "Tag", "search", []),
    FilterField("emails__contains", "E-mail contains", "search", []),
)

router = APIRouter(include_in_schema=False)


@router.get("/clients")
async def client_list(request: Request) -> Response:
    """All clients by name, or those that the filter meets."""
    query = ClientQuery.of(request)
    if named := await settled(request):
        return named
    if there := await elsewhere(request, OF_CLIENTS, query.view_id):
        return RedirectResponse(there, 303)
    asked = ListClientsRequest(
        conditions=query.conditions,
        sort=query.sort_keys,
        page_size=PAGE,
        page_token=request.query_params.get("page_token", ""),
        with_total=True,
    )
    clients, identity = clients_of(request), identity_of(request)
    viewer, page, fields, owners, views = await together(
        viewer_of(request),
        clients.clients.ListClients(asked, identity),
        list_fields(request, OF_CLIENTS),
        owners_of(request, *spoken_of(query.all_terms)),
        views_context(request, OF_CLIENTS, query.view_id),
    )
    by_name = {f"{CUSTOM}{field.key}": field for field in fields}
    following = query.with_(page_token=page.next_page_token)
    return rendering_of(request).response(
        request,
        "clients/list.html",
        viewer,
        clients=page.clients,
        total=page.total if page.HasField("total") else None,
        query=query,
        owners=owners,
        **views,
        owner_options=[(ME, MINE), *owners.options],
        filter_fields=[*FILTERS, *custom_filters(fields)],
        narrowed=words_of(query, names_of(fields), {}, owners, "/clients"),
        columns=[
            (name, by_name.get(name), COLUMNS.get(name) or by_name[name].name)
            for name in query.shown
            if name in COLUMNS or name in by_name
        ],
        next_href=f"/clients?{following}" if page.next_page_token else "",
    )


@router.get("/clients/{client_id}")
async def client_page(request: Request, client_id: str) -> Response:
    """One client with people, deals, activities and timeline."""
    viewer, context = await together(viewer_of(request), _context(request, client_id))
    fragment = is_htmx(request) and targets(request, "client-page")
    template = "clients/_body.html" if fragment else "clients/page.html"
    return rendering_of(request).response(request, template, viewer, **context)


async def _context(request: Request, client_id: str) -> dict[str, Any]:
    clients, identity = clients_of(request), identity_of(request)
    token = request.query_params.get("before", "")
    client, risk, fields, deals, people, activities, happened = await together(
        get_client(request, client_id),
        client_risk(request, client_id),
        list_fields(request, OF_CLIENTS),
        if_there(
            clients.deals.ListDeals(
                ListDealsRequest(page_size=DEALS, conditions=[_is("client_id", client_id)]),
                identity,
            )
        ),
        clients.clients.ListClients(
            ListClientsRequest(page_size=PEOPLE, conditions=[_is("parent_id", client_id)]), identity
        ),
        if_there(clients.activities.ListActivities(planned(client_id=client_id), identity)),
        if_there(
            clients.timelines.ListTimeline(
                ListTimelineRequest(client_id=client_id, page_size=TIMELINE, page_token=token),
                identity,
            )
        ),
    )
    following = {"before": happened.next_page_token if happened else ""}
    return {
        "client": client,
        "risk": risk,
        "fields": fields,
        "deals": deals.deals if deals else [],
        "more_deals": bool(deals and deals.next_page_token),
        "people": people.clients,
        "activities": activities.activities if activities else [],
        "entries": happened.entries if happened else [],
        "earlier_href": f"/clients/{client_id}?{urlencode(following)}"
        if following["before"]
        else "",
    }


def _is(field: str, value: str) -> Condition:
    return Condition(field=field, operator=Operator.OPERATOR_EQ, values=[value])
