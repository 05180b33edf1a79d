"""What board and table share: filter, saved views, what is shown; and the table itself."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.crm.v1.client_service_pb2 import GetClientRequest
from freelanceflow.crm.v1.deal_service_pb2 import ListDealsRequest
from freelanceflow.crm.v1.field_service_pb2 import CustomField
from freelanceflow.crm.v1.stage_service_pb2 import (
    ListLostReasonsRequest,
    ListStagesRequest,
)
from gateway.entrypoints.filters import CUSTOM
from gateway.entrypoints.pages.board_query import (
    CARD_FIELDS,
    BoardQuery,
    words_of,
)
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    if_there,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.fields import list_fields
from gateway.entrypoints.pages.forms import options
from gateway.entrypoints.pages.list_views import views_context
from gateway.entrypoints.pages.owners import owners_of, spoken_of
from gateway.entrypoints.pages.rendering import rendering_of

MOST = 200
ROWS = 50
NAMES = {
    "name": "Name",
    "kind": "Kind",
    "emails": "E-mail",
    "phones": "Phone",
    "subject": "Subject",
    "done_at": "Done",
    "due_at": "Date",
    "owner_id": "Owner",
    "amount": "Value",
    "tags": "Tag",
    "source": "Source",
    "expected_close_date": "Expected close",
    "next_step": "Next step",
    "next_step_due_date": "Day of the next step",
    "next_activity_at": "Next activity",
    "client_id": "Client",
    "closed_at": "Closed",
    "created_at": "Created",
    "stage_id": "Stage",
    "stage_type": "Outcome",
    "win_probability": "Odds",
}
NEXT_STEP = [("true", "None planned"), ("false", "Planned")]
OUTCOMES = [("open", "Open"), ("won", "Won"), ("lost", "Lost")]
# How each type of field is asked for: operator, kind of the input.
ASKED = {
    "text": ("__contains", "search"),
    "url": ("__contains", "search"),
    "number": ("__gte", "number"),
    "date": ("__lte", "date"),
    "select": ("", "select"),
    "multi_select": ("", "select"),
    "checkbox": ("", "select"),
}


class FilterField(NamedTuple):
    """One condition in the panel."""

    name: str
    label: str
    kind: str
    options: list[tuple[str, str]]


async def bar_context(request: Request, query: BoardQuery) -> dict[str, Any]:
    """Everything above the board or the table."""
    clients, identity = clients_of(request), identity_of(request)
    owners, views, fields, stages, client = await together(
        owners_of(request, *spoken_of(query.all_terms)),
        views_context(request, "deals", query.view_id),
        list_fields(request, "deals"),
        clients.stages.ListStages(ListStagesRequest(page_size=MOST), identity),
        _client_names(request, query),
    )
    known = dict(options(stages.stages)) | client
    return {
        "owners": owners,
        "client_name": client.get(query.value("client_id"), ""),
        "all_stages": stages.stages,
        **views,
        "filter_fields": _filter_fields(fields, query, options(stages.stages)),
        "narrowed": words_of(query, names_of(fields), known, owners),
        "extras": _extras(query, fields),
    }


async def _client_names(request: Request, query: BoardQuery) -> dict[str, str]:
    """What a client is called whose deals alone are shown."""
    client_id = query.value("client_id")
    if not client_id:
        return {}
    asked = GetClientRequest(client_id=client_id)
    found = await if_there(clients_of(request).clients.GetClient(asked, identity_of(request)))
    return {client_id: found.name} if found else {}


async def extras_of(request: Request, query: BoardQuery) -> list[Any]:
    """What cards show beyond the usual; the fields are looked up when one of them is shown."""
    needs_fields = any(name.startswith(CUSTOM) for name in query.shown)
    return _extras(query, await list_fields(request, "deals") if needs_fields else [])


async def table_page(request: Request, query: BoardQuery) -> Response:
    """Deals in rows."""
    clients, identity = clients_of(request), identity_of(request)
    asked = ListDealsRequest(
        conditions=query.conditions,
        sort=query.sort_keys,
        page_size=ROWS,
        page_token=request.query_params.get("page_token", ""),
        with_total=True,
    )
    viewer, found, bar, reasons = await together(
        viewer_of(request),
        clients.deals.ListDeals(asked, identity),
        bar_context(request, query),
        clients.stages.ListLostReasons(ListLostReasonsRequest(), identity),
    )
    return rendering_of(request).response(
        request,
        "pipeline/table.html",
        viewer,
        query=query,
        deals=found.deals,
        total=found.total,
        sum=found.sum,
        unconverted=found.unconverted,
        next_token=found.next_page_token,
        reasons=reasons.lost_reasons,
        **bar,
    )


def names_of(fields: list[CustomField]) -> dict[str, str]:
    """What fields are called, by their names in filters."""
    return NAMES | {f"{CUSTOM}{field.key}": field.name for field in fields}


def _filter_fields(
    fields: list[CustomField], query: BoardQuery, stages: list[tuple[str, str]]
) -> list[FilterField]:
    found = [
        FilterField("amount__gte", "Value from", "number", []),
        FilterField("amount__lte", "Value up to", "number", []),
        FilterField("expected_close_date__gte", "Expected close from", "date", []),
        FilterField("expected_close_date__lte", "Expected close by", "date", []),
        FilterField("tags", "Tag", "search", []),
        FilterField("source__contains", "Source contains", "search", []),
        FilterField("next_step__isnull", "Next step", "select", NEXT_STEP),
    ]
    if query.is_table:
        found = [
            FilterField("stage_id", "Stage", "select", stages),
            FilterField("stage_type", "Outcome", "select", OUTCOMES),
            FilterField("closed_at__gte", "Closed from", "date", []),
            FilterField("closed_at__lte", "Closed by", "date", []),
            *found,
        ]
    return [*found, *custom_filters(fields)]


def custom_filters(fields: Iterable[CustomField]) -> Iterator[FilterField]:
    """A condition for each field of the workspace's own that can be asked for."""
    for field in fields:
        if field.type in ASKED:
            operator, kind = ASKED[field.type]
            choices = [(option, option) for option in field.options]
            if field.type == "checkbox":
                choices = [("true", "Yes"), ("false", "No")]
            label = field.name + {"__gte": " from", "__lte": " by"}.get(operator, "")
            yield FilterField(f"{CUSTOM}{field.key}{operator}", label, kind, choices)


def _extras(query: BoardQuery, fields: list[CustomField]) -> list[Any]:
    by_name = {f"{CUSTOM}{field.key}": field for field in fields}
    found: list[Any] = []
    for name in query.shown:
        if name in CARD_FIELDS:
            found.append((name, None, CARD_FIELDS[name]))
        elif name in by_name:
            found.append((name, by_name[name], by_name[name].name))
    return found
