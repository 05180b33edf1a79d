"""Google as an OpenID provider: where people are sent, and what it says of who comes back.

Authlib makes the requests. The ID token is checked here: the library takes one that was made for
somebody else, or with another nonce (OpenID Connect Core 1.0, section 3.1.3.7).
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry
from joserfc.jwt import ClaimsOption

from auth.domain.errors import ClientUnknown, EmailInvalid, GoogleRefused, GoogleUnavailable
from auth.domain.identity import Claims
from auth.domain.names import NAME_LENGTH, normal_email
from kit.clock import Clock
from kit.rpc.keys import KeysUnavailable, RemoteKeys
from kit.telemetry import Log

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import AsyncOAuth2Client

ALGORITHM = "RS256"
LEEWAY = 30  # seconds that clocks may differ
PATIENCE = 5.0  # seconds for all that Google is asked at once
ASK = 4.0  # of these for its metadata: who asks still has the time to say that it is silent
KEEP_METADATA = 3600.0  # seconds
RETRY_AFTER = 2.0  # seconds in which nobody else asks a provider that was silent
SCOPE = "openid email profile"
_ENDPOINTS = {"authorization_endpoint", "token_endpoint", "jwks_uri"}
_SUBJECT = re.compile(r"[ -~]{1,255}")  # OpenID Connect Core 1.0, section 2
_HEADER = {"alg", "kid", "typ"}  # nothing else: no jku, jwk or crit to be fooled by

log = Log(__name__)


class Asked(NamedTuple):
    """What a sign-in was begun with, as far as Google was told."""

    redirect_uri: str
    nonce: str
    code_verifier: str


class Google:
    """`client_id` and its secret are the web's; `program_ids` are clients without a secret."""

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        client_secret: str,
        program_ids: frozenset[str],
        clock: Clock,
    ) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._programs = tuple(program_ids - {client_id})
        self._clock = clock
        self._tls = ssl.create_default_context()  # reads a hundred certificates: once
        self._metadata: Mapping[str, Any] = {}
        self._metadata_until = float("-inf")
        self._silent_until = float("-inf")
        self._describing = asyncio.Lock()
        self._keys = RemoteKeys(self._fetch_keys, _rsa_keys, self._now)
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(self._now()),
            leeway=LEEWAY,
            iss={"essential": True, "value": issuer},
            **{name: ClaimsOption(essential=True) for name in ("aud", "sub", "exp", "iat")},
        )

    async def authorization_url(self, asked: Asked, state: str) -> str:
        """Google's page for it. Raises GoogleUnavailable."""
        async with self._client(self._client_id) as client, _patiently():
            metadata = await self._described(client)
            url: str
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                redirect_uri=asked.redirect_uri,
                state=state,
                nonce=asked.nonce,
                code_verifier=asked.code_verifier,
                prompt="select_account",
            )
            return url

    async def claims(self, code: str, asked: Asked, *, program: str | None = None) -> Claims:
        """What Google says of who brought the code: for the web, or for a program by its id.

        A program is never the web: what the web's secret opens, only the browser that asked brings.

        Raises ClientUnknown, GoogleRefused, GoogleUnavailable.
        """
        client_id = self._client_id if program is None else program
        if program is not None and program not in self._programs:
            raise ClientUnknown("This program is not known here.", fields={"client_id": "Unknown."})
        async with self._client(client_id) as client, _patiently():
            token = await self._exchanged(client, code, asked)
            kid = _key_id(token)
            await self._keys.look_for(kid)
        key = self._keys.get(kid)
        if key is None:
            raise _untrusted("key")
        return self._checked(token, key, nonce=asked.nonce, client_id=client_id)

    async def _exchanged(self, client: "AsyncOAuth2Client", code: str, asked: Asked) -> str:
        from authlib.integrations.base_client import OAuthError

        metadata = await self._described(client)
        try:
            answer = await client.fetch_token(
                metadata["token_endpoint"],
                code=code,
                code_verifier=asked.code_verifier,
                redirect_uri=asked.redirect_uri,
            )
        except OAuthError as error:
            log.info("google_refused_code", code=str(error.error)[:100])
            raise GoogleRefused("Google did not take this sign-in. Begin again.") from None
        except (TypeError, ValueError):  # no answer to this question
            raise _unavailable() from None
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise _untrusted("id_token")
        return token

    def _checked(self, token: str, key: RSAKey, *, nonce: str, client_id: str) -> Claims:
        try:
            claims = jwt.decode(token, key, registry=JWSRegistry(algorithms=[ALGORITHM])).claims
            self._claims.validate(claims)
        except (JoseError, ValueError) as error:
            raise _untrusted(type(error).__name__) from None
        # A program on Android asks for a token for the web, and is named apart.
        if _only(claims["aud"]) not in (client_id, self._client_id):
            raise _untrusted("aud")
        if claims.get("azp", client_id) not in (self._client_id, *self._programs):
            raise _untrusted("azp")
        if not nonce or claims.get("nonce") != nonce:
            raise _untrusted("nonce")
        if not _SUBJECT.fullmatch(claims["sub"]):
            raise _untrusted("sub")
        try:
            email = normal_email(str(claims.get("email", "")))
        except EmailInvalid:
            raise _untrusted("email") from None
        return Claims(
            issuer=self._issuer,
            subject=claims["sub"],
            email=email,
            email_verified=claims.get("email_verified") is True,
            name=_printable(str(claims.get("name") or ""))[:NAME_LENGTH],
        )

    async def _described(self, client: "AsyncOAuth2Client") -> Mapping[str, Any]:
        """The provider's metadata (OpenID Connect Discovery 1.0), asked for by one for all."""
        async with self._describing:
            if self._now() < self._metadata_until:
                return self._metadata
            if self._now() < self._silent_until:
                raise _unavailable()
            try:
                async with asyncio.timeout(ASK):
                    self._metadata = await self._describe(client)
            except Exception:
                self._silent_until = self._now() + RETRY_AFTER
                raise
            self._metadata_until = self._now() + KEEP_METADATA
            return self._metadata

    async def _describe(self, client: "AsyncOAuth2Client") -> Mapping[str, Any]:
        found = await _json(client, f"{self._issuer}/.well-known/openid-configuration")
        places = [found.get(name) for name in _ENDPOINTS]
        if found.get("issuer") != self._issuer or not all(isinstance(p, str) for p in places):
            raise _unavailable()
        return found

    async def _fetch_keys(self) -> Mapping[str, Any]:
        async with self._client(self._client_id) as client:
            return await _json(client, (await self._described(client))["jwks_uri"])

    def _client(self, client_id: str) -> "AsyncOAuth2Client":
        # Ten megabytes that a platform without Google does not need.
        from authlib.integrations.httpx_client import AsyncOAuth2Client

        from auth.adapters.short_answers import shorten

        is_program = client_id != self._client_id
        return AsyncOAuth2Client(
            client_id,
            None if is_program else self._client_secret,
            token_endpoint_auth_method="none" if is_program else "client_secret_post",
            scope=SCOPE,
            code_challenge_method="S256",
            verify=self._tls,
            timeout=PATIENCE,
            headers={"Accept-Encoding": "identity"},
            event_hooks={"response": [shorten]},
        )

    def _now(self) -> float:
        return self._clock.now().timestamp()


