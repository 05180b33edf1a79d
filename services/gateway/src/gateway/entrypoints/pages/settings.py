"""What a person sets for themselves: looks, name, devices."""

from fastapi import APIRouter
from google.protobuf.field_mask_pb2 import FieldMask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.auth.v1.account_service_pb2 import (
    EndSessionRequest,
    GetMeRequest,
    ListSessionsRequest,
    UpdateMeRequest,
    User,
)
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.forms import Errors, Values, errors_of, values_of
from gateway.entrypoints.pages.rendering import (
    DENSITIES,
    SWITCH,
    THEMES,
    is_htmx,
    rendering_of,
)
from kit.errors import DomainError, ErrorKind

YEAR = 365 * 24 * 3600
LOCALES = [
    ("en", "English (United States)"),
    ("en-GB", "English (United Kingdom)"),
    ("de", "Deutsch"),
    ("fr", "Français"),
    ("es", "Español"),
    ("it", "Italiano"),
    ("nl", "Nederlands"),
    ("pl", "Polski"),
    ("pt", "Português"),
    ("sv", "Svenska"),
]
_NOTES = {"appearance": "Appearance saved.", "profile": "Profile saved.", "sessions": "Signed out."}

router = APIRouter(include_in_schema=False)


@router.get("/settings")
async def settings(request: Request) -> Response:
    """All settings on one page."""
    note = _NOTES.get(request.query_params.get("saved", ""), "")
    return await _page(request, None, Errors(), note)


@router.post("/settings/appearance")
async def appearance(request: Request) -> Response:
    """Keeps the looks in cookies, so that the first byte of a page is right."""
    values = await values_of(request)
    response = RedirectResponse("/settings?saved=appearance", 303)
    chosen = {
        "theme": (values["theme"], THEMES),
        "density": (values["density"], DENSITIES),
        "shortcuts": (values["shortcuts"] or "off", SWITCH),
    }
    secure = request.app.state.settings.secure
    for name, (value, allowed) in chosen.items():
        if value in allowed:
            response.set_cookie(name, value, YEAR, secure=secure, httponly=True, samesite="lax")
    return response


@router.post("/settings/profile")
async def profile(request: Request) -> Response:
    """Changes name and locale."""
    signed_in(request)
    values = await values_of(request)
    asked = UpdateMeRequest(
        user=User(name=values["name"], locale=values["locale"]),
        update_mask=FieldMask(paths=["name", "locale"]),
        etag=values["etag"],
    )
    try:
        await clients_of(request).account.UpdateMe(asked, identity_of(request))
    except DomainError as refusal:
        if refusal.kind is ErrorKind.STALE:
            return await _page(request, values, Errors("This was changed elsewhere. Save again."))
        return await _page(request, values, errors_of(refusal, {}))
    return RedirectResponse("/settings?saved=profile", 303)


@router.post("/settings/sessions/end")
async def end_sessions(request: Request) -> Response:
    """Signs out one device, or all others."""
    signed_in(request)
    values = await values_of(request)
    await clients_of(request).account.EndSession(
        EndSessionRequest(session_id=values["session_id"]), identity_of(request)
    )
    return RedirectResponse("/settings?saved=sessions", 303)


@router.get("/more")
async def more(request: Request) -> Response:
    """What does not fit into the bar at the bottom of a phone."""
    return rendering_of(request).response(request, "more.html", await viewer_of(request))


@router.get("/help/keys")
async def keys(request: Request) -> Response:
    """What the keys do."""
    template = "keys_dialog.html" if is_htmx(request) else "keys_page.html"
    return rendering_of(request).response(request, template, await viewer_of(request))


async def _page(request: Request, typed: Values | None, errors: Errors, note: str = "") -> Response:
    account, identity = clients_of(request).account, identity_of(request)
    viewer, me, sessions = await together(
        viewer_of(request),
        account.GetMe(GetMeRequest(), identity),
        account.ListSessions(ListSessionsRequest(), identity),
    )
    return rendering_of(request).response(
        request,
        "settings/page.html",
        viewer,
        status=errors.status,
        me=me,
        sessions=sessions.sessions,
        values=typed or Values(name=me.name, locale=me.locale),
        errors=errors.fields,
        message=errors.message,
        saved=note,
        locales=LOCALES,
    )
