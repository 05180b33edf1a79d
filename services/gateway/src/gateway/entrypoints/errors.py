"""Refusals as people and programs read them: problem+json for the API, pages for the rest."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.entrypoints.pages.problems import render_problem
from gateway.entrypoints.pages.rendering import is_htmx
from gateway.entrypoints.pages.sent import ask_to_sign_in, keep_sent
from gateway.entrypoints.paths import address_of
from kit.errors import STATUS, DomainError, ErrorKind
from kit.rpc.errors import DeadlineExceeded, PeerFailed
from kit.telemetry import Log
from kit.telemetry.metrics import count_error
from kit.telemetry.tracing import trace_and_span_id

PROBLEM = "application/problem+json"
TYPE = "urn:freelanceflow:problem:"  # + reason: stable, and no address that could move
TITLES = {
    400: "The request cannot be read",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "This cannot be done now",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Wrong type",
    422: "Some values cannot be taken",
    428: "Say which version you mean",
    429: "Too many requests",
    500: "Something went wrong on our side",
    503: "Not available at the moment",
    504: "No answer in time",
}
_SLUGS = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 413: "BODY_TOO_LARGE"}

log = Log(__name__)


class HttpProblem(Exception):
    """A refusal of the transport itself, which no service ever sees."""

    def __init__(
        self,
        status: int,
        reason: str,
        detail: str,
        *,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.fields = fields or {}
        self.headers = headers or {}


class NoOpenWorkspace(HttpProblem):
    """There is none to work in; pages lead to the one that says so."""


class SignInNeeded(Exception):
    """A page that is for people who have signed in."""


class ChangedMeanwhile(Exception):
    """A stale If-Match, with the record as it stands now."""

    def __init__(self, refusal: DomainError, current: Mapping[str, Any], etag: str) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
        self.current = current
        self.etag = etag


def install(app: FastAPI) -> None:
    """Every way a request can end badly has its answer here."""
    app.add_exception_handler(DomainError, _refused)  # type: ignore[arg-type]
    app.add_exception_handler(HttpProblem, _unreadable)  # type: ignore[arg-type]
    app.add_exception_handler(ChangedMeanwhile, _changed)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _framework)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _invalid)  # type: ignore[arg-type]
    app.add_exception_handler(SignInNeeded, _sign_in)
    app.add_exception_handler(PeerFailed, _failed)
    app.add_exception_handler(Exception, _failed)


def answer(request: Request, error: Exception) -> Response:
    """The answer to a refusal that is found before there is a route."""
    match error:
        case NoOpenWorkspace() if not (_is_data(request) or is_htmx(request)):
            return RedirectResponse("/no-workspace", 303)
        case HttpProblem():
            return _problem(
                request,
                error.status,
                error.reason,
                error.detail,
                fields=error.fields,
                headers=error.headers,
            )
        case DomainError(reason=DeadlineExceeded.reason):
            return _problem(request, 504, error.reason, error.message)
        case DomainError():
            return _of_domain(request, error)
    raise TypeError(f"{type(error).__name__} is no refusal")


async def _refused(request: Request, error: DomainError) -> Response:
    if request.method == "POST" and not (_is_data(request) or is_htmx(request)):
        if error.kind is ErrorKind.UNAUTHENTICATED:
            return await ask_to_sign_in(request)
        await keep_sent(request)
    return answer(request, error)


async def _unreadable(request: Request, error: HttpProblem) -> Response:
    return answer(request, error)


async def _changed(request: Request, error: ChangedMeanwhile) -> Response:
    response = _of_domain(request, error.refusal, current=error.current)
    response.headers["ETag"] = error.etag
    return response


async def _framework(request: Request, error: HTTPException) -> Response:
    reason = _SLUGS.get(error.status_code, "REQUEST_REFUSED")
    detail = "There is nothing here." if error.status_code == 404 else str(error.detail)
    return _problem(request, error.status_code, reason, detail, headers=error.headers)


async def _invalid(request: Request, error: RequestValidationError) -> Response:
    fields = {".".join(map(str, e["loc"][1:])): str(e["msg"]) for e in error.errors()}
    return _problem(request, 422, "INVALID_INPUT", TITLES[422], fields=fields)


async def _sign_in(request: Request, error: Exception) -> Response:
    if is_htmx(request):
        return _problem(request, 401, "TOKEN_MISSING", "Your session is over. Sign in again.")
    if request.method == "POST":
        return await ask_to_sign_in(request)
    page = request.url_for("sign_in_page").path
    return RedirectResponse(f"{page}?{urlencode({'next': address_of(request)})}", 303)


async def _failed(request: Request, error: Exception) -> Response:
    log.error("request_failed", error=error, fingerprint=count_error(error))
    return _problem(request, 500, "INTERNAL", "It was not your fault. We have written it down.")


def _of_domain(
    request: Request, error: DomainError, *, current: Mapping[str, Any] | None = None
) -> Response:
    headers = {}
    if error.kind is ErrorKind.EXHAUSTED:
        headers["Retry-After"] = error.details.get("retry_after", "1")
    if error.kind is ErrorKind.UNAVAILABLE:
        headers["Retry-After"] = "1"
    more: dict[str, Any] = {} if current is None else {"current": current}
    if candidates := candidates_of(error):
        more["candidates"] = candidates
    return _problem(
        request,
        STATUS[error.kind].http,
        error.reason,
        error.message,
        fields=error.fields,
        headers=headers,
        more=more,
    )


def candidates_of(error: DomainError) -> list[dict[str, str]]:
    """Who may be meant, when somebody like a new record is there already."""
    found: list[dict[str, str]] = orjson.loads(error.details.get("candidates") or "[]")
    return found


def _is_data(request: Request) -> bool:
    """Whether a program asks, not a page."""
    return request.url.path.startswith(("/api/", "/.well-known/"))


def _problem(
    request: Request,
    status: int,
    reason: str,
    detail: str,
    *,
    fields: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Response:
    ids = trace_and_span_id()
    trace_id = ids[0] if ids else ""
    title = TITLES.get(status, "The request was refused")
    path = request.url.path
    if not _is_data(request):
        response: Response = render_problem(
            request,
            status=status,
            title=title,
            detail=detail,
            fields=fields or {},
            trace_id=trace_id,
            retry_after=(headers or {}).get("Retry-After"),
        )
        response.headers.update(headers or {})
        return response
    body: dict[str, Any] = {
        "type": TYPE + reason,
        "title": title,
        "status": status,
        "detail": detail,
        "instance": path,
        "reason": reason,
        "errors": [{"field": name, "message": said} for name, said in (fields or {}).items()],
        "trace_id": trace_id,
    }
    body |= more or {}
    return Response(
        orjson.dumps(body, option=orjson.OPT_UTC_Z),
        status,
        headers=dict(headers or {}),
        media_type=PROBLEM,
    )
