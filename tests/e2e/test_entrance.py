"""In and out: sign-in, registration, sign-out, and a session that is over."""

import json
from datetime import timedelta

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from playwright.async_api import expect

from kit.clock import SystemClock
from kit.rpc.tokens import ALGORITHM, ALGORITHMS, TYPE
from tests.e2e.support.api import PASSWORD, Person, invite, register, some_email
from tests.e2e.support.browsing import Open, Visit, sign_in
from tests.e2e.support.platform import Platform


async def fill(visit: Visit, email: str, password: str) -> None:
    """The sign-in form, sent."""
    await visit.page.get_by_label("E-mail").fill(email)
    await visit.page.get_by_label("Password", exact=True).fill(password)
    await visit.page.get_by_role("button", name="Sign in").click()


async def test_the_demo_person_signs_in_and_out(visit: Open, demo: Person) -> None:
    here = await visit()
    await here.open("/pipeline?q=gtx")
    await expect(here.page).to_have_title("Sign in · FreelanceFlow")
    await here.shot("sign-in-1440-light")
    here.expect_status(401)
    await fill(here, demo.email, "not the password at all")
    await expect(here.page.get_by_role("alert")).to_be_visible()
    await expect(here.page.get_by_label("E-mail")).to_have_value(demo.email)
    await fill(here, demo.email, demo.password)
    await expect(here.page).to_have_url(f"{here.url}/pipeline?q=gtx")
    cookies = {cookie["name"]: cookie for cookie in await here.page.context.cookies()}
    for name in ("ff_access", "ff_refresh"):
        assert cookies[name]["httpOnly"], name
        assert cookies[name]["sameSite"] == "Lax", name
    await here.page.get_by_role("button", name="Sign out").click()
    await expect(here.page.get_by_text("You are signed out.")).to_be_visible()
    await here.open("/pipeline")
    await expect(here.page).to_have_url(f"{here.url}/sign-in?next=%2Fpipeline")