@asynccontextmanager
async def _patiently() -> AsyncIterator[None]:
    """Whatever goes wrong on the way to Google is that it cannot be reached."""
    import httpx2

    try:
        async with asyncio.timeout(PATIENCE):
            yield
    except (httpx2.HTTPError, TimeoutError, KeysUnavailable) as error:
        log.warning("google_unavailable", cause=repr(error)[:200])
        raise _unavailable() from None


async def _json(client: "AsyncOAuth2Client", url: str) -> dict[str, Any]:
    answer = await client.request("GET", url, withhold_token=True)
    answer.raise_for_status()
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _unavailable()
    return found


def _key_id(token: str) -> str:
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError):
        raise _untrusted("form") from None
    if not {"alg", "kid"} <= header.keys() <= _HEADER or header["alg"] != ALGORITHM:
        raise _untrusted("header")
    if not isinstance(header["kid"], str):
        raise _untrusted("kid")
    return header["kid"]


def _printable(text: str) -> str:
    return "".join(filter(str.isprintable, " ".join(text.split())))


def _only(audience: object) -> object:
    """A token is for one: a list of one is the same."""
    return audience[0] if isinstance(audience, list) and len(audience) == 1 else audience


def _rsa_keys(jwks: Mapping[str, Any]) -> dict[str, RSAKey]:
    """The RSA signature keys of a set; others are for others."""
    return {
        str(jwk["kid"]): RSAKey.import_key({name: jwk[name] for name in ("kty", "n", "e")})
        for jwk in jwks["keys"]
        if jwk.get("kty") == "RSA" and jwk.get("kid") and jwk.get("use", "sig") == "sig"
    }


def _untrusted(what: str) -> GoogleRefused:
    """The log says what was wrong, the person only that it was."""
    log.warning("google_token_refused", problem=what)
    return GoogleRefused("What Google said cannot be trusted. Begin again.")


def _unavailable() -> GoogleUnavailable:
    return GoogleUnavailable("Google cannot be reached just now. Try again, or use your password.")
