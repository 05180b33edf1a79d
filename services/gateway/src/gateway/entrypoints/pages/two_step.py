"""Signing in in two steps: the code that is asked for, and how it is set up."""

from collections.abc import Awaitable
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.auth.v1.auth_service_pb2 import TokenPair
from freelanceflow.auth.v1.two_step_service_pb2 import (
    AnswerChallengeRequest,
    ConfirmTwoStepRequest,
    EndTwoStepRequest,
    GetTwoStepRequest,
    RenewRecoveryCodesRequest,
    StartTwoStepRequest,
)
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.forms import Values, values_of
from gateway.entrypoints.pages.letting_in import code_form, let_in
from gateway.entrypoints.pages.rendering import rendering_of
from gateway.entrypoints.pages.sent import HOME, sign_in_form, unpacked
from gateway.entrypoints.paths import local_path
from kit.errors import DomainError

PAGE = "/settings/two-step"
_NOTES = {"off": "One step is enough from now on."}
_ON = "A code is asked for at your next sign-in. Your other devices are signed out."
_RENEWED = "The codes before these work no more."
_WRONG = {"CREDENTIALS_WRONG": "This is not your password."}
# What is said on the page; anything else is a page of its own.
_SAID = ("CREDENTIALS_WRONG", "PASSWORD_NOT_SET", "TOO_MANY_ATTEMPTS", "CODE_WRONG", "TWO_STEP_ON")

router = APIRouter(include_in_schema=False)


@router.post("/sign-in/code")
async def answer(request: Request) -> Response:
    """Ends the sign-in and goes on to where the person wanted to be."""
    values = await values_of(request)
    asked = AnswerChallengeRequest(
        challenge=values["challenge"],
        code=values["code"],
        device=request.headers.get("user-agent", ""),
        client_address=request.state.client_address,
    )
    try:
        tokens: TokenPair = await clients_of(request).two_step.AnswerChallenge(asked)
    except DomainError as refusal:
        if refusal.reason == "CODE_WRONG":
            return code_form(request, values, message=refusal.message, status=401)
        if refusal.reason == "TOO_MANY_ATTEMPTS":
            return code_form(request, values, message=refusal.message, status=429)
        return sign_in_form(request, values, message=refusal.message, status=400)
    return let_in(request, tokens, local_path(values["next"], HOME), unpacked(values))


@router.get(PAGE)
async def two_step(request: Request) -> Response:
    """How somebody signs in, and the way to the other."""
    return await _page(request, note=_NOTES.get(request.query_params.get("saved", ""), ""))


@router.post(f"{PAGE}/start")
async def start(request: Request) -> Response:
    """Shows a secret for the application on a phone."""
    signed_in(request)
    asked = StartTwoStepRequest(**await _proof(request))
    return await _said_or(
        request, clients_of(request).two_step.StartTwoStep(asked, identity_of(request)), _secret
    )


@router.post(f"{PAGE}/confirm")
async def confirm(request: Request) -> Response:
    """A code shows that the application has the secret."""
    signed_in(request)
    values = await values_of(request)
    asked = ConfirmTwoStepRequest(code=values["code"])
    try:
        made = await clients_of(request).two_step.ConfirmTwoStep(asked, identity_of(request))
    except DomainError as refusal:
        if refusal.reason not in ("CODE_WRONG", "TOO_MANY_ATTEMPTS"):
            raise
        return await _secret(request, Values(values), message=refusal.message)
    return await _codes(request, made, note=_ON)


@router.post(f"{PAGE}/codes")
async def renew_codes(request: Request) -> Response:
    """Shows new codes on paper."""
    signed_in(request)
    asked = RenewRecoveryCodesRequest(**await _proof(request))
    call = clients_of(request).two_step.RenewRecoveryCodes(asked, identity_of(request))
    return await _said_or(request, call, _codes)


@router.post(f"{PAGE}/end")
async def end(request: Request) -> Response:
    """No code is asked for any more."""
    signed_in(request)
    asked = EndTwoStepRequest(**await _proof(request))

    async def gone(request: Request, ended: Any) -> Response:
        return RedirectResponse(f"{PAGE}?saved=off", 303)

    call = clients_of(request).two_step.EndTwoStep(asked, identity_of(request))
    return await _said_or(request, call, gone)


async def _said_or(request: Request, call: Awaitable[Any], then: Any) -> Response:
    """What follows an answer; a refusal is said where the password was typed."""
    try:
        answer = await call
    except DomainError as refusal:
        if refusal.reason not in _SAID:
            raise
        said = _WRONG.get(refusal.reason, refusal.message)
        return await _page(request, message=said)
    response: Response = await then(request, answer)
    return response


async def _proof(request: Request) -> dict[str, str]:
    form = await request.form()
    return {
        "password": str(form.get("password", "")),
        "client_address": request.state.client_address,
    }


async def _page(request: Request, *, message: str = "", note: str = "") -> Response:
    viewer, state = await together(
        viewer_of(request),
        clients_of(request).two_step.GetTwoStep(GetTwoStepRequest(), identity_of(request)),
    )
    return rendering_of(request).response(
        request,
        "settings/two_step.html",
        viewer,
        status=422 if message else 200,
        state=state,
        message=message,
        saved=note,
    )


async def _secret(request: Request, made: Any, *, message: str = "") -> Response:
    """`made` is an answer of auth, or a form that brings the same back."""
    secret, uri = (
        (made["secret"], made["uri"]) if isinstance(made, Values) else (made.secret, made.uri)
    )
    return rendering_of(request).response(
        request,
        "settings/two_step_secret.html",
        await viewer_of(request),
        status=422 if message else 200,
        secret=secret,
        uri=uri,
        picture=_picture(uri),
        message=message,
    )


async def _codes(request: Request, made: Any, *, note: str = _RENEWED) -> Response:
    return rendering_of(request).response(
        request,
        "settings/recovery_codes.html",
        await viewer_of(request),
        codes=list(made.codes),
        note=note,
    )


def _picture(uri: str) -> str:
    import segno  # a megabyte that hardly anybody needs

    picture: str = segno.make(uri, error="m").svg_data_uri(scale=5, border=3, light="white")
    return picture
