"""Saved views."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from freelanceflow.crm.v1 import view_service_pb2 as pb
from gateway.entrypoints.api import schemas
from gateway.entrypoints.api import setting_schemas as shapes
from gateway.entrypoints.api.activities import ACTIVITIES
from gateway.entrypoints.api.answers import page_response, record_response
from gateway.entrypoints.api.changes import or_current
from gateway.entrypoints.api.clients import CLIENTS
from gateway.entrypoints.api.deals import DEALS
from gateway.entrypoints.api.operations import BASE, Operations, Parameter
from gateway.entrypoints.api.requests import (
    IDEMPOTENCY_KEY,
    IF_MATCH,
    Listing,
    identity_of,
    if_match,
    path_parameter,
    read_body,
    read_query,
)
from gateway.entrypoints.errors import HttpProblem
from gateway.entrypoints.filters import terms_of

RPC = pb.DESCRIPTOR.services_by_name["ViewService"].methods_by_name
VIEW = path_parameter("view_id", "view")
RESOURCES: dict[str, Listing] = {"deals": DEALS, "clients": CLIENTS, "activities": ACTIVITIES}
OF = Parameter(
    "resource", "query", "`deals` unless said.", {"type": "string", "enum": list(RESOURCES)}
)

operations = Operations("Views")
add = operations.add


@add("GET", "/views", rpc=RPC["ListViews"], summary="List saved views", answer=schemas.AnyPage,
     parameters=[OF])  # fmt: skip
async def list_views(request: Request) -> Response:
    """Your own and shared ones, by name. `chosen` is the one that you see first."""
    resource = read_query(request, "resource").get("resource", "deals")
    answer = await _call(request, "ListViews", pb.ListViewsRequest(resource=resource))
    return page_response(map(view_json, answer.views), "")


@add("POST", "/views", rpc=RPC["CreateView"], summary="Save a view", body=shapes.ViewIn,
     answer=shapes.ViewOut, status=201, parameters=[IDEMPOTENCY_KEY], problems=[409])  # fmt: skip
async def create_view(request: Request) -> Response:
    """`filter` is the query of a list as an object; words such as `me` and `today+7` are kept."""
    body = await read_body(request, shapes.ViewIn)
    view = await _call(request, "CreateView", pb.CreateViewRequest(view=_message(request, body)))
    location = f"{BASE}/views/{view.id}"
    return record_response(request, view_json(view), view.etag, status=201, location=location)


@add("GET", "/views/{view_id}", rpc=RPC["GetView"], summary="Get a saved view",
     answer=shapes.ViewOut, parameters=[VIEW], problems=[404])  # fmt: skip
async def get_view(request: Request) -> Response:
    """`ETag` is what changes ask for as `If-Match`."""
    read_query(request)
    view = await _get(request)
    return record_response(request, view_json(view), view.etag)


@add("PUT", "/views/{view_id}", rpc=RPC["UpdateView"], summary="Replace a saved view",
     body=shapes.ViewIn, answer=shapes.ViewOut, parameters=[VIEW, IF_MATCH],
     problems=[404, 412, 428])  # fmt: skip
async def update_view(request: Request) -> Response:
    """Its maker may, and of a shared one whoever may write settings. The resource stays."""
    etag = if_match(request)
    message = _message(request, await read_body(request, shapes.ViewIn))
    message.id = request.path_params["view_id"]
    view = await _or_current(request, "UpdateView", pb.UpdateViewRequest(view=message, etag=etag))
    return record_response(request, view_json(view), view.etag)


@add("DELETE", "/views/{view_id}", rpc=RPC["DeleteView"], summary="Delete a saved view",
     status=204, parameters=[VIEW, IF_MATCH], problems=[404, 412, 428])  # fmt: skip
async def delete_view(request: Request) -> Response:
    """Whoever saw it first sees everything again."""
    removal = pb.DeleteViewRequest(view_id=request.path_params["view_id"], etag=if_match(request))
    await _or_current(request, "DeleteView", removal)
    return Response(status_code=204)


@add("POST", "/views/{view_id}/choose", rpc=RPC["ChooseView"], summary="See a view first",
     status=204, parameters=[VIEW, IDEMPOTENCY_KEY], problems=[404])  # fmt: skip
async def choose_view(request: Request) -> Response:
    """Before anything else is asked for, on your pages only."""
    read_query(request)
    view = await _get(request)
    choice = pb.ChooseViewRequest(resource=view.resource, view_id=view.id)
    await _call(request, "ChooseView", choice)
    return Response(status_code=204)


async def _call(request: Request, method: str, message: Any) -> Any:
    return await getattr(request.app.state.clients.views, method)(message, identity_of(request))


async def _get(request: Request) -> pb.View:
    view_id = request.path_params["view_id"]
    found: pb.View = await _call(request, "GetView", pb.GetViewRequest(view_id=view_id))
    return found


async def _or_current(request: Request, method: str, message: Any) -> Any:
    return await or_current(_call(request, method, message), lambda: _get(request), view_json)


def _message(request: Request, body: shapes.ViewIn) -> pb.View:
    """Raises HttpProblem 422 for a filter that its list would not take."""
    listing = RESOURCES[body.resource]
    listing.conditions_of(request, body.filter)
    unknown = [name for name in body.sort if name.lstrip("-") not in listing.sorts]
    if unknown:
        said = f"There is no order by {unknown[0]}."
        raise HttpProblem(422, "FIELD_NOT_SORTABLE", said, fields={"sort": said})
    return pb.View(
        resource=body.resource,
        name=body.name,
        shared=body.shared,
        filter=[pb.ViewTerm(name=t.name, value=t.value) for t in terms_of(body.filter)],
        sort=body.sort,
        columns=body.columns,
        layout=body.layout,
        card_fields=body.card_fields,
    )


def view_json(view: pb.View) -> dict[str, Any]:
    """A view as the API shows it."""
    return {
        "id": view.id,
        "resource": view.resource,
        "name": view.name,
        "shared": view.shared,
        "filter": {term.name: term.value for term in view.filter},
        "sort": view.sort[:],
        "columns": view.columns[:],
        "layout": view.layout,
        "card_fields": view.card_fields[:],
        "owner_id": view.owner_id or None,
        "owner_name": view.owner_name or None,
        "chosen": view.chosen,
        "editable": view.editable,
        "version": int(view.etag or 0),
    }
