"""Only our own tokens, while they last; and nobody can make us run after keys."""

import asyncio
import base64
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import OKPKey, RSAKey

from kit.clock import FakeClock
from kit.rpc import tokens
from kit.rpc.identity import SessionRevoked, TokenExpired, TokenInvalid, TokenMissing
from kit.rpc.keys import KeysUnavailable
from kit.rpc.revocations import Revocations
from kit.rpc.tokens import TokenVerifier
from kit.testing.rpc import Issuer


class Published:
    """The keys of an issuer, with a count of how often they were asked for."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.asked = 0
        self.down = False

    async def __call__(self) -> Mapping[str, Any]:
        self.asked += 1
        if self.down:
            raise ConnectionError("auth is away")
        return await self.issuer.jwks()


@pytest.fixture
def issuer(clock: FakeClock) -> Issuer:
    return Issuer(clock)


@pytest.fixture
def published(issuer: Issuer) -> Published:
    return Published(issuer)


@pytest.fixture
def verifier(published: Published, issuer: Issuer, clock: FakeClock) -> TokenVerifier:
    return TokenVerifier(published, revocations=Revocations(issuer.is_active), clock=clock)


def bearer(token: str) -> str:
    return f"Bearer {token}"


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def segment(value: Any) -> str:
    return encoded(json.dumps(value).encode())


async def test_a_good_token_says_who_it_is(verifier: TokenVerifier, issuer: Issuer) -> None:
    claims = issuer.claims("deals.read", "deals.write")
    principal = await verifier.verify(bearer(issuer.sign(claims)))
    assert str(principal.user_id) == claims["sub"]
    assert str(principal.workspace_id) == claims["ws"]
    assert str(principal.session_id) == claims["sid"]
    assert principal.role == "sales"
    assert principal.permissions == {"deals.read", "deals.write"}
    assert principal.expires_at == claims["exp"]
    assert principal.token not in repr(principal)


async def test_a_token_of_no_workspace_says_so(verifier: TokenVerifier, issuer: Issuer) -> None:
    claims = issuer.claims(ws="")
    principal = await verifier.verify(bearer(issuer.sign(claims)))
    assert not principal.in_workspace
    assert str(principal.user_id) == claims["sub"]
    assert (await verifier.verify(bearer(issuer.sign(issuer.claims())))).in_workspace


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic dXNlcjpwdw==", "bearer x"])
async def test_no_token(verifier: TokenVerifier, header: str | None) -> None:
    with pytest.raises(TokenMissing):
        await verifier.verify(header)


class Forger:
    """Knows what anybody may know: a good token, and the public key it is checked with."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.claims = issuer.claims("deals.read")
        self.now = self.claims["iat"]
        self.header = {"alg": "Ed25519", "typ": "at+jwt", "kid": issuer.keys[-1].kid}
        self.head, self.body, self.signature = issuer.sign(self.claims).split(".")
        self.key = OKPKey.generate_key("Ed25519")

    def headed(self, header: dict[str, Any], signature: str | None = None) -> str:
        """The good body and signature under another header."""
        return f"{segment(header)}.{self.body}.{self.signature if signature is None else signature}"

    def claiming(self, **over: Any) -> str:
        """Signed by the issuer: a mistake of auth's, or a token of another kind."""
        return self.issuer.sign(self.claims | over)

    def without(self, name: str) -> str:
        return self.issuer.sign({key: value for key, value in self.claims.items() if key != name})

    def mine(self, key: OKPKey | None = None, **header: Any) -> str:
        """Signed by the attacker."""
        signer = key or self.key
        return jwt.encode(self.header | header, self.claims, signer, registry=tokens.ALGORITHMS)

    def rsa(self) -> str:
        key = RSAKey.generate_key(2048)
        return jwt.encode(self.header | {"alg": "RS256"}, self.claims, key, algorithms=["RS256"])

    def by_hand(self, key: OKPKey, alg: str) -> str:
        """Signed well with this key: the library refuses to, by a name that is not the key's."""
        signed = f"{segment(self.header | {'alg': alg})}.{self.body}"
        signer: Any = key.get_op_key("sign")
        return f"{signed}.{encoded(signer.sign(signed.encode()))}"

    def hs256(self, secret: bytes) -> str:
        """By hand: the library refuses to take a public key for a secret."""
        signed = f"{segment(self.header | {'alg': 'HS256'})}.{self.body}"
        return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), 'sha256'))}"

    def public_key(self, encoding: Encoding, form: PublicFormat) -> bytes:
        key = self.issuer.keys[-1].public_key
        assert isinstance(key, Ed25519PublicKey)
        return key.public_bytes(encoding, form)

    @property
    def jwk(self) -> dict[str, Any]:
        return dict(self.key.as_dict(private=False))


