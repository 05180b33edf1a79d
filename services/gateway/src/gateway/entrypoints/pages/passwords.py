"""A new password: in the settings, or with the link from a mail. Plain forms."""

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.auth.v1.account_service_pb2 import ChangePasswordRequest
from freelanceflow.auth.v1.auth_service_pb2 import (
    RequestPasswordResetRequest,
    ResetPasswordRequest,
)
from gateway.entrypoints.pages.calls import clients_of, identity_of, signed_in
from gateway.entrypoints.pages.forms import Errors, Values, errors_of, values_of
from gateway.entrypoints.pages.rendering import SECRET_ADDRESS, rendering_of
from gateway.entrypoints.pages.settings import settings_page
from gateway.entrypoints.sessions import end_session
from kit.errors import DomainError, ErrorKind

router = APIRouter(include_in_schema=False)


@router.post("/settings/password")
async def change(request: Request) -> Response:
    """Needs the present password; signs out all other devices."""
    signed_in(request)
    form = await request.form()
    asked = ChangePasswordRequest(
        current_password=str(form.get("current_password", "")),  # as typed: blanks belong to it
        password=str(form.get("new_password", "")),
    )
    try:
        await clients_of(request).account.ChangePassword(asked, identity_of(request))
    except DomainError as refusal:
        of_password = _errors_of(refusal, {"password": "new_password"})
        return await settings_page(request, of_password=of_password)
    return RedirectResponse("/settings?saved=password", 303)


@router.get("/forgot")
async def forgot_page(request: Request) -> Response:
    """Asks for the address."""
    return _forgot(request, Values(), Errors())


@router.post("/forgot")
async def forgot(request: Request) -> Response:
    """Says the same of every address."""
    values = await values_of(request)
    asked = RequestPasswordResetRequest(
        email=values["email"], client_address=request.state.client_address
    )
    try:
        await clients_of(request).auth.RequestPasswordReset(asked)
    except DomainError as refusal:
        return _forgot(request, values, _errors_of(refusal))
    return rendering_of(request).response(request, "entrance/forgot_sent.html", status=202)


@router.get("/reset")
async def reset_page(request: Request) -> Response:
    """Where the mail's link leads. It changes nothing yet: mail scanners follow links, too."""
    return _reset(request, request.query_params.get("token", ""), Errors())


@router.post("/reset")
async def reset(request: Request) -> Response:
    """Sets the password. Nobody is signed in by it, and whoever was here no longer is."""
    values = await values_of(request)
    form = await request.form()
    asked = ResetPasswordRequest(token=values["token"], password=str(form.get("password", "")))
    try:
        await clients_of(request).auth.ResetPassword(asked, identity_of(request))
    except DomainError as refusal:
        return _reset(request, values["token"], _errors_of(refusal))
    response = RedirectResponse("/sign-in?reset=1", 303)
    await end_session(request, response)
    return response


def _errors_of(refusal: DomainError, names: Mapping[str, str] | None = None) -> Errors:
    """Too many attempts, or no password to change, are said in the form as well."""
    if refusal.kind is ErrorKind.EXHAUSTED:
        return Errors(refusal.message, refused=429)
    if refusal.kind is ErrorKind.REFUSED:
        return Errors(refusal.message)
    return errors_of(refusal, names or {})


def _forgot(request: Request, values: Values, errors: Errors) -> Response:
    return rendering_of(request).response(
        request,
        "entrance/forgot.html",
        status=errors.status,
        values=values,
        message=errors.message,
    )


def _reset(request: Request, token: str, errors: Errors) -> Response:
    return rendering_of(request).response(
        request,
        "entrance/reset.html",
        status=errors.status,
        headers=SECRET_ADDRESS,
        token=token[:200],
        errors=errors.fields,
        message=errors.message,
    )
