"""An OpenID provider on this machine: it keeps to the standard, and lies when it is told to."""

import asyncio
import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import escape
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson
import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from kit.clock import Clock, SystemClock

WEB, SECRET, PROGRAM = "web.example", "a-secret-of-the-web-client", "program.example"

Claims = dict[str, Any]
Forge = Callable[[Claims, dict[str, Any]], None]


class Grant(NamedTuple):
    """What a code stands for."""

    asked: dict[str, str]
    claims: Claims


@dataclass
class Provider:
    """`forge` may change claims and header of the next tokens; `key` signs them, or what else is
    given: another key, or bytes for a secret. `instead` are other answers, by path."""

    clock: Clock = field(default_factory=SystemClock)
    issuer: str = ""
    key: RSAKey = field(default_factory=lambda: _key("one"))
    published: list[RSAKey] = field(default_factory=list)
    forge: Forge = lambda claims, header: None
    signed_with: RSAKey | bytes | None = None
    granted: dict[str, Grant] = field(default_factory=dict)
    asked_for_keys: int = 0
    broken: bool = False
    instead: dict[str, ASGIApp] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.published = [self.key]

    @property
    def settings(self) -> dict[str, str]:
        """What auth is told of it."""
        return {
            "google_issuer": self.issuer,
            "google_client_id": WEB,
            "google_client_secret": SECRET,
            "google_program_ids": PROGRAM,
        }

    def agree(self, url: str, **claims: Any) -> dict[str, str]:
        """The person says yes: what the browser brings back."""
        asked = dict(parse_qsl(urlsplit(url).query))
        code = secrets.token_urlsafe(16)
        self.granted[code] = Grant(asked, claims)
        return {"code": code, "state": asked.get("state", "")}

    async def metadata(self, request: Request) -> Response:
        if self.broken:
            return Response(status_code=503)
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        places = {name: f"{self.issuer}/{name}" for name in names}
        return JSONResponse({"issuer": self.issuer, **places})

    async def page(self, request: Request) -> Response:
        """Where the person is asked. Whoever types an address is believed."""
        query = escape(request.url.query)
        return HTMLResponse(
            f'<html lang="en"><title>Provider</title><form action="/agree?{query}" method="post">'
            '<label>Address <input name="email"></label><label>Name <input name="name"></label>'
            '<button>Continue</button></form><a href="/refuse?' + query + '">Cancel</a></html>'
        )

    async def agreed(self, request: Request) -> Response:
        form = await request.form()
        email = str(form["email"])
        claims = {"sub": email, "email": email, "email_verified": True, "name": str(form["name"])}
        return self._back(request, self.agree(str(request.url), **claims))

    async def refused(self, request: Request) -> Response:
        state = request.query_params["state"]
        return self._back(request, {"error": "access_denied", "state": state})

    async def token(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        grant = self.granted.pop(form.get("code", ""), None)
        if grant is None or not _is_his(grant.asked, form):
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        return JSONResponse(
            {"access_token": "not used", "token_type": "Bearer", "id_token": self._signed(grant)}
        )

    async def keys(self, request: Request) -> Response:
        self.asked_for_keys += 1
        return JSONResponse({"keys": [key.as_dict(private=False) for key in self.published]})

    def _signed(self, grant: Grant) -> str:
        now = int(self.clock.now().timestamp())
        claims = {
            "iss": self.issuer,
            "aud": grant.asked["client_id"],
            "azp": grant.asked["client_id"],
            "iat": now,
            "exp": now + 3600,
            "nonce": grant.asked.get("nonce"),
            **grant.claims,
        }
        header: dict[str, Any] = {"alg": "RS256", "typ": "JWT", "kid": self.key.kid}
        self.forge(claims, header)
        if isinstance(self.signed_with, bytes):
            return _by_secret(self.signed_with, header, claims)
        algorithms = JWSRegistry(algorithms=["RS256", "RS512", "none"])
        return jwt.encode(header, claims, self.signed_with or self.key, registry=algorithms)

    @staticmethod
    def _back(request: Request, what: dict[str, str]) -> Response:
        redirect_uri = request.query_params["redirect_uri"]
        return RedirectResponse(f"{redirect_uri}?{urlencode(what)}", 303)


def another_key() -> RSAKey:
    """As after a rotation."""
    return _key("two")


@asynccontextmanager
async def providing(clock: Clock | None = None) -> AsyncIterator[Provider]:
    """A provider on a free port of this machine."""
    provider = Provider(clock or SystemClock())
    routes = [
        Route("/.well-known/openid-configuration", provider.metadata),
        Route("/authorization_endpoint", provider.page),
        Route("/agree", provider.agreed, methods=["POST"]),
        Route("/refuse", provider.refused),
        Route("/token_endpoint", provider.token, methods=["POST"]),
        Route("/jwks_uri", provider.keys),
    ]

    async def answers(scope: Scope, receive: Receive, send: Send) -> None:
        await provider.instead.get(scope["path"], site)(scope, receive, send)

    site: ASGIApp = Starlette(routes=routes)
    config = uvicorn.Config(answers, port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 it tells nobody
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    provider.issuer = f"http://127.0.0.1:{port}"
    try:
        yield provider
    finally:
        server.should_exit = True
        await serving


def _is_his(asked: dict[str, str], form: dict[str, str]) -> bool:
    """Whether client, address and verifier are those of the sign-in (RFC 7636, section 4.6)."""
    challenge = _base64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
    return (
        form.get("client_id") == asked["client_id"]
        and (form.get("client_id") != WEB or form.get("client_secret") == SECRET)
        and form.get("redirect_uri") == asked["redirect_uri"]
        and asked.get("code_challenge_method") == "S256"
        and challenge == asked["code_challenge"]
    )


def _by_secret(secret: bytes, header: dict[str, Any], claims: Claims) -> str:
    """HS256 by hand: the library refuses to take a public key for a secret."""
    signed = f"{_base64(orjson.dumps(header))}.{_base64(orjson.dumps(claims))}"
    return f"{signed}.{_base64(hmac.digest(secret, signed.encode(), 'sha256'))}"


def _base64(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def _key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"use": "sig", "kid": kid})
