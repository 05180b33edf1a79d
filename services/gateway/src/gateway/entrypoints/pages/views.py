"""Saved views of the pipeline: saved from what is seen, chosen, changed and deleted."""

from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.crm.v1.stage_service_pb2 import ListOwnersRequest
from freelanceflow.crm.v1.view_service_pb2 import (
    ChooseViewRequest,
    CreateViewRequest,
    DeleteViewRequest,
    GetViewRequest,
    UpdateViewRequest,
    View,
)
from gateway.entrypoints.pages.board_query import (
    BoardQuery,
    address_of,
    asker_of,
    view_of,
    words_of,
)
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.fields import list_fields
from gateway.entrypoints.pages.forms import Errors, Values, errors_of, values_of
from gateway.entrypoints.pages.pipeline_bar import (
    MOST,
    list_views,
    names_of,
    owner_names,
    show_options,
)
from gateway.entrypoints.pages.rendering import rendering_of
from kit.errors import DomainError, ErrorKind

LABELS = {"name": "Name", "filter": "Filter"}
SHOW = "show_"
_NOTES = {"view": "View saved.", "deleted": "View deleted.", "choice": "Choice saved."}

router = APIRouter(include_in_schema=False)


@router.get("/settings/views")
async def views_page(request: Request) -> Response:
    """Own views and shared ones."""
    viewer, found = await together(viewer_of(request), list_views(request))
    return rendering_of(request).response(
        request,
        "settings/views.html",
        viewer,
        views=[(view, address_of(view)) for view in found],
        saved=_NOTES.get(request.query_params.get("saved", ""), ""),
    )


@router.post("/settings/views/choose")
async def choose_view(request: Request) -> Response:
    """What a person sees first."""
    signed_in(request)
    values = await values_of(request)
    await _choose(request, values["view_id"])
    return RedirectResponse("/settings/views?saved=choice", 303)


@router.get("/pipeline/views/save")
async def new_view(request: Request) -> Response:
    """Asks how to call what is seen."""
    return await _form(request, "", BoardQuery.of(request), Values(), Errors())


@router.post("/pipeline/views/save")
async def create_view(request: Request) -> Response:
    """Saves what is seen."""
    signed_in(request)
    values = await values_of(request)
    query = _query(request, values)
    view = view_of(query, name=values["name"], shared=values["shared"] == "1")
    try:
        made = await clients_of(request).views.CreateView(
            CreateViewRequest(view=view), identity_of(request)
        )
    except DomainError as refusal:
        return await _form(request, "", query, values, _errors(refusal))
    if values["choose"] == "1":
        await _choose(request, made.id)
    return RedirectResponse(address_of(made), 303)


@router.get("/settings/views/{view_id}/edit")
async def edit_view(request: Request, view_id: str) -> Response:
    """The form with the view's values."""
    signed_in(request)
    view = await _get(request, view_id)
    values = Values(
        name=view.name,
        shared="1" if view.shared else "",
        choose="1" if view.chosen else "",
        etag=view.etag,
    )
    return await _form(request, view_id, _query_of(request, view), values, Errors())


@router.post("/settings/views/{view_id}/edit")
async def update_view(request: Request, view_id: str) -> Response:
    """Saves the form."""
    signed_in(request)
    values = await values_of(request)
    query = _query(request, values)
    view = view_of(query, name=values["name"], shared=values["shared"] == "1")
    view.id = view_id
    try:
        saved = await clients_of(request).views.UpdateView(
            UpdateViewRequest(view=view, etag=values["etag"]), identity_of(request)
        )
    except DomainError as refusal:
        if refusal.kind is ErrorKind.STALE:
            values["etag"] = (await _get(request, view_id)).etag
            message = "Somebody has changed this view since you opened it. Save again to replace."
            return await _form(request, view_id, query, values, Errors(message))
        return await _form(request, view_id, query, values, _errors(refusal))
    if saved.chosen != (values["choose"] == "1"):
        await _choose(request, view_id if values["choose"] == "1" else "")
    return RedirectResponse("/settings/views?saved=view", 303)


@router.post("/settings/views/{view_id}/delete")
async def delete_view(request: Request, view_id: str) -> Response:
    """Deletes a view."""
    signed_in(request)
    values = await values_of(request)
    await clients_of(request).views.DeleteView(
        DeleteViewRequest(view_id=view_id, etag=values["etag"]), identity_of(request)
    )
    return RedirectResponse("/settings/views?saved=deleted", 303)


async def _choose(request: Request, view_id: str) -> None:
    choice = ChooseViewRequest(resource="deals", view_id=view_id)
    await clients_of(request).views.ChooseView(choice, identity_of(request))


async def _get(request: Request, view_id: str) -> View:
    view: View = await clients_of(request).views.GetView(
        GetViewRequest(view_id=view_id), identity_of(request)
    )
    return view


async def _form(
    request: Request, view_id: str, query: BoardQuery, values: Values, errors: Errors
) -> Response:
    clients, identity = clients_of(request), identity_of(request)
    viewer, fields, owners = await together(
        viewer_of(request),
        list_fields(request, "deals"),
        clients.stages.ListOwners(ListOwnersRequest(page_size=MOST), identity),
    )
    back = "/settings/views" if view_id else "/pipeline?" + (query.with_() or "view=")
    return rendering_of(request).response(
        request,
        "pipeline/view_form.html",
        viewer,
        status=errors.status,
        title="Edit view" if view_id else "Save this view",
        action=f"/settings/views/{view_id}/edit" if view_id else "/pipeline/views/save",
        back=back,
        hidden=[("query", query.with_(show="", view="")), ("etag", values["etag"])],
        query=query,
        narrowed=words_of(query, names_of(fields), owner_names(owners)),
        show_options=show_options(fields),
        values=values,
        errors=errors.fields,
        message=errors.message,
        labels=LABELS,
    )


def _query(request: Request, values: Values) -> BoardQuery:
    """What the form was opened with, and what it says is to be shown."""
    shown = [name.removeprefix(SHOW) for name in values if name.startswith(SHOW)]
    items = [*parse_qsl(values["query"]), ("show", ",".join(shown))]
    return BoardQuery.reading(items, asker_of(request))


def _query_of(request: Request, view: View) -> BoardQuery:
    items = parse_qsl(urlsplit(address_of(view)).query)
    return BoardQuery.reading(items, asker_of(request))


def _errors(refusal: DomainError) -> Errors:
    if refusal.kind is ErrorKind.REFUSED:
        return Errors(refusal.message)
    return errors_of(refusal, {})
