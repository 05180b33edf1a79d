"""The second step: asked for, set up, and said when it does not work."""

from types import SimpleNamespace

import pytest

from freelanceflow.auth.v1.auth_service_pb2 import TokenPair
from freelanceflow.auth.v1.google_service_pb2 import GoogleSignIn
from freelanceflow.auth.v1.two_step_service_pb2 import (
    EndTwoStepResponse,
    RecoveryCodes,
    StartTwoStepResponse,
    TwoStep,
)
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
from services.gateway.tests.unit.pages.conftest import Site
from services.gateway.tests.unit.pages.factories import ago

TOKENS = TokenPair(access_token="a", refresh_token="r", refresh_expires_in=60)
SECRET = StartTwoStepResponse(secret="JBSWY3DP", uri="otpauth://totp/F:m?secret=JBSWY3DP")


def wrong(reason: str, kind: ErrorKind = ErrorKind.UNAUTHENTICATED) -> RemoteError:
    return RemoteError(kind, reason, f"Said: {reason}.")


@pytest.fixture
def steps(site: Site) -> SimpleNamespace:
    """What auth answers about it."""
    peer: SimpleNamespace = site.neighbours.two_step
    peer.answers["GetTwoStep"] = TwoStep()
    return peer


async def test_a_code_is_asked_for_before_anybody_is_in(site: Site, steps: SimpleNamespace) -> None:
    site.sign_out()
    site.neighbours.auth.answers["LogIn"] = TokenPair(challenge="ch4llenge")
    waiting = {"sent_to": "/clients/new", "sent": "name=Mira"}
    form = {"email": "m@example.com", "password": "p", "next": "/clients"} | waiting
    page = await site.post("/sign-in", form)
    assert page.status == 200
    assert "set-cookie" not in page.headers
    for name, value in {"challenge": "ch4llenge", "next": "/clients", **waiting}.items():
        assert f'name="{name}" value="{value}"' in page.text
    answer = {"challenge": "ch4llenge", "code": "1", "next": "/clients"} | waiting
    steps.answers["AnswerChallenge"] = wrong("CODE_WRONG")
    refused = await site.post("/sign-in/code", answer)
    assert (refused.status, 'name="challenge" value="ch4llenge"' in refused.text) == (401, True)
    assert 'name="sent" value="name=Mira"' in refused.text
    steps.answers["AnswerChallenge"] = TOKENS
    entered = await site.post("/sign-in/code", answer)
    assert "You are signed in" in entered.text
    assert "ff_refresh=r" in entered.headers["set-cookie"]
    plain = await site.post("/sign-in/code", {"challenge": "c", "code": "1", "next": "//evil"})
    assert (plain.status, plain.headers["location"]) == (303, "/")
    steps.answers["AnswerChallenge"] = wrong("SIGN_IN_NOT_VALID", ErrorKind.NOT_FOUND)
    over = await site.post("/sign-in/code", answer)
    assert (over.status, "Said: SIGN_IN_NOT_VALID." in over.text) == (400, True)


async def test_each_way_in_leads_to_the_second_step(site: Site, steps: SimpleNamespace) -> None:
    site.sign_out()
    challenge = TokenPair(challenge="ch4llenge")
    site.neighbours.auth.answers["AcceptInvitation"] = challenge
    site.neighbours.google.answers["FinishGoogleSignIn"] = GoogleSignIn(tokens=challenge)
    for page in (
        await site.post("/join", {"token": "t", "password": "p"}),
        await site.get("/auth/google/callback?state=s&code=c"),
    ):
        assert 'name="challenge" value="ch4llenge"' in page.text
        assert "ff_access" not in page.headers.get("set-cookie", "")


async def test_google_is_connected_with_a_code_where_one_is_asked_for(site: Site) -> None:
    site.sign_out()
    google = site.neighbours.google
    google.answers["ConnectGoogle"] = wrong("CODE_NEEDED")
    form = {"ticket": "t", "email": "m@example.com", "password": "p"}
    asks = await site.post("/auth/google/connect", form)
    assert (asks.status, 'name="code"' in asks.text) == (401, True)
    google.answers["ConnectGoogle"] = TOKENS
    assert (await site.post("/auth/google/connect", form | {"code": "1"})).status == 303
    assert google.asked[-1].code == "1"


async def test_it_is_set_up_with_a_picture_and_a_code(site: Site, steps: SimpleNamespace) -> None:
    assert 'href="/settings/two-step"' in (await site.get("/settings")).text
    assert "Set it up" in (await site.get("/settings/two-step")).text
    steps.answers["StartTwoStep"] = wrong("CREDENTIALS_WRONG")
    refused = await site.post("/settings/two-step/start", {"password": "p"})
    assert (refused.status, "This is not your password." in refused.text) == (422, True)
    steps.answers["StartTwoStep"] = SECRET
    page = await site.post("/settings/two-step/start", {"password": " p "})
    assert steps.asked[-1].password != "p"
    assert '<img src="data:image/svg+xml' in page.text
    assert '<code class="break-all">JBSWY3DP</code>' in page.text
    form = {"secret": SECRET.secret, "uri": SECRET.uri, "code": "1"}
    steps.answers["ConfirmTwoStep"] = wrong("CODE_WRONG")
    again = await site.post("/settings/two-step/confirm", form)
    assert (again.status, "JBSWY3DP" in again.text) == (422, True)
    steps.answers["ConfirmTwoStep"] = RecoveryCodes(codes=["aaaa-bbbb", "cccc-dddd"])
    kept = await site.post("/settings/two-step/confirm", form)
    assert "<code>aaaa-bbbb</code>" in kept.text


async def test_it_is_managed_and_ended_by_the_password(site: Site, steps: SimpleNamespace) -> None:
    steps.answers["GetTwoStep"] = TwoStep(on=True, confirm_time=ago(days=3), recovery_codes_left=7)
    page = await site.get("/settings/two-step")
    assert "7 recovery codes are left" in page.text
    steps.answers["RenewRecoveryCodes"] = RecoveryCodes(codes=["eeee-ffff"])
    renewed = await site.post("/settings/two-step/codes", {"password": "p"})
    assert "eeee-ffff" in renewed.text
    assert "signed out" not in renewed.text
    steps.answers["EndTwoStep"] = wrong("TOO_MANY_ATTEMPTS", ErrorKind.EXHAUSTED)
    refused = await site.post("/settings/two-step/end", {"password": "p"})
    assert "Said: TOO_MANY_ATTEMPTS." in refused.text
    steps.answers["EndTwoStep"] = EndTwoStepResponse()
    answer = await site.post("/settings/two-step/end", {"password": "p"})
    assert answer.headers["location"] == "/settings/two-step?saved=off"


async def test_a_secret_waits_for_no_sign_in(site: Site) -> None:
    site.sign_out()
    form = {"secret": "JBSWY3DP", "uri": "otpauth://x", "code": "1"}
    page = await site.post("/settings/two-step/confirm", form)
    assert (page.status, "JBSWY3DP" in page.text) == (401, False)
