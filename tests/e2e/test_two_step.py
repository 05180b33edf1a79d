"""Signing in in two steps, with a phone's application beside the browser."""

import pyotp
import pytest
from playwright.async_api import expect

from kit.clock import SystemClock
from tests.e2e.support.api import PASSWORD, Person
from tests.e2e.support.browsing import Open, Visit


def code_of(seed: str, *, ahead: int = 0) -> str:
    """What the application shows now, or in some steps; each code lets in once."""
    return str(pyotp.TOTP(seed).at(SystemClock().now(), counter_offset=ahead))


async def first_step(visit: Visit, person: Person) -> None:
    """Address and password."""
    await visit.page.goto(f"{visit.url}/clients")
    await visit.page.get_by_label("E-mail").fill(person.email)
    await visit.page.get_by_label("Password", exact=True).fill(PASSWORD)
    await visit.page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
async def test_it_is_set_up_asked_for_and_ended(
    visit: Open, owner: Person, *, scripts: bool
) -> None:
    here = await visit(owner, java_script_enabled=scripts)
    await here.page.goto(f"{here.url}/settings")
    await here.page.get_by_role("region", name="Two-step sign-in").get_by_role("link").click()
    await here.page.get_by_label("Your password").fill(PASSWORD)
    if scripts:
        await here.shot("two-step-1440-light")
    await here.page.get_by_role("button", name="Set up").click()
    seed = await here.page.locator("form code").inner_text()
    await expect(here.page.get_by_alt_text("QR code")).to_be_visible()
    if scripts:
        await here.shot("two-step-secret-1440-light")
    await here.page.get_by_label("Code that the application shows").fill(code_of(seed))
    await here.page.get_by_role("button", name="Turn on").click()
    await expect(here.page.get_by_role("heading", name="Keep these")).to_be_visible()
    paper = await here.page.locator("li code").first.inner_text()
    if scripts:
        await here.shot("recovery-codes-1440-light")
        for width in (390, 1280):
            await here.page.set_viewport_size({"width": width, "height": 900})
            await here.shot(f"recovery-codes-{width}-light")
    entries = (await owner.get("/audit"))["items"]
    assert "auth.member.v1.two_step_changed" in {entry["type"] for entry in entries}

    there = await visit(java_script_enabled=scripts)
    await first_step(there, owner)
    there.expect_status(401)
    await there.page.get_by_label("Code").fill("000000")
    await there.page.get_by_role("button", name="Sign in").click()
    await expect(there.page.get_by_role("alert")).to_contain_text("This code is wrong")
    if scripts:
        await there.shot("second-step-1440-light")
    await there.page.get_by_label("Code").fill(code_of(seed, ahead=1))
    await there.page.get_by_role("button", name="Sign in").click()
    await expect(there.page).to_have_title("Clients · FreelanceFlow")
    await there.page.get_by_role("button", name="Sign out").click()

    await first_step(there, owner)
    await there.page.get_by_label("Code").fill(paper)  # the phone is lost
    await there.page.get_by_role("button", name="Sign in").click()
    await expect(there.page).to_have_title("Clients · FreelanceFlow")
    await there.page.goto(f"{there.url}/settings/two-step")
    await expect(there.page.get_by_text("9 recovery codes are left")).to_be_visible()
    await there.page.get_by_label("Your password").fill(PASSWORD)
    await there.page.get_by_role("button", name="Turn off").click()
    await expect(there.page.get_by_text("One step is enough from now on.")).to_be_visible()


async def test_a_program_gives_its_code_too(owner: Person) -> None:
    made = await owner.post("/auth/totp", {"password": PASSWORD}, 201)
    assert made["uri"].startswith("otpauth://totp/")
    codes = await owner.post("/auth/totp/confirm", {"code": code_of(made["secret"])}, 200)
    credentials = {"email": owner.email, "password": PASSWORD}
    asked = (await owner.http.post("/api/v1/auth/login", json=credentials)).json()
    assert asked.keys() == {"mfa_required", "challenge"}
    given = {"challenge": asked["challenge"], "code": codes["recovery_codes"][0]}
    entered = await owner.http.post("/api/v1/auth/mfa", json=given)
    assert entered.status_code == 200, entered.text
    owner.token = entered.json()["access_token"]
    assert (await owner.get("/auth/totp"))["recovery_codes_left"] == 9