FORGERIES: dict[str, Callable[[Forger], str]] = {
    "alg none": lambda f: f.headed(f.header | {"alg": "none"}, ""),
    "alg none, old signature": lambda f: f.headed(f.header | {"alg": "none"}),
    "alg None": lambda f: f.headed(f.header | {"alg": None}),
    "alg missing": lambda f: f.headed({"typ": "at+jwt", "kid": f.header["kid"]}),
    "the old name, which leaves the curve open": lambda f: f.by_hand(f.issuer.keys[-1], "EdDSA"),
    "RSA under our kid": lambda f: f.rsa(),
    "HS256, raw public key": lambda f: f.hs256(f.public_key(Encoding.Raw, PublicFormat.Raw)),
    "HS256, PEM public key": lambda f: f.hs256(
        f.public_key(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    ),
    "HS256, JWK": lambda f: f.hs256(json.dumps(f.issuer.keys[-1].as_dict(private=False)).encode()),
    "another's key under our kid": lambda f: f.mine(),
    "Ed448 under our kid": lambda f: f.by_hand(OKPKey.generate_key("Ed448"), "Ed25519"),
    "another's jwk in the header": lambda f: f.mine(jwk=f.jwk),
    "good, with jku": lambda f: f.issuer.sign(f.claims, jku="https://evil.example/keys"),
    "good, with x5u": lambda f: f.issuer.sign(f.claims, x5u="https://evil.example/cert"),
    "good, with crit b64": lambda f: f.issuer.sign(f.claims, crit=["b64"], b64=True),
    "unknown crit": lambda f: f.headed(f.header | {"crit": ["exp"], "exp": 1}),
    "kid missing": lambda f: f.headed({"alg": "Ed25519", "typ": "at+jwt"}),
    "kid a path": lambda f: f.mine(kid="../../dev/null"),
    "kid a list": lambda f: f.headed(f.header | {"kid": [f.header["kid"]]}),
    "ID token": lambda f: f.issuer.sign(f.claims, typ="JWT"),
    "typ missing": lambda f: f.headed({"alg": "Ed25519", "kid": f.header["kid"]}),
    "body changed": lambda f: f"{f.head}.{segment(f.claims | {'role': 'owner'})}.{f.signature}",
    "signature cut": lambda f: f"{f.head}.{f.body}.{f.signature[:-4]}",
    "signature missing": lambda f: f"{f.head}.{f.body}.",
    "two parts": lambda f: f"{f.head}.{f.body}",
    "body not base64": lambda f: f"{f.head}.%%%.{f.signature}",
    "header not JSON": lambda f: f"{f.head[:-3]}.{f.body}.{f.signature}",
    "header a list": lambda f: f"{segment([1])}.{f.body}.{f.signature}",
    "not ASCII": lambda f: "ä.ö.ü",
    "lone surrogate": lambda f: "\udc80.a.b",
    "NUL": lambda f: "\x00",
    "empty": lambda f: "",
    "huge header": lambda f: f.headed(f.header | {"kid": "k" * 2000}),
    "iss wrong": lambda f: f.claiming(iss="freelanceflow.evil"),
    "aud wrong": lambda f: f.claiming(aud="freelanceflow-services"),
    "aud a list with ours": lambda f: f.claiming(aud=["freelanceflow", "other"]),
    "exp text": lambda f: f.claiming(exp=str(f.now + 600)),
    "exp not a number": lambda f: f.claiming(exp=float("nan")),
    "exp true": lambda f: f.claiming(exp=True),
    "lives too long": lambda f: f.claiming(exp=f.now + 601),
    "from the future": lambda f: f.claiming(iat=f.now + 60, exp=f.now + 600),
    "not yet": lambda f: f.claiming(nbf=f.now + 60),
    "sub no id": lambda f: f.claiming(sub="root"),
    "ws a number": lambda f: f.claiming(ws=7),
    "sid empty": lambda f: f.claiming(sid=""),
    **{
        f"{name} missing": lambda f, name=name: f.without(name)  # type: ignore[misc]
        for name in ("iss", "aud", "sub", "ws", "sid", "role", "iat", "exp", "jti")
    },
}


async def test_what_the_forger_starts_from_is_good(verifier: TokenVerifier, issuer: Issuer) -> None:
    forger = Forger(issuer)
    await verifier.verify(bearer(f"{forger.head}.{forger.body}.{forger.signature}"))


@pytest.mark.parametrize("name", FORGERIES)
async def test_forgeries(verifier: TokenVerifier, issuer: Issuer, name: str) -> None:
    with pytest.raises(TokenInvalid):
        await verifier.verify(bearer(FORGERIES[name](Forger(issuer))))


async def test_a_service_credential_is_no_user_and_the_other_way_round(
    published: Published, issuer: Issuer, clock: FakeClock
) -> None:
    services = TokenVerifier(
        published,
        revocations=Revocations(issuer.is_active),
        clock=clock,
        audience="freelanceflow-services",
    )
    credential = issuer.sign(issuer.claims(aud="freelanceflow-services"))
    await services.verify(bearer(credential))
    with pytest.raises(TokenInvalid):
        await services.verify(bearer(issuer.sign(issuer.claims())))


async def test_a_token_ends_thirty_seconds_after_its_time(
    verifier: TokenVerifier, issuer: Issuer, clock: FakeClock
) -> None:
    seen, unseen = (bearer(issuer.sign(issuer.claims())) for _ in range(2))
    await verifier.verify(seen)
    clock.advance(timedelta(seconds=629))
    await verifier.verify(seen)
    clock.advance(timedelta(seconds=1))
    for token in (seen, seen, unseen):
        with pytest.raises(TokenExpired):
            await verifier.verify(token)


async def test_a_known_token_is_not_checked_again(verifier: TokenVerifier, issuer: Issuer) -> None:
    token = bearer(issuer.sign(issuer.claims()))
    first = await verifier.verify(token)
    assert await verifier.verify(token) is first


async def test_the_memory_of_tokens_is_bounded(
    verifier: TokenVerifier, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "KEEP_VERIFIED", 2)
    old, used, new = (bearer(issuer.sign(issuer.claims())) for _ in range(3))
    first = await verifier.verify(old)
    second = await verifier.verify(used)
    await verifier.verify(new)
    assert await verifier.verify(used) is second
    assert await verifier.verify(old) is not first


async def test_an_ended_session_is_refused_though_the_token_is_known(
    issuer: Issuer, clock: FakeClock
) -> None:
    revocations = Revocations(issuer.is_active)
    verifier = TokenVerifier(issuer.jwks, revocations=revocations, clock=clock)
    token = bearer(issuer.sign(issuer.claims()))
    principal = await verifier.verify(token)
    revocations.revoke(principal.session_id)
    with pytest.raises(SessionRevoked):
        await verifier.verify(token)


async def test_keys_rotate_without_a_false_refusal(
    verifier: TokenVerifier, issuer: Issuer, published: Published, clock: FakeClock
) -> None:
    for _ in range(5):
        before = bearer(issuer.sign(issuer.claims()))
        issuer.rotate()
        clock.advance(timedelta(seconds=61))
        after = bearer(issuer.sign(issuer.claims()))
        await asyncio.gather(*(verifier.verify(token) for token in (before, after) * 20))
    assert published.asked <= 6


async def test_a_thousand_made_up_keys_are_asked_for_once_a_minute(
    verifier: TokenVerifier, issuer: Issuer, published: Published, clock: FakeClock
) -> None:
    async def made_up(number: int) -> None:
        with pytest.raises(TokenInvalid):
            await verifier.verify(bearer(issuer.sign(issuer.claims(), kid=f"bogus-{number}")))

    await asyncio.gather(*(made_up(number) for number in range(1000)))
    assert published.asked == 1
    clock.advance(timedelta(seconds=59))
    await made_up(0)
    assert published.asked == 1
    clock.advance(timedelta(seconds=1))
    await made_up(0)
    assert published.asked == 2
    await verifier.verify(bearer(issuer.sign(issuer.claims())))


async def test_a_retired_key_is_forgotten_with_what_it_signed(
    verifier: TokenVerifier, issuer: Issuer, clock: FakeClock
) -> None:
    await verifier.verify(bearer(issuer.sign(issuer.claims())))
    clock.advance(timedelta(seconds=500))
    old = bearer(issuer.sign(issuer.claims()))
    await verifier.verify(old)
    issuer.rotate()
    del issuer.keys[0]
    clock.advance(timedelta(seconds=100))
    await verifier.verify(bearer(issuer.sign(issuer.claims())))
    with pytest.raises(TokenInvalid):
        await verifier.verify(old)


async def test_without_keys_nothing_is_said_about_a_token(
    verifier: TokenVerifier, issuer: Issuer, published: Published, clock: FakeClock
) -> None:
    token = bearer(issuer.sign(issuer.claims()))
    published.down = True
    with pytest.raises(KeysUnavailable):
        await verifier.verify(token)
    published.down = False
    with pytest.raises(KeysUnavailable):  # asked a moment ago
        await verifier.verify(token)
    clock.advance(timedelta(seconds=1))
    await verifier.verify(token)


async def test_known_keys_stand_while_auth_is_away(
    verifier: TokenVerifier, issuer: Issuer, published: Published, clock: FakeClock
) -> None:
    await verifier.verify(bearer(issuer.sign(issuer.claims())))
    published.down = True
    clock.advance(timedelta(seconds=3600))
    await verifier.verify(bearer(issuer.sign(issuer.claims())))
    assert published.asked == 2


async def test_keys_for_others_are_passed_over(issuer: Issuer, clock: FakeClock) -> None:
    async def mixed() -> Mapping[str, Any]:
        ours = issuer.keys[0].as_dict(private=False)
        return {
            "keys": [
                RSAKey.generate_key(2048, {"kid": "rsa"}).as_dict(private=False),
                {**ours, "kid": "encryption", "use": "enc"},
                {key: value for key, value in ours.items() if key != "kid"},
                ours,
            ]
        }

    verifier = TokenVerifier(mixed, revocations=Revocations(issuer.is_active), clock=clock)
    await verifier.verify(bearer(issuer.sign(issuer.claims())))
    with pytest.raises(TokenInvalid):
        await verifier.verify(bearer(issuer.sign(issuer.claims(), kid="encryption")))
