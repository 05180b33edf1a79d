"""Access tokens, verified here and offline: our keys, our issuer, our audience, or nothing.

A signature is checked once per token; after that it costs two look-ups.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry
from joserfc.jwt import ClaimsOption

from kit.clock import Clock, SystemClock
from kit.rpc.identity import (
    BEARER,
    KeyScope,
    Principal,
    SessionRevoked,
    TokenExpired,
    TokenInvalid,
    TokenMissing,
)
from kit.rpc.keys import FetchJwks, RemoteKeys
from kit.rpc.revocations import Revocations
from kit.sight import Sight

ALGORITHM = "Ed25519"
ALGORITHMS = JWSRegistry(algorithms=[ALGORITHM])  # the one, whatever else the library knows
TYPE = "at+jwt"
ISSUER = "freelanceflow"
AUDIENCE = "freelanceflow"  # of the platform's users; service credentials have another
LEEWAY = 30  # seconds that clocks may differ
LONGEST_LIFE = 600  # seconds; a longer token is a mistake, and a revocation would not outlive it
KEEP_VERIFIED = 4096  # tokens

_HEADER = {"alg", "typ", "kid"}  # nothing else: no jku, jwk, x5u, crit or b64 to be fooled by


class TokenVerifier:
    """Turns an Authorization header into a Principal.

    `fetch_jwks` brings the public JWK set; `revocations` knows the sessions that were ended.
    """

    def __init__(
        self,
        fetch_jwks: FetchJwks,
        *,
        revocations: Revocations,
        issuer: str = ISSUER,
        audience: str = AUDIENCE,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._keys = RemoteKeys(fetch_jwks, _import, self._now)
        self._revocations = revocations
        self._audience = audience
        self._verified: OrderedDict[str, Principal] = OrderedDict()
        required = ("exp", "iat", "sub", "sid", "role", "sees", "jti")
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(self._now()),
            leeway=LEEWAY,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            ws={"essential": True, "allow_blank": True},  # of somebody who is in none
            **{name: ClaimsOption(essential=True) for name in required},
        )

    async def verify(self, authorization: str | None) -> Principal:
        """Raises TokenMissing, TokenInvalid, TokenExpired, SessionRevoked, KeysUnavailable."""
        if authorization is None or not authorization.startswith(BEARER):
            raise TokenMissing("Sign in first.")
        principal = self._verified.get(authorization)
        if principal is None:
            principal = await self._check(authorization[len(BEARER) :])
            self._keep(authorization, principal)
        elif principal.expires_at + LEEWAY <= self._now():
            self._verified.pop(authorization, None)
            raise TokenExpired("Your session has timed out; sign in again.")
        else:
            self._verified.move_to_end(authorization)
        if await self._revocations.is_revoked(principal.session_id):
            raise SessionRevoked("This session was ended; sign in again.")
        return principal

    async def _check(self, token: str) -> Principal:
        try:
            header = jws.extract_compact(token.encode()).headers()
        except (JoseError, ValueError):
            raise _invalid() from None
        if header.keys() != _HEADER or (header["alg"], header["typ"]) != (ALGORITHM, TYPE):
            raise _invalid()
        if await self._keys.look_for(str(header["kid"])):
            self._verified.clear()  # a key was retired: what it signed must be shown again
        key = self._keys.get(str(header["kid"]))
        if key is None:
            raise _invalid()
        return self._principal(token, key)

    def _principal(self, token: str, key: OKPKey) -> Principal:
        try:
            claims = jwt.decode(token, key, registry=ALGORITHMS).claims
            self._claims.validate(claims)
        except ExpiredTokenError:
            raise TokenExpired("Your session has timed out; sign in again.") from None
        except (JoseError, ValueError):
            raise _invalid() from None
        if claims["aud"] != self._audience or claims["exp"] - claims["iat"] > LONGEST_LIFE:
            raise _invalid()
        try:
            return Principal(
                user_id=UUID(claims["sub"]),
                workspace_id=UUID(claims["ws"] or claims["sub"]),
                session_id=UUID(claims["sid"]),
                role=str(claims["role"]),
                permissions=frozenset(str(claims.get("scope", "")).split()),
                expires_at=float(claims["exp"]),
                sight=Sight.of_claim(claims["sees"]),
                token=token,
                key=KeyScope(claims["key"]) if "key" in claims else None,
            )
        except (ValueError, TypeError, AttributeError):
            raise _invalid() from None

    def _keep(self, authorization: str, principal: Principal) -> None:
        self._verified[authorization] = principal
        if len(self._verified) > KEEP_VERIFIED:
            self._verified.popitem(last=False)

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _import(jwks: Mapping[str, Any]) -> dict[str, OKPKey]:
    """The Ed25519 signature keys of a set; others are for others."""
    return {
        str(jwk["kid"]): OKPKey.import_key({name: jwk[name] for name in ("kty", "crv", "x")})
        for jwk in jwks["keys"]
        if jwk.get("kty") == "OKP" and jwk.get("crv") == "Ed25519" and jwk.get("kid")
        if jwk.get("use", "sig") == "sig"
    }


def _invalid() -> TokenInvalid:
    return TokenInvalid("This is not a valid token; sign in again.")
