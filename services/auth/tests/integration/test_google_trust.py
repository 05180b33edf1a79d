"""What Google is said to have said: believed when it is signed, meant for us, and now."""

import asyncio
import gzip
import hashlib
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from freelanceflow.auth.v1 import google_service_pb2 as pb
from kit.clock import FakeClock
from kit.ids import new_id
from kit.rpc.client import Caller
from kit.testing.background import until
from services.auth.tests.browser import Browser
from services.auth.tests.factories import refused
from services.auth.tests.provider import PROGRAM, WEB, Claims, Forge, Provider, another_key

NOBODY = Request({"type": "http"})  # the provider answers everybody alike
VERIFIER = "a verifier that a program has made up for itself, forty-three and more"


@pytest.fixture
def google_settings(provider: Provider) -> dict[str, str]:
    return provider.settings


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
    "somebody without a name": _set(sub=""),
    "somebody whose name is no text": _set(sub=["1"]),
    "somebody who cannot be written down": _set(sub="1\0"),
    "somebody with a name too long": _set(sub="9" * 256),
    "parties": _set(azp=[WEB]),
    "addresses": _set(email=["ada@studio.example"]),
    "an address for two": _set(email="ada@studio.example\nbcc: eve@studio.example"),
    "a time before time": _set(exp=-1),
    "a time that is no number": _set(exp="tomorrow"),
    "rather much": _set(name="A" * 100_000),
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


async def test_a_key_has_one_name(ada: Browser) -> None:
    ada.provider.signed_with = b"any"
    kids: list[object] = [["one"], {}, 1, None]
    for kid in kids:
        ada.provider.forge = _headed(kid=kid)
        assert await refused(ada.sign_in()) == "GOOGLE_REFUSED"


async def test_a_name_is_what_can_be_written_down(ada: Browser) -> None:
    ada.claims["name"] = "Ada\u3000Qu\0ill\u202e"
    assert (await ada.sign_in()).name == "Ada Quill"
    ada.claims["name"] = None
    assert (await ada.sign_in()).name == ""


async def test_an_address_that_only_looks_alike_is_another(
    ada: Browser, caller: Caller, provider: Provider
) -> None:
    """These two are registered apart, with one sharp s or with two."""
    name = new_id().hex
    ada.claims["email"] = f"{name}@strasse.example"
    await ada.settle()
    eve = Browser(caller, provider, sub=new_id().hex, email=f"{name}@xn--strae-oqa.example")
    answer = await eve.sign_in()
    assert (answer.email, answer.address_known) == (f"{name}@straße.example", False)


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
    clock.advance(timedelta(seconds=3))
    back = ada.provider.agree(await ada.begin(), **ada.claims)
    ada.provider.broken = True
    clock.advance(timedelta(minutes=9, seconds=59))
    assert (await ada.finish(**back)).ticket  # what it has said of itself is kept for an hour


NO_ANSWERS = {
    "elsewhere": RedirectResponse("/elsewhere", 307),
    "no object": JSONResponse([]),
    "no JSON": HTMLResponse("<h1>Sign in to the hotel's network</h1>"),
    "not what was asked": JSONResponse({"issuer": 1, "keys": [1], "expires_in": [1]}),
}


@pytest.mark.parametrize(
    "place", ["/.well-known/openid-configuration", "/token_endpoint", "/jwks_uri"]
)
@pytest.mark.parametrize("answer", NO_ANSWERS)
async def test_what_is_no_answer_leads_nowhere(ada: Browser, place: str, answer: str) -> None:
    ada.provider.instead[place] = NO_ANSWERS[answer]
    ada.provider.instead["/elsewhere"] = JSONResponse({}, 500)  # nobody goes there
    assert await refused(ada.sign_in()) == "GOOGLE_UNAVAILABLE"


@pytest.mark.parametrize("form", ["as it is", "far too long", "packed"])
async def test_only_short_answers_are_read(ada: Browser, form: str) -> None:
    """All that is wrong with the others is how long they are, or may become."""
    content = bytes((await ada.provider.metadata(NOBODY)).body)
    if form == "far too long":
        content += b" " * 600_000
    headers = {"content-encoding": "gzip"} if form == "packed" else {}
    content = gzip.compress(content) if form == "packed" else content
    place = "/.well-known/openid-configuration"
    ada.provider.instead[place] = Response(content, headers=headers)
    if form == "as it is":
        assert await ada.begin()
    else:
        assert await refused(ada.begin()) == "GOOGLE_UNAVAILABLE"


async def test_many_who_wait_ask_once(ada: Browser, clock: FakeClock) -> None:
    provider, asked, over = ada.provider, 0, asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal asked
        asked += 1
        await over.wait()
        answer = Response(status_code=503) if provider.broken else await provider.metadata(NOBODY)
        await answer(scope, receive, send)

    provider.instead["/.well-known/openid-configuration"] = slow
    provider.broken = True
    waiting = [asyncio.create_task(refused(ada.begin())) for _ in range(20)]
    await until(lambda: asked == 1)
    over.set()
    assert set(await asyncio.gather(*waiting)) == {"GOOGLE_UNAVAILABLE"}
    assert await refused(ada.begin()) == "GOOGLE_UNAVAILABLE"
    assert asked == 1, "nor does anybody else for a moment"
    provider.broken = False
    clock.advance(timedelta(seconds=3))
    urls = await asyncio.gather(*(ada.begin() for _ in range(20)))
    assert (len(urls), asked) == (20, 2)


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

    @pytest.mark.parametrize("client_id", ["theirs.example", WEB, ""])
    async def test_anybody_elses_program_is_refused_and_so_is_the_webs(
        self, ada: Browser, client_id: str
    ) -> None:
        """The web's code is good in the browser that asked for it, and with our secret only."""
        assert await refused(self.exchange(ada, client_id=client_id)) == "CLIENT_UNKNOWN"

    async def test_a_code_without_its_verifier_is_worth_nothing(self, ada: Browser) -> None:
        assert await refused(self.exchange(ada, verifier="guessed")) == "GOOGLE_REFUSED"
