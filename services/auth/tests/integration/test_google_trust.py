"""What Google is said to have said: believed when it is signed, meant for us, and now."""

import hashlib
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any

import pytest

from freelanceflow.auth.v1 import google_service_pb2 as pb
from kit.clock import FakeClock
from kit.errors import DomainError
from services.auth.tests.browser import Browser
from services.auth.tests.provider import PROGRAM, WEB, Claims, Forge, Provider, another_key

VERIFIER = "a verifier that a program has made up for itself, forty-three and more"


@pytest.fixture
def google_settings(provider: Provider) -> dict[str, str]:
    return provider.settings


async def refused(work: object) -> str:
    with pytest.raises(DomainError) as refusal:
        await work  # type: ignore[misc]
    return refusal.value.reason


def _set(**over: Any) -> Forge:
    return lambda claims, header: claims.update(over)


def _without(*names: str) -> Forge:
    def forge(claims: Claims, header: dict[str, Any]) -> None:
        for name in names:
            del claims[name]

    return forge


def _headed(**over: Any) -> Forge:
    return lambda claims, header: header.update(over)


LIES = {
    "no algorithm": _headed(alg="none"),
    "another algorithm": _headed(alg="RS512"),
    "another issuer": _set(iss="https://accounts.google.example"),
    "another audience": _set(aud="somebody-else.example"),
    "another audience, ours as the party": _set(aud="somebody-else.example", azp=WEB),
    "a further audience": _set(aud=[WEB, "somebody-else.example"]),
    "another party": _set(azp="somebody-else.example"),
    "another nonce": _set(nonce="another"),
    "no nonce": _without("nonce"),
    "no nonce, as it cannot": _set(nonce="another", nonce_supported=False),
    "too old": lambda claims, header: claims.update(exp=claims["iat"] - 31),
    "made in an hour": lambda claims, header: claims.update(iat=claims["iat"] + 3600),
    "endless": _without("exp"),
    "nobody": _without("sub"),
    "no address": _without("email"),
    "an unknown key": _headed(kid="three"),
    "a key it brings along": _headed(jwk={"kty": "oct", "k": "AAAA"}),
    "a key elsewhere": _headed(jku="https://keys.example"),
}


@pytest.mark.filterwarnings("ignore:JWS algorithm")
@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_is_not_believed(ada: Browser, lie: str) -> None:
    ada.provider.forge = LIES[lie]
    assert await refused(ada.sign_in()) == "GOOGLE_REFUSED"


async def test_a_public_key_is_no_secret(ada: Browser) -> None:
    ada.provider.signed_with = ada.provider.key.as_pem(private=False)
    ada.provider.forge = _headed(alg="HS256")
    assert await refused(ada.sign_in()) == "GOOGLE_REFUSED"


async def test_a_signature_by_another_key_is_worth_nothing(ada: Browser) -> None:
    ada.provider.signed_with = another_key()
    assert await refused(ada.sign_in()) == "GOOGLE_REFUSED"


async def test_keys_change_and_made_up_ones_are_not_looked_for_each_time(
    ada: Browser, clock: FakeClock
) -> None:
    provider = ada.provider
    assert (await ada.sign_in()).ticket
    provider.forge = _headed(kid="three")
    for _ in range(5):
        assert await refused(ada.sign_in()) == "GOOGLE_REFUSED"
    assert provider.asked_for_keys == 1
    clock.advance(timedelta(minutes=2))
    provider.forge, provider.key = _set(), another_key()
    provider.published = [provider.key]
    assert (await ada.sign_in()).ticket
    assert provider.asked_for_keys == 2


async def test_a_code_of_another_sign_in_is_refused(ada: Browser, provider: Provider) -> None:
    stolen = provider.agree(await ada.begin(), **ada.claims)
    mine = provider.agree(await ada.begin(), **ada.claims)
    swapped = ada.finish(code=stolen["code"], state=mine["state"])
    assert await refused(swapped) == "GOOGLE_REFUSED"


async def test_a_provider_that_is_away_is_said_to_be(ada: Browser, clock: FakeClock) -> None:
    ada.provider.broken = True
    assert await refused(ada.begin()) == "GOOGLE_UNAVAILABLE"
    ada.provider.broken = False
    back = ada.provider.agree(await ada.begin(), **ada.claims)
    ada.provider.broken = True
    clock.advance(timedelta(minutes=9, seconds=59))
    assert (await ada.finish(**back)).ticket  # what it has said of itself is kept for an hour


class TestPrograms:
    async def exchange(
        self, ada: Browser, *, aud: str = "", verifier: str = VERIFIER, client_id: str = PROGRAM
    ) -> pb.GoogleSignIn:
        challenge = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()
        asked = (
            f"https://x/?client_id={client_id}&redirect_uri=com.example:/back&nonce=n-1"
            f"&code_challenge_method=S256&code_challenge={challenge.rstrip('=')}"
        )
        over = {"aud": aud} if aud else {}
        code = ada.provider.agree(asked, **ada.claims, **over)["code"]
        request = pb.ExchangeGoogleCodeRequest(
            code=code,
            code_verifier=verifier,
            redirect_uri="com.example:/back",
            client_id=client_id,
            nonce="n-1",
            device="Pixel",
        )
        return await ada.call(ada.google.ExchangeGoogleCode, request)

    async def test_a_program_brings_a_code_of_its_own(self, ada: Browser) -> None:
        settled = await ada.settle()
        answer = await self.exchange(ada)
        assert answer.tokens.user_id == settled.tokens.user_id

    async def test_a_program_may_ask_for_the_webs_token(self, ada: Browser) -> None:
        assert (await self.exchange(ada, aud=WEB)).ticket

    async def test_anybody_elses_program_is_refused(self, ada: Browser) -> None:
        assert await refused(self.exchange(ada, client_id="theirs.example")) == "CLIENT_UNKNOWN"

    async def test_a_code_without_its_verifier_is_worth_nothing(self, ada: Browser) -> None:
        assert await refused(self.exchange(ada, verifier="guessed")) == "GOOGLE_REFUSED"
