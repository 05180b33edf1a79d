"""A mail's own link ends mails of its kind, for whoever has it, in one request or by a button."""

from typing import Any

import httpx
from playwright.async_api import expect

from tests.e2e.support.api import Person, invite
from tests.e2e.support.browsing import Open
from tests.e2e.support.mails import mails_to
from tests.e2e.support.platform import Platform, until


async def kinds_mailed(person: Person) -> set[str]:
    chosen = (await person.get("/notifications/preferences"))["preferences"]
    return {choice["kind"] for choice in chosen if choice["by_mail"]}


async def test_mails_can_be_ended_from_the_mailbox(
    visit: Open, owner: Person, platform: Platform, http: httpx.AsyncClient
) -> None:
    mate = await invite(owner, "manager")
    for name, stage in (("Fair stand", "Won"), ("Menu", "Proposal")):
        await owner.move(await owner.new_deal(name), stage)

    async def both() -> list[dict[str, Any]]:
        found = await mails_to(http, platform, mate.email)
        return [mail for mail in found if "List-Unsubscribe" in mail["headers"]]

    async def have_come() -> bool:
        return len(await both()) == 2

    await until(have_come)
    links = {mail["subject"]: mail["headers"]["List-Unsubscribe"] for mail in await both()}
    before = await kinds_mailed(mate)

    # A mail program: one request, with nobody's cookies.
    link = links["Won: Fair stand"].strip("<>")
    assert link.startswith(f"{platform.gateway}/unsubscribe?token=")
    done = await http.post(link, data={"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200, done.text
    assert await kinds_mailed(mate) == before - {"deal_won"}

    # A person, who is asked first.
    here = await visit()
    await here.page.goto(links["Menu is now in Proposal"].strip("<>"))
    await expect(here.page.get_by_text("A deal moves to another stage")).to_be_visible()
    await here.shot("unsubscribe-1440-light")
    assert await kinds_mailed(mate) == before - {"deal_won"}
    await here.page.get_by_role("button", name="Unsubscribe").click()
    await expect(here.page.get_by_text("You get no more of these mails")).to_be_visible()
    await here.shot("unsubscribed-1440-light")
    assert await kinds_mailed(mate) == before - {"deal_won", "deal_moved"}
