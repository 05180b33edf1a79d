"""One's keys for programs: made, shown once, taken back."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.auth.v1.api_key_service_pb2 import (
    ApiKey,
    CreateApiKeyRequest,
    ListApiKeysRequest,
    RevokeApiKeyRequest,
)
from gateway.entrypoints.errors import HttpProblem
from gateway.entrypoints.pages.calls import (
    clients_of,
    identity_of,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.forms import Errors, Values, errors_of, values_of
from gateway.entrypoints.pages.rendering import rendering_of
from kit.errors import DomainError

PAGE = "/settings/api-keys"
LIVES = [
    ("7", "7 days"),
    ("30", "30 days"),
    ("90", "90 days"),
    ("365", "1 year"),
    ("0", "No end"),
]
SCOPES = [("all", "All that I may do"), ("read", "Only read")]
NEW = Values(scope="read", days="90")
_WRONG = {"CREDENTIALS_WRONG": "This is not your password."}
# What is said above the form; anything else is a page of its own.
_SAID = ("PASSWORD_NOT_SET", "TOO_MANY_ATTEMPTS", "TOO_MANY_API_KEYS")

router = APIRouter(include_in_schema=False)


@router.get(PAGE)
async def api_keys(request: Request) -> Response:
    """All of them, and the form for another."""
    return await _page(request, NEW, Errors())


@router.post(PAGE)
async def create_api_key(request: Request) -> Response:
    """Makes a key that is shown this one time."""
    signed_in(request)
    values = await values_of(request)
    form = await request.form()
    asked = CreateApiKeyRequest(
        name=values["name"],
        read_only=values["scope"] != "all",
        expire_days=int(values["days"]) if values["days"] in dict(LIVES) else -1,
        password=str(form.get("password", "")),  # as typed: blanks belong to it
        client_address=request.state.client_address,
    )
    try:
        made = await clients_of(request).api_keys.CreateApiKey(asked, identity_of(request))
    except DomainError as refusal:
        return await _page(request, values, _errors_of(refusal))
    return await _page(request, NEW, Errors(), made)


@router.get(f"{PAGE}/{{key_id}}/revoke")
async def ask_to_revoke(request: Request, key_id: str) -> Response:
    """Says what it means before a program stops."""
    viewer, keys = await together(viewer_of(request), _keys(request))
    key = next((key for key in keys if key.id == key_id), None)
    if key is None:
        raise HttpProblem(404, "API_KEY_NOT_FOUND", "There is no such API key.")
    return rendering_of(request).response(request, "settings/api_key_revoke.html", viewer, key=key)


@router.post(f"{PAGE}/{{key_id}}/revoke")
async def revoke_api_key(request: Request, key_id: str) -> Response:
    """It works no more."""
    signed_in(request)
    asked = RevokeApiKeyRequest(id=key_id)
    await clients_of(request).api_keys.RevokeApiKey(asked, identity_of(request))
    return RedirectResponse(f"{PAGE}?revoked=1", 303)


def _errors_of(refusal: DomainError) -> Errors:
    if refusal.reason in _WRONG:
        return Errors(fields=Values(password=_WRONG[refusal.reason]))
    if refusal.reason in _SAID:
        return Errors(refusal.message)
    return errors_of(refusal, {"expires_in_days": "days"})


async def _keys(request: Request) -> list[ApiKey]:
    answer = await clients_of(request).api_keys.ListApiKeys(
        ListApiKeysRequest(), identity_of(request)
    )
    return list(answer.keys)


async def _page(
    request: Request, values: Values, errors: Errors, made: ApiKey | None = None
) -> Response:
    viewer, keys = await together(viewer_of(request), _keys(request))
    return rendering_of(request).response(
        request,
        "settings/api_keys.html",
        viewer,
        status=errors.status,
        keys=keys,
        made=made,
        values=values,
        errors=errors.fields,
        message=errors.message,
        scopes=SCOPES,
        lives=LIVES,
        revoked="revoked" in request.query_params,
    )
