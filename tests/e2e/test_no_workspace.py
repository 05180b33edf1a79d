"""Whoever has no open workspace: one page says what became of it and what can be done."""

from itertools import product
from pathlib import Path
from typing import Literal

import httpx
import orjson
import pytest
from playwright.async_api import expect

from tests.e2e.support.api import PASSWORD, Person, invite
from tests.e2e.support.browsing import Open, Visit
from tests.e2e.support.elsewhere import WORD
from tests.e2e.support.operations import bodies, everything_of, make_world, operations
from tests.e2e.support.platform import Platform, until
from tests.e2e.test_closing import close, fits, name_of

WIDTHS = (390, 1280)
LOOKS: tuple[Literal["light", "dark"], ...] = ("light", "dark")


async def shots(here: Visit, name: str) -> None:
    """A page for people to look at, which is to fit."""
    for width, look in product(WIDTHS, LOOKS):
        await here.page.set_viewport_size({"width": width, "height": 900})
        await here.page.emulate_media(color_scheme=look)
        await here.shot(f"{name}-{width}-{look}")
        assert await fits(here.page), (name, width)


async def cannot_sign_in(http: httpx.AsyncClient, person: Person) -> bool:
    body = {"email": person.email, "password": person.password}
    return (await http.post("/api/v1/auth/login", json=body)).status_code == 401


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
async def test_whoever_is_left_with_a_closed_workspace_takes_their_data_and_goes(
    visit: Open, owner: Person, http: httpx.AsyncClient, tmp_path: Path, *, scripts: bool
) -> None:
    member = await invite(owner, "sales")
    name = await name_of(owner)
    await close(owner)
    await member.sign_in()
    here = await visit(member, java_script_enabled=scripts)
    await here.page.goto(f"{here.url}/deals")
    await expect(here.page.get_by_role("heading", name=f"{name} is closed")).to_be_visible()
    await expect(here.page.get_by_text("Your account goes with it")).to_be_visible()
    await expect(here.page.get_by_role("button", name="Reopen it as it was")).to_have_count(0)
    async with here.page.expect_download() as coming:
        await here.page.get_by_role("button", name="Download my data").click()
    await (await coming.value).save_as(tmp_path / "mine.json")
    kept = orjson.loads((tmp_path / "mine.json").read_bytes())
    assert kept["profile"]["email"] == member.email
    if scripts:
        await shots(here, "no-workspace-closed")
    await here.page.get_by_role("link", name="Delete account").click()
    await expect(here.page.get_by_text(f"The account of {member.email}")).to_be_visible()
    await expect(here.page.get_by_role("navigation")).to_have_count(0)
    if scripts:
        await shots(here, "no-workspace-account-delete")
    here.expect_status(422)
    await here.page.get_by_label("Your password").fill("not the password")
    await here.page.get_by_role("button", name="Delete my account").click()
    await expect(here.page.get_by_text("This is not your password.").first).to_be_visible()
    await here.page.get_by_label("Your password").fill(PASSWORD)
    await here.page.get_by_role("button", name="Delete my account").click()
    await expect(here.page.get_by_text("Your account is deleted.")).to_be_visible()

    async def is_gone() -> bool:
        return await cannot_sign_in(http, member)

    await until(is_gone)


async def test_the_only_owner_of_a_closed_workspace_of_others_is_told_what_to_do(
    visit: Open, owner: Person
) -> None:
    await invite(owner, "sales")
    await close(owner)
    here = await visit(owner)
    await here.page.goto(f"{here.url}/no-workspace")
    await expect(here.page.get_by_text("reopen it first")).to_be_visible()
    await here.page.get_by_role("link", name="Delete account").click()
    await expect(here.page.get_by_text("When it is erased, your account goes")).to_be_visible()
    await expect(here.page.get_by_role("button", name="Delete my account")).to_have_count(0)
    await here.page.get_by_role("link", name="Back").click()
    await here.page.get_by_role("button", name="Reopen it as it was").click()
    await expect(here.page.get_by_role("link", name="Pipeline").first).to_be_visible()


async def remove(owner: Person, member: Person) -> None:
    """From their only workspace; they are signed in anew."""
    answer = await owner.request("DELETE", f"/members/{member.user_id}")
    assert answer.status_code == 204, answer.text
    await member.sign_in()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
async def test_whoever_was_removed_is_invited_again_and_comes_in_where_they_are(
    visit: Open, owner: Person, *, scripts: bool
) -> None:
    member = await invite(owner, "sales")
    await remove(owner, member)
    here = await visit(member, java_script_enabled=scripts)
    await here.page.goto(f"{here.url}/pipeline")
    await expect(here.page.get_by_role("heading", name="You are in no workspace")).to_be_visible()
    if scripts:
        await shots(here, "no-workspace-none")
    await owner.post("/invitations", {"email": member.email, "role": "viewer"}, 201)
    await here.page.reload()
    if scripts:
        await shots(here, "no-workspace-invited")
    name = await name_of(owner)
    await here.page.get_by_role("button", name=f"Accept the invitation into {name}").click()
    await expect(here.page.get_by_role("link", name="Pipeline").first).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
async def test_whoever_was_removed_begins_a_workspace_of_their_own(
    visit: Open, owner: Person, *, scripts: bool
) -> None:
    member = await invite(owner, "sales")
    await remove(owner, member)
    here = await visit(member, java_script_enabled=scripts)
    await here.page.goto(f"{here.url}/no-workspace")
    await here.page.get_by_role("link", name="New workspace").click()
    await here.page.get_by_label("Name").fill("Harbour Works")
    if scripts:
        await shots(here, "workspace-new")
    await here.page.get_by_role("button", name="Make workspace").click()
    await expect(here.page.get_by_role("link", name="Pipeline").first).to_be_visible()
    await member.sign_in()
    assert (await member.get("/me"))["workspace"]["name"] == "Harbour Works"


async def test_a_token_of_no_workspace_reads_nothing_of_the_one_before(
    owner: Person, platform: Platform
) -> None:
    """Every operation with the ids of the workspace that somebody was removed from."""
    member = await invite(owner, "admin")
    theirs = await make_world(owner, of=WORD)
    await remove(owner, member)
    assert member.workspace_id is None
    before = await everything_of(platform, owner.workspace_id)
    wrong = []
    for operation in await operations(member):
        if operation.without_workspace:
            continue
        more = {"json": bodies(theirs).get(operation.id)} if operation.has_body else {}
        answer = await member.request(operation.method, operation.filled(theirs), **more)
        refused = (answer.status_code, answer.json().get("reason")) == (403, "NO_WORKSPACE")
        if not refused or WORD in answer.text:
            wrong.append(f"{operation}: {answer.status_code} {answer.text[:200]}")
    assert not wrong, "\n".join(wrong)
    for path in ("/me", "/workspaces", "/me/invitations", "/auth/sessions"):
        answer = await member.request("GET", path)
        assert (answer.status_code, WORD in answer.text) == (200, False), path
    entering = f"/workspaces/{owner.workspace_id}/switch"
    joining = f"/me/invitations/{theirs['invitation_id']}/accept"
    for path in (entering, joining):
        assert (await member.request("POST", path)).status_code == 404
    assert await everything_of(platform, owner.workspace_id) == before
