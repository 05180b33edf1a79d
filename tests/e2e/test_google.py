"""In by a Google account, whose provider is this machine's own."""

from base64 import urlsafe_b64encode
from hashlib import sha256
from urllib.parse import urlencode

import httpx
import pytest
from playwright.async_api import expect

from services.auth.tests.provider import PROGRAM, Provider
from tests.e2e.support.api import PASSWORD, Person, register, some_email
from tests.e2e.support.browsing import Open, Visit
from tests.e2e.test_two_step import code_of

VERIFIER = "a-verifier-that-a-program-has-made-up-for-itself"


async def exchanged(http: httpx.AsyncClient, provider: Provider, email: str) -> httpx.Response:
    """What a program is answered that has asked the provider itself."""
    challenge = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
    given = {"redirect_uri": "com.example:/back", "client_id": PROGRAM, "nonce": "n-1"}
    asked = {**given, "code_challenge_method": "S256", "code_challenge": challenge}
    claims = {"sub": email, "email": email, "email_verified": True, "name": "Ada Quill"}
    code = provider.agree(f"https://x/?{urlencode(asked)}", **claims)["code"]
    body = {**given, "code": code, "code_verifier": VERIFIER}
    return await http.post("/api/v1/auth/google/token", json=body)


async def agree(visit: Visit, email: str, name: str = "Ada Quill") -> None:
    """From the sign-in to Google, and yes to all it asks."""
    await visit.page.get_by_role("link", name="Continue with Google").click()
    await visit.page.get_by_label("Address").fill(email)
    await visit.page.get_by_label("Name").fill(name)
    await visit.page.get_by_role("button", name="Continue").click()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
async def test_a_newcomer_is_asked_once_and_known_from_then_on(
    visit: Open, *, scripts: bool
) -> None:
    here, email = await visit(java_script_enabled=scripts), some_email("ada")
    await here.page.goto(f"{here.url}/clients")
    if scripts:
        await here.shot("sign-in-google-1440-light")
    await agree(here, email)
    await expect(here.page.get_by_role("heading", name="Make an account")).to_be_visible()
    await expect(here.page.get_by_label("Your name")).to_have_value("Ada Quill")
    if scripts:
        await here.shot("google-newcomer-1440-light")
    await here.page.get_by_label("Workspace").fill("Quill & Co.")
    await here.page.get_by_role("button", name="Make account").click()
    await expect(here.page.locator(".brand-name")).to_have_text("Quill & Co.")
    await here.page.get_by_role("button", name="Sign out").click()
    await expect(here.page.get_by_text("You are signed out.")).to_be_visible()
    await here.page.goto(f"{here.url}/clients")
    await agree(here, email)
    await expect(here.page).to_have_title("Clients · FreelanceFlow")


async def test_an_account_is_connected_by_its_password_and_parted_by_it(
    visit: Open, owner: Person
) -> None:
    here = await visit()
    await here.open("/sign-in")
    await agree(here, owner.email)
    await expect(here.page.get_by_text(f"{owner.email} has an account here.")).to_be_visible()
    here.expect_status(401)
    await here.page.get_by_label("Password", exact=True).fill("not the password at all")
    await here.page.get_by_role("button", name="Connect and sign in").click()
    await expect(here.page.get_by_role("alert")).to_contain_text("not the password")
    await here.shot("google-known-1440-light")
    await here.page.get_by_label("Password", exact=True).fill(PASSWORD)
    await here.page.get_by_role("button", name="Connect and sign in").click()
    await expect(here.page).to_have_title("Today · FreelanceFlow")
    entries = (await owner.get("/audit"))["items"]
    assert "auth.identity.v1.connected" in {entry["type"] for entry in entries}
    await here.open("/settings")
    box = here.page.get_by_role("region", name="Sign-in with Google")
    await expect(box).to_contain_text(owner.email)
    await box.scroll_into_view_if_needed()
    await here.shot("settings-google-1440-light")
    await box.get_by_label("Password", exact=True).fill(PASSWORD)
    await box.get_by_role("button", name="Disconnect Google").click()
    await expect(here.page.get_by_text("Google no longer lets you in.")).to_be_visible()


async def test_a_program_brings_a_code_of_its_own(
    http: httpx.AsyncClient, provider: Provider
) -> None:
    person = await register(http, "Ada")
    secret = (await person.post("/auth/totp", {"password": PASSWORD}, 201))["secret"]
    paper = (await person.post("/auth/totp/confirm", {"code": code_of(secret)}))["recovery_codes"]
    known = await exchanged(http, provider, person.email)
    assert (known.status_code, known.json()["address_known"]) == (202, True)
    form = {"ticket": known.json()["ticket"], "password": PASSWORD}
    asks = await http.post("/api/v1/auth/google/connect", json=form)
    assert (asks.status_code, asks.json()["reason"]) == (401, "CODE_NEEDED")
    entered = await http.post("/api/v1/auth/google/connect", json=form | {"code": paper[0]})
    assert entered.status_code == 200, entered.text
    again = await exchanged(http, provider, person.email)
    assert (again.status_code, again.json().keys()) == (200, {"mfa_required", "challenge"})
    email = some_email("eve")
    new = (await exchanged(http, provider, email)).json()
    assert (new["email"], new["address_known"]) == (email, False)
    form = {"ticket": new["ticket"], "name": "Eve"}
    settled = await http.post("/api/v1/auth/google/register", json=form)
    assert settled.status_code == 201, settled.text
    person.token = settled.json()["access_token"]
    accounts = (await person.get("/me/google-accounts"))["items"]
    assert [account["email"] for account in accounts] == [email]


async def test_a_change_of_mind_and_another_browser_let_nobody_in(
    visit: Open, provider: Provider
) -> None:
    here = await visit()
    await here.open("/sign-in")
    await here.page.get_by_role("link", name="Continue with Google").click()
    await here.page.get_by_role("link", name="Cancel").click()
    await expect(here.page.get_by_text("You did not sign in with Google.")).to_be_visible()
    async with httpx.AsyncClient(base_url=here.url) as one, httpx.AsyncClient() as other:
        sent = await one.get("/auth/google/start")
        email = some_email("eve")
        claims = {"sub": email, "email": email, "email_verified": True}
        back = provider.agree(sent.headers["location"], **claims)
        crossed = await other.get(f"{here.url}/auth/google/callback", params=back)
        assert crossed.status_code == 400
        assert "ff_access" not in crossed.headers.get("set-cookie", "")
        mine = await one.get("/auth/google/callback", params=back)
        assert (mine.status_code, email in mine.text) == (200, True)
