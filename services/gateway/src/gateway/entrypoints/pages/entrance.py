"""In and out: sign-in, registration, sign-out. Plain forms; scripts only add comfort."""

from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.auth.v1.auth_service_pb2 import (
    LogInRequest,
    RegisterRequest,
    RegisterResponse,
    TokenPair,
    VerifyEmailRequest,
)
from gateway.entrypoints.pages.calls import clients_of
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
from gateway.entrypoints.pages.sent import HOME, sign_in_form, unpacked
from gateway.entrypoints.paths import local_path
from gateway.entrypoints.sessions import end_session
from gateway.entrypoints.zones import is_zone
from kit.errors import DomainError, ErrorKind

_SIGN_IN_REFUSALS = (ErrorKind.UNAUTHENTICATED, ErrorKind.EXHAUSTED)
_NOTES = {
    "out": "You are signed out.",
    "deleted": "Your account is deleted. A mail says so, too.",
    "reset": "Your new password is set. Sign in with it.",
}

router = APIRouter(include_in_schema=False)


@router.get("/sign-in", name="sign_in_page")
async def sign_in_page(request: Request) -> Response:
    """The form; whoever is signed in already goes on."""
    following = local_path(request.query_params.get("next", ""), HOME)
    if request.state.principal is not None:
        return RedirectResponse(following, 303)
    note = next((said for name, said in _NOTES.items() if request.query_params.get(name)), "")
    return sign_in_form(request, Values(next=following), note=note)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Starts a session and goes on to where the person wanted to be."""
    values = await values_of(request)
    form = await request.form()
    asked = LogInRequest(
        email=values["email"],
        password=str(form.get("password", "")),  # as typed: blanks belong to it
        device=request.headers.get("user-agent", ""),
        client_address=request.state.client_address,
    )
    try:
        tokens: TokenPair = await clients_of(request).auth.LogIn(asked)
    except DomainError as refusal:
        if refusal.kind in _SIGN_IN_REFUSALS:
            status = 429 if refusal.kind is ErrorKind.EXHAUSTED else 401
            return sign_in_form(request, values, message=refusal.message, status=status)
        errors = errors_of(refusal, {})
        return sign_in_form(
            request, values, errors=errors.fields, message=errors.message, status=errors.status
        )
    sent, following = unpacked(values), local_path(values["next"], HOME)
    return let_in(request, tokens, following, sent)


@router.get("/register")
async def register_page(request: Request) -> Response:
    """The empty form."""
    if request.state.principal is not None:
        return RedirectResponse(HOME, 303)
    return _register(request, Values(currency_code=USUAL_CURRENCIES[0]), Errors())


@router.post("/register")
async def register(request: Request) -> Response:
    """Makes a person with a workspace of their own, whose days begin where the browser's do."""
    values = await values_of(request)
    form = await request.form()
    asked = RegisterRequest(
        email=values["email"],
        password=str(form.get("password", "")),
        name=values["name"],
        workspace_name=values["workspace_name"],
        currency_code=values["currency_code"],
        time_zone=values["time_zone"] if is_zone(values["time_zone"]) else "",
        device=request.headers.get("user-agent", ""),
    )
    try:
        answer: RegisterResponse = await clients_of(request).auth.Register(asked)
    except DomainError as refusal:
        return _register(request, values, errors_of(refusal, {}))
    if answer.verification_needed:
        return rendering_of(request).response(request, "entrance/check_mail.html", status=202)
    return let_in(request, answer.tokens, HOME)


@router.get("/verify-email")
async def verify_email_page(request: Request) -> Response:
    """Where the mail's link leads. It asks once more: mail scanners follow links, too."""
    return _verify(request, request.query_params.get("token", ""), Errors())


@router.post("/verify-email")
async def verify_email(request: Request) -> Response:
    """Proves the address and signs in."""
    values = await values_of(request)
    asked = VerifyEmailRequest(token=values["token"], device=request.headers.get("user-agent", ""))
    try:
        tokens: TokenPair = await clients_of(request).auth.VerifyEmail(asked)
    except DomainError as refusal:
        return _verify(request, values["token"], Errors(refusal.message))
    return let_in(request, tokens, HOME)


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """Ends this session."""
    response = RedirectResponse("/sign-in?" + urlencode({"out": "1"}), 303)
    await end_session(request, response)
    return response


def _verify(request: Request, token: str, errors: Errors) -> Response:
    return rendering_of(request).response(
        request,
        "entrance/verify.html",
        status=errors.status,
        headers=SECRET_ADDRESS,
        token=token[:200],
        message=errors.message,
    )


def _register(request: Request, values: Values, errors: Errors) -> Response:
    return rendering_of(request).response(
        request,
        "entrance/register.html",
        status=errors.status,
        values=values,
        errors=errors.fields,
        message=errors.message,
        currencies=currency_options(),
        google=request.app.state.settings.google_sign_in,
    )
