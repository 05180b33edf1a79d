"""What a workspace is called, where its days begin, and what it adds up in."""

from zoneinfo import available_timezones

from fastapi import APIRouter
from google.protobuf.field_mask_pb2 import FieldMask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.auth.v1.workspace_service_pb2 import (
    GetWorkspaceRequest,
    UpdateWorkspaceRequest,
    Workspace,
)
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.forms import Errors, Values, currency_options, errors_of, values_of
from gateway.entrypoints.pages.rendering import rendering_of
from kit.errors import DomainError, ErrorKind
from kit.ids import new_id

WRITABLE = ["name", "currency_code", "time_zone"]
# tz names by area; the others are shorthands of the same places, or say hours without a place.
_AREAS = (
    "Africa/",
    "America/",
    "Antarctica/",
    "Asia/",
    "Atlantic/",
    "Australia/",
    "Europe/",
    "Indian/",
    "Pacific/",
)

router = APIRouter(include_in_schema=False)


@router.get("/settings/workspace")
async def workspace_page(request: Request) -> Response:
    """Its settings; who may not change them reads them."""
    return await _page(request, None, Errors(), saved="saved" in request.query_params)


@router.post("/settings/workspace")
async def change_workspace(request: Request) -> Response:
    """Saves the form."""
    workspace_id = str(signed_in(request).workspace_id)
    values = await values_of(request)
    asked = UpdateWorkspaceRequest(
        workspace=Workspace(
            id=workspace_id,
            name=values["name"],
            currency_code=values["currency_code"],
            time_zone=values["time_zone"],
        ),
        update_mask=FieldMask(paths=WRITABLE),
        etag=values["etag"],
    )
    try:
        await clients_of(request).workspaces.UpdateWorkspace(asked, identity_of(request))
    except DomainError as refusal:
        if refusal.kind is ErrorKind.STALE:
            said = "Somebody has changed this since you opened it. Save again to replace."
            return await _page(request, values, Errors(said))
        return await _page(request, values, errors_of(refusal, {}))
    return RedirectResponse("/settings/workspace?saved=1", 303)


def zone_options(now: str) -> list[tuple[str, str]]:
    """Every place that has a clock of its own, and the zone that is set now."""
    places = {zone for zone in available_timezones() if zone.startswith(_AREAS)}
    return [(zone, zone.replace("_", " ")) for zone in ("UTC", *sorted(places | {now} - {"UTC"}))]


async def _page(
    request: Request, typed: Values | None, errors: Errors, *, saved: bool = False
) -> Response:
    asked = GetWorkspaceRequest(workspace_id=str(signed_in(request).workspace_id))
    viewer, workspace = await together(
        viewer_of(request),
        clients_of(request).workspaces.GetWorkspace(asked, identity_of(request)),
    )
    values = typed or Values({name: getattr(workspace, name) for name in WRITABLE})
    return rendering_of(request).response(
        request,
        "settings/workspace.html",
        viewer,
        status=errors.status,
        present=workspace,
        values=values,
        errors=errors.fields,
        message=errors.message,
        saved=saved,
        request_id=str(new_id()),
        currencies=currency_options(workspace.currency_code),
        zones=zone_options(workspace.time_zone),
    )
