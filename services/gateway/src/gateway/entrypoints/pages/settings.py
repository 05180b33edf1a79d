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
from freelanceflow.auth.v1.google_service_pb2 import ListGoogleAccountsRequest
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
_NOTES = {
    "appearance": "Appearance saved.",
    "profile": "Profile saved.",
    "password": "Password changed. Your other devices are signed out.",
    "sessions": "Signed out.",
    "google": "Google no longer lets you in.",
}

router = APIRouter(include_in_schema=False)


@router.get("/settings")
async def settings(request: Request) -> Response:
    """All settings on one page."""
    note = _NOTES.get(request.query_params.get("saved", ""), "")
    return await settings_page(request, note=note)


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
            refused = Errors("This was changed elsewhere. Save again.")
            return await settings_page(request, values, refused)
        return await settings_page(request, values, errors_of(refusal, {}))
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


async def settings_page(
    request: Request,
    typed: Values | None = None,
    errors: Errors | None = None,
    *,
    note: str = "",
    google_message: str = "",
    of_password: Errors | None = None,
) -> Response:
    """All settings, with what is wrong with one of its forms."""
    clients, identity = clients_of(request), identity_of(request)
    viewer, me, sessions, google = await together(
        viewer_of(request),
        clients.account.GetMe(GetMeRequest(), identity),
        clients.account.ListSessions(ListSessionsRequest(), identity),
        clients.google.ListGoogleAccounts(ListGoogleAccountsRequest(), identity),
    )
    errors, of_password = errors or Errors(), of_password or Errors()
    return rendering_of(request).response(
        request,
        "settings/page.html",
        viewer,
        status=422 if google_message else max(errors.status, of_password.status),
        of_password=of_password,
        me=me,
        sessions=sessions.sessions,
        values=typed or Values(name=me.name, locale=me.locale),
        errors=errors.fields,
        message=errors.message,
        saved=note,
        locales=LOCALES,
        google=request.app.state.settings.google_sign_in or google.accounts,
        google_accounts=google.accounts,
        google_message=google_message,
    )
