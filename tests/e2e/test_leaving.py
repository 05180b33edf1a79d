"""Somebody deletes their account: on its page, by the API, and in every service's books."""

from uuid import UUID

import httpx
import pytest
from playwright.async_api import expect

from kit.erasure import TABLES
from tests.e2e.support.api import PASSWORD, Person, invite
from tests.e2e.support.browsing import Open
from tests.e2e.support.mails import mails_to
from tests.e2e.support.platform import Platform, until

STORES = ("auth", "crm", "analytics", "notify")


async def left_of(platform: Platform, workspace_id: str) -> dict[str, int]:
    """Rows of a workspace, by service and table."""
    found = {}
    for service in STORES:
        for row in await platform.rows(service, TABLES):
            (count,) = await platform.rows(
                service,
                f'SELECT count(*) AS rows FROM "{row["name"]}" WHERE workspace_id = $1',
                UUID(workspace_id),
            )
            if count["rows"]:
                found[f"{service}.{row['name']}"] = count["rows"]
    return found


async def delete(person: Person, password: str = PASSWORD) -> httpx.Response:
    return await person.request("DELETE", "/me", json={"password": password})


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
async def test_an_account_is_deleted_on_its_page(
    visit: Open, owner: Person, http: httpx.AsyncClient, platform: Platform, *, scripts: bool
) -> None:
    deal = await owner.new_deal("Gone tomorrow")
    workspace_id = (await owner.get("/me"))["workspace"]["id"]
    here = await visit(owner, java_script_enabled=scripts)
    await here.page.goto(f"{here.url}/settings")
    await here.page.get_by_role("link", name="Delete account").click()
    await expect(here.page.get_by_text("Nobody else belongs there.")).to_be_visible()
    if scripts:
        for width in (390, 1280):
            await here.page.set_viewport_size({"width": width, "height": 900})
            await here.shot(f"account-delete-{width}-light")
    here.expect_status(422)
    await here.page.get_by_label("Your password").fill("not the password")
    await here.page.get_by_role("button", name="Delete my account").click()
    await expect(here.page.get_by_text("This is not your password.").first).to_be_visible()
    assert (await owner.get(f"/deals/{deal['id']}"))["name"] == "Gone tomorrow"
    await here.page.get_by_label("Your password").fill(PASSWORD)
    await here.page.get_by_role("button", name="Delete my account").click()
    await expect(here.page.get_by_text("Your account is deleted.")).to_be_visible()

    async def is_refused() -> bool:
        return (await owner.request("GET", "/deals")).status_code == 401

    await until(is_refused)
    body = {"email": owner.email, "password": PASSWORD}

    async def is_nobody() -> bool:
        return (await http.post("/api/v1/auth/login", json=body)).status_code == 401

    await until(is_nobody)

    async def is_told() -> bool:
        told = await mails_to(http, platform, owner.email)
        return "Your account was deleted" in {mail["subject"] for mail in told}

    await until(is_told)

    async def is_erased() -> bool:
        left = await left_of(platform, workspace_id)
        # What was told a moment ago, of sessions that ended, waits to be sent.
        return not left.keys() - {"auth.outbox"}

    await until(is_erased, patience=90)


async def test_whoever_is_the_only_owner_hands_over_first(
    visit: Open, owner: Person, http: httpx.AsyncClient, platform: Platform
) -> None:
    member = await invite(owner, "sales")
    here = await visit(owner)
    await here.page.goto(f"{here.url}/settings/delete-account")
    await expect(here.page.get_by_text("make one of them an owner first")).to_be_visible()
    await expect(here.page.get_by_role("button", name="Delete my account")).to_have_count(0)
    answer = await delete(owner)
    assert (answer.status_code, answer.json()["reason"]) == (409, "ONLY_OWNER")
    change = await owner.request("PATCH", f"/members/{member.user_id}", json={"role": "owner"})
    assert change.status_code == 200
    await member.sign_in()
    deal = await owner.new_deal("Handed over", owner_id=owner.user_id)
    assert (await delete(owner, "not the password")).status_code == 401
    assert (await delete(owner)).status_code == 204

    async def is_nameless() -> bool:
        kept = await member.get(f"/deals/{deal['id']}")
        return bool(kept["owner_name"] == "A former member")

    await until(is_nameless)

    async def has_no_address() -> bool:
        rows = await platform.rows(
            "notify", "SELECT 1 FROM recipients WHERE email = $1", owner.email
        )
        return not rows

    await until(has_no_address)
    entries = (await member.get("/audit", actor_id=owner.user_id))["items"]
    assert entries
    assert {entry["actor_name"] for entry in entries} == {None}
