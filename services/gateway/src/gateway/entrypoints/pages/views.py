"""Saved views of all lists: saved from what is seen, chosen, changed and deleted."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.crm.v1.field_service_pb2 import CustomField
from freelanceflow.crm.v1.view_service_pb2 import (
    ChooseViewRequest,
    CreateViewRequest,
    DeleteViewRequest,
    GetViewRequest,
    UpdateViewRequest,
    View,
)
from gateway.entrypoints.pages.board_query import asker_of, words_of
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.fields import list_fields
from gateway.entrypoints.pages.forms import Errors, Values, errors_of, values_of
from gateway.entrypoints.pages.list_views import KINDS, list_views
from gateway.entrypoints.pages.owners import owners_of, spoken_of
from gateway.entrypoints.pages.pipeline_bar import names_of
from gateway.entrypoints.pages.rendering import rendering_of
from kit.errors import DomainError, ErrorKind

LABELS = {"name": "Name", "filter": "Filter"}
SHOW = "show_"
_NOTES = {"view": "View saved.", "deleted": "View deleted.", "choice": "Choice saved."}

router = APIRouter(include_in_schema=False)


@router.get("/settings/views")
async def views_page(request: Request) -> Response:
    """Own views and shared ones, list by list."""
    viewer, *found = await together(
        viewer_of(request), *(list_views(request, resource) for resource in KINDS)
    )
    return rendering_of(request).response(
        request,
        "settings/views.html",
        viewer,
        lists=[
            (resource, kind, [(view, kind.address_of(view)) for view in views])
            for (resource, kind), views in zip(KINDS.items(), found, strict=True)
        ],
        saved=_NOTES.get(request.query_params.get("saved", ""), ""),
    )


@router.post("/settings/views/choose")
async def choose_view(request: Request) -> Response:
    """What a person sees first."""
    signed_in(request)
    values = await values_of(request)
    await _choose(request, _known(values["resource"]), values["view_id"])
    return RedirectResponse("/settings/views?saved=choice", 303)


@router.get("/{home}/views/save")
async def new_view(request: Request, home: str) -> Response:
    """Asks how to call what is seen."""
    signed_in(request)
    resource = _of_home(home)
    query = KINDS[resource].reading(request.query_params.multi_items(), asker_of(request))
    return await _form(request, resource, "", query, Values(), Errors())


@router.post("/{home}/views/save")
async def create_view(request: Request, home: str) -> Response:
    """Saves what is seen."""
    signed_in(request)
    values, resource = await values_of(request), _of_home(home)
    query, kind = _query(request, resource, values), KINDS[resource]
    view = kind.view_of(query, name=values["name"], shared=values["shared"] == "1")
    try:
        made = await clients_of(request).views.CreateView(
            CreateViewRequest(view=view), identity_of(request)
        )
    except DomainError as refusal:
        return await _form(request, resource, "", query, values, _errors(refusal))
    if values["choose"] == "1":
        await _choose(request, resource, made.id)
    return RedirectResponse(kind.address_of(made), 303)


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
    resource = _known(view.resource)
    query = _query_of(request, resource, view)
    return await _form(request, resource, view_id, query, values, Errors())


@router.post("/settings/views/{view_id}/edit")
async def update_view(request: Request, view_id: str) -> Response:
    """Saves the form."""
    signed_in(request)
    values = await values_of(request)
    resource = _known(values["resource"])
    query = _query(request, resource, values)
    view = KINDS[resource].view_of(query, name=values["name"], shared=values["shared"] == "1")
    view.id = view_id
    try:
        saved = await clients_of(request).views.UpdateView(
            UpdateViewRequest(view=view, etag=values["etag"]), identity_of(request)
        )
    except DomainError as refusal:
        errors = _errors(refusal)
        if refusal.kind is ErrorKind.STALE:
            values["etag"] = (await _get(request, view_id)).etag
            errors = Errors("Somebody has changed this view since you opened it. Save again.")
        return await _form(request, resource, view_id, query, values, errors)
    if saved.chosen != (values["choose"] == "1"):
        await _choose(request, resource, view_id if values["choose"] == "1" else "")
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


def _known(resource: str) -> str:
    return resource if resource in KINDS else "deals"


def _of_home(home: str) -> str:
    """The list whose address begins so. Anything else is not there."""
    found = [resource for resource, kind in KINDS.items() if kind.home == f"/{home}"]
    if not found:
        raise HTTPException(404)
    return found[0]


async def _choose(request: Request, resource: str, view_id: str) -> None:
    choice = ChooseViewRequest(resource=resource, view_id=view_id)
    await clients_of(request).views.ChooseView(choice, identity_of(request))


async def _get(request: Request, view_id: str) -> View:
    view: View = await clients_of(request).views.GetView(
        GetViewRequest(view_id=view_id), identity_of(request)
    )
    return view


async def _form(
    request: Request, resource: str, view_id: str, query: Any, values: Values, errors: Errors
) -> Response:
    kind = KINDS[resource]
    viewer, fields, owners = await together(
        viewer_of(request),
        _fields(request, resource),
        owners_of(request, *spoken_of(query.all_terms)),
    )
    back = "/settings/views" if view_id else f"{kind.home}?{query.with_() or 'view='}"
    return rendering_of(request).response(
        request,
        "lists/view_form.html",
        viewer,
        status=errors.status,
        title="Edit view" if view_id else "Save this view",
        action=f"/settings/views/{view_id}/edit" if view_id else f"{kind.home}/views/save",
        back=back,
        kind=kind,
        hidden=[
            ("resource", resource),
            ("query", query.with_(view="", **{kind.choice: ""})),
            ("etag", values["etag"]),
        ],
        shown=query.shown,
        narrowed=words_of(query, names_of(fields), {}, owners, kind.home),
        show_options=kind.options(fields),
        values=values,
        errors=errors.fields,
        message=errors.message,
        labels=LABELS,
    )


async def _fields(request: Request, resource: str) -> list[CustomField]:
    """Activities have none of their own."""
    return await list_fields(request, resource) if resource != "activities" else []


def _query(request: Request, resource: str, values: Values) -> Any:
    """What the form was opened with, and what it says is to be shown."""
    shown = [name.removeprefix(SHOW) for name in values if name.startswith(SHOW)]
    items = [*parse_qsl(values["query"]), (KINDS[resource].choice, ",".join(shown))]
    return KINDS[resource].reading(items, asker_of(request))


def _query_of(request: Request, resource: str, view: View) -> Any:
    kind = KINDS[resource]
    return kind.reading(parse_qsl(urlsplit(kind.address_of(view)).query), asker_of(request))


def _errors(refusal: DomainError) -> Errors:
    if refusal.kind is ErrorKind.REFUSED:
        return Errors(refusal.message)
    return errors_of(refusal, {})
