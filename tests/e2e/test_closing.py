"""An owner deletes a workspace: it is closed to everybody, reopened on its page, or erased."""

from uuid import UUID

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.e2e.support.api import PASSWORD, Person, invite
from tests.e2e.support.browsing import Open
from tests.e2e.support.mails import mails_to
from tests.e2e.support.platform import Platform, until
from tests.e2e.test_leaving import left_of


async def name_of(person: Person) -> str:
    return str((await person.get("/me"))["workspace"]["name"])


async def rename(owner: Person, name: str) -> None:
    path = f"/workspaces/{owner.workspace_id}"
    etag = (await owner.request("GET", path)).headers["etag"]
    answer = await owner.request("PATCH", path, json={"name": name}, headers={"If-Match": etag})
    assert answer.status_code == 200, answer.text


async def fits(page: Page) -> bool:
    """Nothing is to be scrolled to sideways."""
    return bool(
        await page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
    )


async def close(owner: Person) -> None:
    """And go on with the tokens that can reopen it."""
    body = {"name": await name_of(owner), "password": PASSWORD}
    answer = await owner.request("DELETE", f"/workspaces/{owner.workspace_id}", json=body)
    assert answer.status_code == 202, answer.text
    owner.take(answer.json())


async def subjects(http: httpx.AsyncClient, platform: Platform, email: str) -> set[str]:
    return {mail["subject"] for mail in await mails_to(http, platform, email)}


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
async def test_a_workspace_is_closed_and_reopened_on_its_pages(
    visit: Open, owner: Person, http: httpx.AsyncClient, platform: Platform, *, scripts: bool
) -> None:
    deal = await owner.new_deal("Still here")
    await rename(owner, name := "Harbour-" + "w" * 90)
    here = await visit(owner, java_script_enabled=scripts)
    await here.page.goto(f"{here.url}/settings/workspace")
    await here.page.get_by_role("link", name="Delete workspace").click()
    await expect(here.page.get_by_text("1 deal,")).to_be_visible()
    if scripts:
        for width in (390, 1280):
            await here.page.set_viewport_size({"width": width, "height": 900})
            await here.shot(f"workspace-delete-{width}-light")
            assert await fits(here.page)
    here.expect_status(422)
    await here.page.get_by_label("Name of the workspace").fill("Something else")
    await here.page.get_by_label("Your password").fill(PASSWORD)
    await here.page.get_by_role("button", name="Delete this workspace").click()
    await expect(here.page.get_by_text("This is not the workspace's name.").first).to_be_visible()
    await here.page.get_by_label("Name of the workspace").fill(name)
    await here.page.get_by_label("Your password").fill(PASSWORD)
    await here.page.get_by_role("button", name="Delete this workspace").click()
    await expect(here.page.get_by_role("heading", name=f"{name} is closed")).to_be_visible()
    if scripts:
        for width in (390, 1280):
            await here.page.set_viewport_size({"width": width, "height": 900})
            await here.shot(f"workspace-closed-{width}-light")
            assert await fits(here.page)
    await here.page.goto(f"{here.url}/pipeline")
    await expect(here.page.get_by_role("heading", name=f"{name} is closed")).to_be_visible()
    await here.page.get_by_role("button", name="Reopen it as it was").click()
    await expect(here.page.get_by_role("link", name="Pipeline").first).to_be_visible()
    await owner.sign_in()
    assert (await owner.get(f"/deals/{deal['id']}"))["name"] == "Still here"

    async def is_told() -> bool:
        told = await subjects(http, platform, owner.email)
        return {f"{name} was closed", f"{name} was reopened"} <= told

    await until(is_told)


async def test_a_closed_workspace_answers_nobody(
    owner: Person, http: httpx.AsyncClient, platform: Platform
) -> None:
    member = await invite(owner, "admin")
    deal = await owner.new_deal("Untouched")
    old = member.token
    body = {"name": await name_of(owner), "password": PASSWORD}
    path = f"/workspaces/{owner.workspace_id}"
    assert (await member.request("DELETE", path, json=body)).status_code == 403
    await close(owner)

    async def is_refused() -> bool:
        answer = await http.get("/api/v1/me", headers={"Authorization": f"Bearer {old}"})
        return answer.status_code == 401

    await until(is_refused)
    await member.sign_in()
    for person in (owner, member):
        for path in ("/deals", f"/deals/{deal['id']}", "/notifications", "/events", "/members"):
            answer = await person.request("GET", path)
            assert (answer.status_code, answer.json()["reason"]) == (403, "WORKSPACE_CLOSED"), path
    reopening = f"/workspaces/{owner.workspace_id}/reopen"
    assert (await member.request("POST", reopening)).status_code == 403
    answer = await owner.request("POST", reopening)
    assert answer.status_code == 200, answer.text
    owner.take(answer.json())
    assert (await owner.get(f"/deals/{deal['id']}"))["name"] == "Untouched"


async def test_links_of_mails_lead_where_they_say_from_a_closed_workspace(
    owner: Person, http: httpx.AsyncClient
) -> None:
    await close(owner)
    header = {"Authorization": f"Bearer {owner.token}"}
    for page in ("forgot", "join", "reset", "unsubscribe", "verify-email"):
        answer = await http.get(f"/{page}", params={"token": "x"}, headers=header)
        assert "/no-workspace" not in answer.headers.get("location", ""), page
    answer = await http.get("/workspaces", headers=header)
    assert (answer.status_code, answer.headers["location"]) == (303, "/no-workspace")


async def test_when_its_days_are_over_it_is_erased_everywhere(
    owner: Person, http: httpx.AsyncClient, platform: Platform
) -> None:
    await owner.new_deal("Gone for good")
    await close(owner)
    await platform.rows(
        "auth",
        "UPDATE workspaces SET erase_at = now() - interval '1 minute' WHERE workspace_id = $1",
        UUID(owner.workspace_id),
    )
    killed = platform.kill("auth")  # it looks at its start, and every ten minutes
    await platform.until_back("auth", killed)
    await platform.until_all_ready()

    async def is_erased() -> bool:
        return not (await left_of(platform, owner.workspace_id)).keys() - {"auth.outbox"}

    await until(is_erased, patience=90)
    body = {"email": owner.email, "password": PASSWORD}

    async def is_nobody() -> bool:
        return (await http.post("/api/v1/auth/login", json=body)).status_code == 401

    await until(is_nobody)
