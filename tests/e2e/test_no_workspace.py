"""Whoever has no open workspace: one page says what became of it and what can be done."""

from pathlib import Path

import httpx
import orjson
import pytest
from playwright.async_api import expect

from tests.e2e.support.api import PASSWORD, Person, invite
from tests.e2e.support.browsing import Open, Visit
from tests.e2e.support.platform import until
from tests.e2e.test_closing import close, fits, name_of

WIDTHS = (390, 1280)


async def shots(here: Visit, name: str) -> None:
    """A page for people to look at, which is to fit."""
    for width in WIDTHS:
        await here.page.set_viewport_size({"width": width, "height": 900})
        await here.shot(f"{name}-{width}-light")
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
