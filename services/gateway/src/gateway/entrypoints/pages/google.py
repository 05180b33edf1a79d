"""In by a Google account. A cookie ties what comes back to the browser that went there."""

from http import HTTPStatus

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.auth.v1.auth_service_pb2 import TokenPair
from freelanceflow.auth.v1.google_service_pb2 import (
    ConnectGoogleRequest,
    DisconnectGoogleRequest,
    FinishGoogleSignInRequest,
    GoogleSignIn,
    RegisterWithGoogleRequest,
    StartGoogleSignInRequest,
)
from gateway.config import Settings
from gateway.entrypoints.google import START, TIMEOUT
from gateway.entrypoints.pages.calls import clients_of, identity_of, signed_in
from gateway.entrypoints.pages.forms import (
    USUAL_CURRENCIES,
    Errors,
    Values,
    currency_options,
    errors_of,
    values_of,
)
from gateway.entrypoints.pages.letting_in import let_in
from gateway.entrypoints.pages.rendering import SECRET_ADDRESS, rendering_of
from gateway.entrypoints.pages.sent import HOME, sign_in_form
from gateway.entrypoints.pages.settings import settings_page
from gateway.entrypoints.paths import local_path
from gateway.entrypoints.zones import is_zone
from kit.errors import DomainError, ErrorKind

CALLBACK = "/auth/google/callback"
COOKIE = "ff_google"
NOT_THE_PASSWORD = "This is not the password of your account."
LONGEST = 2000  # characters of a path that is kept meanwhile
LIFE = 600  # seconds, as long as a sign-in may take

router = APIRouter(include_in_schema=False)


@router.get(START)
async def start(request: Request) -> Response:
    """To Google, and back to the callback."""
    following = local_path(request.query_params.get("next", ""), HOME)
    following = following if len(following) <= LONGEST else HOME
    asked = StartGoogleSignInRequest(
        redirect_uri=_settings(request).public_url.rstrip("/") + CALLBACK, following=following
    )
    try:
        begun = await clients_of(request).google.StartGoogleSignIn(asked, timeout=TIMEOUT)
    except DomainError as refusal:
        return _back_to_sign_in(request, refusal, following)
    response = RedirectResponse(begun.authorization_url, 303)
    _keep(request, response, begun.browser_secret, LIFE)
    return response


@router.get(CALLBACK)
async def callback(request: Request) -> Response:
    """Where Google sends people back to; whoever is known is in."""
    response = await _finished(request)
    _keep(request, response, "", 0)
    response.headers.update(SECRET_ADDRESS)
    return response


@router.post("/auth/google/register")
async def register(request: Request) -> Response:
    """Makes a person with a workspace of their own."""
    values = await values_of(request)
    asked = RegisterWithGoogleRequest(
        ticket=values["ticket"],
        name=values["name"],
        workspace_name=values["workspace_name"],
        currency_code=values["currency_code"],
        time_zone=values["time_zone"] if is_zone(values["time_zone"]) else "",
        device=request.headers.get("user-agent", ""),
    )
    try:
        tokens: TokenPair = await clients_of(request).google.RegisterWithGoogle(asked)
    except DomainError as refusal:
        if refusal.kind in (ErrorKind.NOT_FOUND, ErrorKind.DUPLICATE):
            return _back_to_sign_in(request, refusal)
        return _newcomer(request, values, errors_of(refusal, {}))
    return let_in(request, tokens, HOME)


@router.post("/auth/google/connect")
async def connect(request: Request) -> Response:
    """The password of the account with the same address connects the two."""
    values = await values_of(request)
    form = await request.form()
    asked = ConnectGoogleRequest(
        ticket=values["ticket"],
        password=str(form.get("password", "")),
        device=request.headers.get("user-agent", ""),
        client_address=request.state.client_address,
        code=values["code"],
    )
    try:
        tokens: TokenPair = await clients_of(request).google.ConnectGoogle(asked)
    except DomainError as refusal:
        if refusal.reason in ("CODE_NEEDED", "CODE_WRONG"):
            asks = Values(values, asks_code="yes")
            return _known(request, asks, refusal.message, 401)
        if refusal.kind is ErrorKind.UNAUTHENTICATED:
            return _known(request, values, NOT_THE_PASSWORD, 401)
        if refusal.kind is ErrorKind.EXHAUSTED:
            return _known(request, values, refusal.message, 429)
        return _back_to_sign_in(request, refusal)
    return let_in(request, tokens, local_path(values["next"], HOME))


@router.post("/settings/google/disconnect")
async def disconnect(request: Request) -> Response:
    """Takes the way in away."""
    signed_in(request)
    form = await request.form()
    asked = DisconnectGoogleRequest(
        password=str(form.get("password", "")),
        client_address=request.state.client_address,
    )
    try:
        await clients_of(request).google.DisconnectGoogle(asked, identity_of(request))
    except DomainError as refusal:
        if refusal.reason not in ("CREDENTIALS_WRONG", "TOO_MANY_ATTEMPTS"):
            raise
        wrong = refusal.kind is ErrorKind.UNAUTHENTICATED
        message = NOT_THE_PASSWORD if wrong else refusal.message
        return await settings_page(request, google_message=message)
    return RedirectResponse("/settings?saved=google", 303)


async def _finished(request: Request) -> Response:
    given = request.query_params
    if "error" in given:
        return sign_in_form(request, Values(), note="You did not sign in with Google.")
    asked = FinishGoogleSignInRequest(
        browser_secret=request.cookies.get(_cookie(request), ""),
        state=given.get("state", "")[:200],
        code=given.get("code", "")[:2000],
        device=request.headers.get("user-agent", ""),
    )
    try:
        answer: GoogleSignIn = await clients_of(request).google.FinishGoogleSignIn(
            asked, timeout=TIMEOUT
        )
    except DomainError as refusal:
        return _back_to_sign_in(request, refusal)
    if answer.HasField("tokens"):
        return let_in(request, answer.tokens, local_path(answer.following, HOME))
    values = Values(
        ticket=answer.ticket,
        email=answer.email,
        name=answer.name,
        currency_code=USUAL_CURRENCIES[0],
        next=answer.following,
    )
    if answer.address_known:
        return _known(request, values)
    return _newcomer(request, values, Errors())


def _newcomer(request: Request, values: Values, errors: Errors) -> Response:
    return rendering_of(request).response(
        request,
        "entrance/google_newcomer.html",
        status=errors.status,
        values=values,
        errors=errors.fields,
        message=errors.message,
        currencies=currency_options(),
    )


def _known(request: Request, values: Values, message: str = "", status: int = 200) -> Response:
    return rendering_of(request).response(
        request, "entrance/google_known.html", status=status, values=values, message=message
    )


def _back_to_sign_in(request: Request, refusal: DomainError, following: str = "") -> Response:
    """The other ways in are still there."""
    unavailable = refusal.kind is ErrorKind.UNAVAILABLE
    status = HTTPStatus.SERVICE_UNAVAILABLE if unavailable else HTTPStatus.BAD_REQUEST
    return sign_in_form(request, Values(next=following), message=refusal.message, status=status)


def _keep(request: Request, response: Response, secret: str, life: int) -> None:
    response.set_cookie(
        _cookie(request),
        secret,
        life,
        secure=_settings(request).secure,
        httponly=True,
        samesite="lax",
    )


def _cookie(request: Request) -> str:
    return f"__Host-{COOKIE}" if _settings(request).secure else COOKIE


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings
