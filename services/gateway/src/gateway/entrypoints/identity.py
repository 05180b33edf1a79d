"""Who sends a request: a token or an API key for programs, cookies for browsers, never both."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request

from freelanceflow.auth.v1.auth_service_pb2 import RefreshSessionRequest, TokenPair
from gateway.adapters.clients import Clients
from gateway.entrypoints.api_keys import ApiKeys, begins_as_api_key
from gateway.entrypoints.errors import HttpProblem
from gateway.entrypoints.limits import Limits
from gateway.entrypoints.sessions import Cookies
from kit.errors import DomainError, ErrorKind
from kit.rpc.identity import (
    BEARER,
    NOBODY,
    CallIdentity,
    Principal,
    SessionRevoked,
    TokenExpired,
    TokenMissing,
)
from kit.rpc.tokens import TokenVerifier

LONGEST_KEY = 200  # characters of an idempotency key


@dataclass(slots=True)
class Caller:
    """What is known of the sender. `refusal` is raised when a route needs a person."""

    principal: Principal | None = None
    identity: CallIdentity = NOBODY
    refusal: DomainError | None = None
    by_cookie: bool = False
    renewed: TokenPair | None = None
    over: bool = False  # the cookies are of no use any more


class Identification:
    """Finds out who sends a request."""

    def __init__(
        self, verifier: TokenVerifier, clients: Clients, cookies: Cookies, limits: Limits
    ) -> None:
        self._verifier = verifier
        self._clients = clients
        self._cookies = cookies
        self._keys = ApiKeys(clients, limits)

    async def of(self, headers: Mapping[bytes, bytes], address: str) -> Caller:
        """Raises HttpProblem for a bearer token beside cookies, and for a key too many; what else
        is wrong is kept."""
        bearer = headers.get(b"authorization")
        cookies = self._cookies.read(headers.get(b"cookie", b""))
        if bearer is not None:
            if cookies.access or cookies.refresh:
                raise HttpProblem(
                    400, "TWO_IDENTITIES", "Send a bearer token or cookies, not both."
                )
            authorization = bearer.decode("latin-1")
            if begins_as_api_key(authorization.removeprefix(BEARER)):
                return await self._by_key(authorization.removeprefix(BEARER), headers, address)
            return await self._known(authorization, headers)
        if cookies.access is None and cookies.refresh is None:
            return Caller(refusal=TokenMissing("Sign in first."))
        caller = await self._known(BEARER + (cookies.access or ""), headers)
        timed_out = isinstance(caller.refusal, TokenExpired) or not cookies.access
        if timed_out and cookies.refresh:
            caller = await self._renewed(cookies.refresh, headers)
        caller.by_cookie = True
        return caller

    async def _by_key(self, key: str, headers: Mapping[bytes, bytes], address: str) -> Caller:
        """As the token says that stands for the key; another one where that one is over."""
        try:
            token = await self._keys.token_of(key, address)
            caller = await self._known(BEARER + token, headers)
            if isinstance(caller.refusal, SessionRevoked | TokenExpired):
                self._keys.forget(key, token)
                token = await self._keys.token_of(key, address)
                caller = await self._known(BEARER + token, headers)
        except DomainError as refusal:
            return Caller(refusal=refusal)
        return caller

    async def _known(self, authorization: str, headers: Mapping[bytes, bytes]) -> Caller:
        try:
            principal = await self._verifier.verify(authorization)
        except DomainError as refusal:
            return Caller(refusal=refusal, over=refusal.kind is ErrorKind.UNAUTHENTICATED)
        return Caller(principal=principal, identity=_identity(principal, headers))

    async def _renewed(self, refresh: str, headers: Mapping[bytes, bytes]) -> Caller:
        request = RefreshSessionRequest(refresh_token=refresh)
        try:
            tokens = await self._clients.auth.RefreshSession(request)
        except DomainError as refusal:
            return Caller(refusal=refusal, over=refusal.kind is ErrorKind.UNAUTHENTICATED)
        caller = await self._known(BEARER + tokens.access_token, headers)
        caller.renewed = tokens
        return caller


def caller_of(request: Request) -> Caller:
    """What the edge found out."""
    caller: Caller = request.scope["caller"]
    return caller


def principal_of(request: Request) -> Principal:
    """The person. Raises why there is none."""
    caller = caller_of(request)
    if caller.principal is None:
        raise caller.refusal or TokenMissing("Sign in first.")
    return caller.principal


def _identity(principal: Principal, headers: Mapping[bytes, bytes]) -> CallIdentity:
    key = headers.get(b"idempotency-key")
    window = headers.get(b"x-client-id", b"")[:64]
    return CallIdentity(
        principal.token,
        None if key is None else key_of(key),
        window.decode("ascii") if _is_plain(window) else "",
    )


def key_of(given: bytes) -> str:
    """An idempotency key, of a header or a form. Raises HttpProblem."""
    if not (0 < len(given) <= LONGEST_KEY and _is_plain(given)):
        said = f"Give a key of 1 to {LONGEST_KEY} printable ASCII characters."
        raise HttpProblem(400, "IDEMPOTENCY_KEY_INVALID", said)
    return given.decode("ascii")


def _is_plain(value: bytes) -> bool:
    """Whether a header can travel on with a call, whose metadata are printable ASCII."""
    return value.isascii() and value.decode("ascii").isprintable()