async def test_registering_needs_no_mail_here(visit: Open) -> None:
    here = await visit(timezone_id="America/Sao_Paulo")
    await here.open("/register")
    await here.page.get_by_label("Your name").fill("Rita Register")
    await here.page.get_by_label("E-mail").fill(some_email("rita"))
    await here.page.get_by_label("Password", exact=True).fill("short")
    await here.page.get_by_role("button", name="Make account").click()
    # The browser itself holds back what is too short.
    await expect(here.page).to_have_url(f"{here.url}/register")
    await here.page.get_by_label("Password", exact=True).fill(PASSWORD)
    await here.page.get_by_label("Workspace").fill("Rita’s <b>studio</b>")
    await here.page.get_by_label("Currency").select_option("BRL")
    await here.shot("register-1440-light")
    await here.page.get_by_role("button", name="Make account").click()
    await expect(here.page).to_have_title("Today · FreelanceFlow")
    await expect(here.page.locator(".brand-name")).to_have_text("Rita’s <b>studio</b>")
    # Days begin where they do for whoever registers; who moves says so.
    await here.open("/settings/workspace")
    zone = here.page.get_by_label("Time zone")
    await expect(zone).to_have_value("America/Sao_Paulo")
    await expect(here.page.get_by_label("Currency")).to_have_value("BRL")
    await zone.select_option("Europe/Lisbon")
    await here.page.get_by_label("Name").fill("Rita in Lisbon")
    await here.page.get_by_role("button", name="Save workspace").click()
    await expect(here.page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    await expect(here.page.locator(".brand-name")).to_have_text("Rita in Lisbon")
    await expect(zone).to_have_value("Europe/Lisbon")


async def test_signing_in_works_without_scripts(visit: Open, owner: Person) -> None:
    here = await visit(java_script_enabled=False)
    await here.page.goto(f"{here.url}/pipeline")
    await fill(here, owner.email, owner.password)
    await expect(here.page).to_have_title("Pipeline · FreelanceFlow")
    await here.page.get_by_role("button", name="Sign out").click()
    await expect(here.page.get_by_text("You are signed out.")).to_be_visible()


async def test_one_person_goes_from_one_workspace_into_another(
    visit: Open, http: httpx.AsyncClient
) -> None:
    host, guest = await register(http, "Host"), await register(http, "Guest")
    asked = {"email": guest.email, "role": "viewer"}
    invitation = await host.post("/invitations", asked, 201)
    accepted = await http.post(
        "/api/v1/invitations/accept",
        json={"token": invitation["token"], "name": "Both", "password": PASSWORD},
    )
    assert accepted.status_code == 200, accepted.text
    names = {one["id"]: one["name"] for one in (await guest.get("/workspaces"))["items"]}
    assert set(names) == {host.workspace_id, guest.workspace_id}
    here = await visit(guest)
    await here.open("/workspaces")
    await here.shot("workspaces-1440-light")
    await here.page.get_by_role(
        "button", name=f"Enter {names[host.workspace_id]}", exact=True
    ).click()
    await expect(here.page).to_have_title("Today · FreelanceFlow")
    await expect(here.page.locator(".brand-name")).to_have_text(names[host.workspace_id])
    await here.page.get_by_title("switch workspace").click()
    marked = here.page.get_by_role("listitem").filter(has_text="You are here")
    await expect(marked).to_contain_text("Viewer")


async def test_members_are_taken_out_and_leave(visit: Open, owner: Person) -> None:
    admin, viewer = await invite(owner, "admin"), await invite(owner, "viewer")
    there = await visit(viewer)
    await there.open("/pipeline")
    await there.is_live()
    here = await visit(admin)
    await here.open("/settings/members")
    await here.page.locator(f'a[href$="/{viewer.user_id}/remove"]').click()
    await here.page.get_by_role("button", name="Remove").click()
    await expect(here.page.get_by_role("status").filter(has_text="Removed.")).to_be_visible()
    await expect(here.page.locator(".member-row")).to_have_count(2)
    assert (await viewer.request("GET", "/deals")).status_code == 401
    # Their window says so by itself, as soon as its stream ends.
    there.expect_status(401)
    there.expected.append("htmx: htmx:sse:error: SSE reconnect failed with status 401")
    await expect(there.page.locator(".signed-out-banner")).to_be_visible()
    await here.page.get_by_role("link", name="Leave").click()
    await here.page.get_by_role("button", name="Leave").click()
    await expect(here.page.get_by_text("You are signed out.")).to_be_visible()
    assert [one["role"] for one in (await owner.get("/members"))["items"]] == ["owner"]


async def test_a_token_that_timed_out_is_renewed_unseen(
    visit: Open, owner: Person, platform: Platform
) -> None:
    here = await visit()
    owner.token = timed_out(platform, owner.token)
    assert (await owner.request("GET", "/me")).json()["reason"] == "TOKEN_EXPIRED"
    await sign_in(here.page.context, here.url, owner)
    await here.open("/pipeline")
    await expect(here.page).to_have_title("Pipeline · FreelanceFlow")
    await here.is_live()
    access = {c["name"]: c["value"] for c in await here.page.context.cookies()}["ff_access"]
    assert access != owner.token
    await here.open("/clients")
    await expect(here.page).to_have_title("Clients · FreelanceFlow")


async def test_a_session_that_was_ended_asks_to_sign_in_again(visit: Open, owner: Person) -> None:
    deal = await owner.new_deal("Kept")
    here = await visit(owner)
    await here.open("/pipeline")
    await here.is_live()
    await owner.request("POST", "/auth/logout", json={"refresh_token": owner.refresh})

    here.expect_status(401)
    await here.card(deal).locator(".card-menu").click()
    await expect(here.page.locator(".signed-out-banner")).to_be_visible()
    await here.shot("signed-out-1440-light")
    async with here.page.expect_popup() as opened:
        await here.page.get_by_role("link", name="Sign in again").click()
    there = Visit(await opened.value, here.url)
    await fill(there, owner.email, owner.password)
    await expect(there.card(deal)).to_be_visible()
    # What was open beside it goes on where it was; its stream may have asked in between.
    here.expected.append("htmx: htmx:sse:error: SSE reconnect failed with status 401")
    await here.page.bring_to_front()
    await here.card(deal).locator(".card-menu").click()
    await expect(here.page.locator("#dialog")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
async def test_a_form_outlives_its_session(visit: Open, owner: Person, *, scripts: bool) -> None:
    here = await visit(owner, java_script_enabled=scripts)
    await here.page.goto(f"{here.url}/clients/new")
    await here.page.get_by_label("Name", exact=True).fill("Typed & kept <b>")
    await owner.request("POST", "/auth/logout", json={"refresh_token": owner.refresh})
    await here.page.context.clear_cookies()
    here.expect_status(401)
    await here.page.get_by_role("button", name="Add client").click()
    await expect(here.page.get_by_role("alert")).to_contain_text("what you typed is kept")
    for width in (390, 1280):
        await here.page.set_viewport_size({"width": width, "height": 900})
        await here.shot(f"sign-in-with-a-form-{width}-light")
    await fill(here, owner.email, owner.password)
    await expect(here.page.get_by_role("heading", name="You are signed in")).to_be_visible()
    await here.shot("signed-in-with-a-form-1280-light")
    await here.page.get_by_role("button", name="Send it again").click()
    await expect(here.page.get_by_role("heading", name="Typed & kept <b>").first).to_be_visible()


def timed_out(platform: Platform, token: str) -> str:
    """The same token as it will be when its time is over, signed with the platform's own key."""
    keys = KeySet.import_key_set(json.loads(platform.plan.signing_keys.read_text()))
    claims = jwt.decode(token, keys, registry=ALGORITHMS).claims
    past = SystemClock().now() - timedelta(minutes=11)
    claims |= {"iat": int(past.timestamp()), "exp": int((past + timedelta(minutes=10)).timestamp())}
    header = {"alg": ALGORITHM, "typ": TYPE, "kid": keys.keys[0].kid}
    return jwt.encode(header, claims, keys.keys[0], registry=ALGORITHMS)
