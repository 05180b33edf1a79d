"""In by Google: led there and back, and what is said when it does not work."""

from types import SimpleNamespace
from urllib.parse import quote

import pytest

from freelanceflow.auth.v1.auth_service_pb2 import TokenPair
from freelanceflow.auth.v1.google_service_pb2 import (
    DisconnectGoogleRequest,
    DisconnectGoogleResponse,
    GoogleSignIn,
    ListGoogleAccountsResponse,
    StartGoogleSignInRequest,
    StartGoogleSignInResponse,
)
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError
from services.gateway.tests.unit.pages.conftest import Site

BACK = "/auth/google/callback?state=s&code=c"
TOKENS = TokenPair(access_token="a", refresh_token="r", refresh_expires_in=60)


@pytest.fixture
def google(site: Site) -> SimpleNamespace:
    """What auth answers about Google."""
    site.sign_out()
    peer: SimpleNamespace = site.neighbours.google
    peer.answers["StartGoogleSignIn"] = StartGoogleSignInResponse(
        authorization_url="https://accounts.example/ask?client_id=x", browser_secret="s3cret"
    )
    return peer


async def test_it_is_offered_where_people_come_in(site: Site, google: SimpleNamespace) -> None:
    page = await site.get("/sign-in?next=%2Fdeals%3Fq%3Da")
    assert 'href="/auth/google/start?next=%2Fdeals%3Fq%3Da"' in page.text
    assert "Continue with Google" in (await site.get("/register")).text


async def test_the_browser_is_sent_away_with_a_secret(site: Site, google: SimpleNamespace) -> None:
    answer = await site.get("/auth/google/start?next=/clients")
    assert answer.status == 303
    assert answer.headers["location"] == "https://accounts.example/ask?client_id=x"
    cookie = answer.headers["set-cookie"]
    assert "ff_google=s3cret" in cookie
    assert {"HttpOnly", "SameSite=lax", "Max-Age=600"} <= set(cookie.split("; "))
    assert google.asked[-1] == StartGoogleSignInRequest(
        redirect_uri="http://localhost/auth/google/callback", following="/clients"
    )
    await site.get("/auth/google/start?next=" + quote("//elsewhere.example"))
    assert google.asked[-1].following == "/"
    await site.get("/auth/google/start?next=/" + "a" * 2000)
    assert google.asked[-1].following == "/"


async def test_whoever_is_known_is_in(site: Site, google: SimpleNamespace) -> None:
    google.answers["FinishGoogleSignIn"] = GoogleSignIn(tokens=TOKENS, following="/clients")
    answer = await site.get(BACK, cookie="ff_google=s3cret")
    assert (answer.status, answer.headers["location"]) == (303, "/clients")
    asked = google.asked[-1]
    assert (asked.browser_secret, asked.state, asked.code) == ("s3cret", "s", "c")
    google.answers["FinishGoogleSignIn"] = GoogleSignIn(tokens=TOKENS, following="//elsewhere")
    assert (await site.get(BACK)).headers["location"] == "/"


async def test_a_newcomer_makes_an_account(site: Site, google: SimpleNamespace) -> None:
    google.answers["FinishGoogleSignIn"] = GoogleSignIn(
        ticket="t1cket", email="ada@example.com", name="<b>Ada"
    )
    page = await site.get(BACK)
    assert page.status == 200
    assert 'name="ticket" value="t1cket"' in page.text
    assert page.headers["referrer-policy"] == "strict-origin"  # the code is in its address
    assert "<b>Ada" not in page.text
    google.answers["RegisterWithGoogle"] = RemoteError(
        ErrorKind.INVALID, "NAME_MISSING", "", fields={"name": "Give a name."}
    )
    form = {"ticket": "t1cket", "email": "ada@example.com", "name": "", "currency_code": "CHF"}
    form["time_zone"] = "Europe/Zurich"
    refused = await site.post("/auth/google/register", form)
    assert (refused.status, "Give a name." in refused.text) == (422, True)
    assert 'name="ticket" value="t1cket"' in refused.text
    google.answers["RegisterWithGoogle"] = TOKENS
    answer = await site.post("/auth/google/register", form | {"name": "Ada"})
    assert (answer.status, answer.headers["location"]) == (303, "/")
    asked = google.asked[-1]
    assert (asked.name, asked.currency_code, asked.time_zone) == ("Ada", "CHF", "Europe/Zurich")
    await site.post("/auth/google/register", form | {"time_zone": "Moon/Base"})
    assert google.asked[-1].time_zone == ""


async def test_a_known_address_is_connected_by_its_password(
    site: Site, google: SimpleNamespace
) -> None:
    google.answers["FinishGoogleSignIn"] = GoogleSignIn(
        ticket="t1cket", email="ada@example.com", address_known=True, following="/clients"
    )
    page = await site.get(BACK)
    assert "ada@example.com has an account here" in page.text
    google.answers["ConnectGoogle"] = RemoteError(
        ErrorKind.UNAUTHENTICATED, "CREDENTIALS_WRONG", "E-mail address or password is wrong."
    )
    form = {"ticket": "t1cket", "next": "/clients", "email": "ada@example.com", "password": " p "}
    refused = await site.post("/auth/google/connect", form)
    assert (refused.status, "not the password of your account" in refused.text) == (401, True)
    google.answers["ConnectGoogle"] = TOKENS
    answer = await site.post("/auth/google/connect", form)
    assert (answer.status, answer.headers["location"]) == (303, "/clients")
    assert google.asked[-1].password == " p "


@pytest.mark.parametrize(
    ("kind", "status"), [(ErrorKind.NOT_FOUND, 400), (ErrorKind.UNAVAILABLE, 503)]
)
async def test_what_goes_wrong_is_said_beside_the_other_ways_in(
    site: Site, google: SimpleNamespace, kind: ErrorKind, status: int
) -> None:
    refusal = RemoteError(kind, "ANY", "It did not work.")
    for method in ("FinishGoogleSignIn", "StartGoogleSignIn", "ConnectGoogle"):
        google.answers[method] = refusal
    for answer in (
        await site.get(BACK),
        await site.get("/auth/google/start"),
        await site.post("/auth/google/connect", {"ticket": "t"}),
    ):
        assert (answer.status, "It did not work." in answer.text) == (status, True)
        assert "Continue with Google" in answer.text
    changed_mind = await site.get("/auth/google/callback?error=access_denied&state=s")
    assert "You did not sign in with Google." in changed_mind.text


async def test_a_connected_account_is_shown_and_taken_away(site: Site) -> None:
    peer = site.neighbours.google
    page = await site.get("/settings")
    assert "<script>alert" not in page.text
    assert "Disconnect Google" in page.text
    peer.answers["DisconnectGoogle"] = RemoteError(
        ErrorKind.UNAUTHENTICATED, "CREDENTIALS_WRONG", "E-mail address or password is wrong."
    )
    refused = await site.post("/settings/google/disconnect", {"password": "p"})
    assert (refused.status, "not the password of your account" in refused.text) == (422, True)
    peer.answers["DisconnectGoogle"] = DisconnectGoogleResponse()
    answer = await site.post("/settings/google/disconnect", {"password": "p"})
    assert (answer.status, answer.headers["location"]) == (303, "/settings?saved=google")
    sent = [asked for asked in peer.asked if isinstance(asked, DisconnectGoogleRequest)]
    assert [asked.password for asked in sent] == ["p", "p"]
    peer.answers["ListGoogleAccounts"] = ListGoogleAccountsResponse()
    assert "No Google account is connected." in (await site.get("/settings?saved=google")).text
