"""What surrounds every request: trace, identity, limits, security headers, time taken.

Pure ASGI: Starlette's BaseHTTPMiddleware breaks context variables and costs several times as much.
"""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address
from time import perf_counter

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.adapters.clients import rpc_seconds
from gateway.config import Settings
from gateway.entrypoints.errors import HttpProblem, answer
from gateway.entrypoints.identity import Caller, Identification
from gateway.entrypoints.limits import Limits
from gateway.entrypoints.no_workspace import refuse_without_workspace
from gateway.entrypoints.origin import refuse_foreign
from gateway.entrypoints.sessions import Cookies
from gateway.entrypoints.zones import Zones, speaks_of_days
from kit.errors import DomainError
from kit.telemetry import Log, bind, span
from kit.telemetry.metrics import HTTP_SERVER, Series
from kit.telemetry.tracing import TRACEPARENT, valid

SLOW = 1.0  # seconds; what takes longer is written down
IMPORTS = ("/api/v1/imports", "/imports")
SIGN_IN = ("/sign-in", "/sign-in/code")

log = Log(__name__)

_ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
]
_HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
_NO_STORE = (b"cache-control", b"no-store")
_DATA_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Edge:
    """The outermost part of the application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: Settings,
        identification: Identification,
        limits: Limits,
        cookies: Cookies,
        zones: Zones,
    ) -> None:
        self._app = app
        self._zones = zones
        self._settings = settings
        self._identification = identification
        self._limits = limits
        self._cookies = cookies
        self._proxies = frozenset(filter(None, settings.trusted_proxies.split(",")))
        self._always = [*_ALWAYS, _HSTS] if settings.secure else _ALWAYS
        self._series: dict[tuple[str, str], Series] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}  # the server leaves the body out
        started = perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        answered = _Answered(self, scope, send, started)
        rpc_seconds.set(answered.rpc)
        parent = valid(headers.get(TRACEPARENT.encode(), b"").decode("latin-1"))
        with span("HTTP", "server", parent=parent) as here:
            try:
                await self._admit(scope, headers)
                await self._app(scope, self._bounded(scope, headers, receive), answered.send)
            except (HttpProblem, DomainError) as refusal:
                response = answer(Request(scope), refusal)
                await response(scope, receive, answered.send)
            except Exception:
                if not answered.status:  # the handler of last resort has failed too
                    raise
            if answered.status >= 500:
                here.failed(str(answered.status))
            self._note(scope, answered, perf_counter() - started)

    async def _admit(self, scope: Scope, headers: Mapping[bytes, bytes]) -> None:
        """Raises HttpProblem and DomainError."""
        scope["app"] = self._app  # a refusal is shown as a page before the application is asked
        scope["caller"] = caller = Caller()
        state = scope.setdefault("state", {})
        state["csp_nonce"] = secrets.token_urlsafe(16)
        state["principal"], state["identity"] = None, caller.identity
        path, method = scope["path"], scope["method"]
        if path.startswith("/static/"):
            return
        if b"authorization" not in headers:
            refuse_foreign(method, headers)
        address = self._address(scope, headers)
        scope["caller"] = caller = await self._identification.of(headers, address)
        state["principal"], state["identity"] = caller.principal, caller.identity
        state["refusal"] = caller.refusal
        state["client_address"] = address
        caller.identity = replace(caller.identity, address=_plain(address))
        state["identity"] = caller.identity
        sender = address
        if caller.principal is not None:
            bind(caller.principal.log_fields)
            sender = caller.principal.user_id.hex
        await self._limits.spend(path=path, method=method, sender=sender, address=address)
        refuse_without_workspace(caller.principal, path)
        state["zones"] = self._zones
        if caller.principal is not None and speaks_of_days(scope, headers):
            state["zone"] = await self._zones.of(caller.principal, caller.identity)

    def _address(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str:
        """The sender's; a header is believed from the listed proxies only."""
        client = scope.get("client")
        peer = str(client[0]) if client else ""
        forwarded = headers.get(b"x-forwarded-for")
        if peer in self._proxies and forwarded:
            return forwarded.decode("latin-1").rpartition(",")[2].strip()
        return peer

    def _bounded(self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive) -> Receive:
        path, limit = scope["path"], self._settings.body_limit
        if path.startswith(IMPORTS):
            limit += self._settings.import_limit  # the file, and the form's own parts
        elif path in SIGN_IN:
            limit += self._settings.body_limit  # a form that waits for it, and its own parts
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > limit:
            raise _too_large(limit)
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise HTTPException(413, _too_large(limit).detail)
            return message

        return counted

    def _note(self, scope: Scope, answered: "_Answered", seconds: float) -> None:
        route = scope.get("route")
        path = getattr(route, "path", "none")  # a raw path would be a label for every id
        series = self._series.get((path, scope["method"]))
        if series is None:
            series = Series(HTTP_SERVER, path, scope["method"])
            self._series[path, scope["method"]] = series
        series.observe(str(answered.status), seconds)
        # Reads that went well are in the metrics; a line for each would cost more than the read.
        if answered.status >= 400 or seconds > SLOW or scope["method"] != "GET":
            log.info(
                "request",
                route=path,
                method=scope["method"],
                code=answered.status,
                duration_ms=round(seconds * 1000, 1),
            )


class _Answered:
    """Adds to the answer's head what every answer has."""

    def __init__(self, edge: Edge, scope: Scope, send: Send, started: float) -> None:
        self._edge = edge
        self._scope = scope
        self._send = send
        self._started = started
        self.status = 0
        self.rpc: list[float] = [0.0]

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], *self._head(message["headers"])]
        await self._send(message)

    def _head(self, given: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        edge, caller = self._edge, self._scope["caller"]
        there = dict(given)
        head = [*(pair for pair in edge._always if pair[0] not in there), self._timing()]
        if b"cache-control" not in there:
            head.append(_NO_STORE)
        if there.get(b"content-type", b"").startswith(b"text/html"):
            nonce = self._scope["state"]["csp_nonce"]
            head.append((b"content-security-policy", _PAGE_POLICY.format(nonce=nonce).encode()))
        else:
            head.append(_DATA_POLICY)
        return [*head, *self._cookies(caller, given)]

    def _timing(self) -> tuple[bytes, bytes]:
        whole, services = perf_counter() - self._started, self.rpc[0]
        gateway = max(0.0, whole - services) * 1000
        return b"server-timing", b"gateway;dur=%.1f, services;dur=%.1f" % (gateway, services * 1000)

    def _cookies(
        self, caller: Caller, given: list[tuple[bytes, bytes]]
    ) -> list[tuple[bytes, bytes]]:
        """A session that was renewed on the way, or is over, unless the page set one itself."""
        ours = self._edge._cookies.access.encode() + b"="
        decided = any(name == b"set-cookie" and line.startswith(ours) for name, line in given)
        if decided or not caller.by_cookie:
            return []
        lines: list[str] = []
        if caller.renewed is not None:
            lines = self._edge._cookies.started(caller.renewed)
        elif caller.over:
            lines = self._edge._cookies.ended()
        return [(b"set-cookie", line.encode("latin-1")) for line in lines]


def _plain(address: str) -> str:
    """What a proxy has written may be anything; only an address travels on."""
    try:
        return str(ip_address(address))
    except ValueError:
        return ""


def _too_large(limit: int) -> HttpProblem:
    return HttpProblem(413, "BODY_TOO_LARGE", f"At most {limit // (1024 * 1024)} MiB are taken.")
