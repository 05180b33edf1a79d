"""A password that was forgotten, and one that is changed: in a browser and at the API."""

import asyncio
import re
from typing import Any

import httpx
import pytest
from playwright.async_api import Request, expect

from tests.e2e.support.api import PASSWORD, Person, some_email
from tests.e2e.support.browsing import Open, Visit
from tests.e2e.support.mails import mails_to
from tests.e2e.support.platform import Platform, until

OTHER = "nine other words nobody guesses"
LINK = re.compile(r"http://localhost:\d+(/reset\?token=([\w-]+))")


async def letter(
    http: httpx.AsyncClient, platform: Platform, email: str, subject: str
) -> dict[str, Any]:
    """The latest one with this subject, as soon as it is there."""

    async def found() -> list[dict[str, Any]]:
        return [m for m in await mails_to(http, platform, email) if m["subject"] == subject]

    async def is_there() -> bool:
        return bool(await found())

    await until(is_there)
    return (await found())[0]


async def ask(http: httpx.AsyncClient, email: str) -> httpx.Response:
    return await http.post("/api/v1/auth/password/forgot", json={"email": email})


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
async def test_who_has_forgotten_a_password_gets_back_in(
    visit: Open, owner: Person, http: httpx.AsyncClient, platform: Platform, *, scripts: bool
) -> None:
    elsewhere = await visit(owner)
    await elsewhere.open("/pipeline")
    await elsewhere.is_live()
    here = await visit(java_script_enabled=scripts)
    asked: list[Request] = []
    here.page.on("request", lambda request: asked.append(request))
    await here.page.goto(f"{here.url}/sign-in")
    await here.page.get_by_role("link", name="Forgot your password?").click()
    await here.page.get_by_label("E-mail").fill(owner.email)
    await here.page.get_by_role("button", name="Send me a link").click()
    await expect(here.page.get_by_role("heading", name="Check your mail")).to_be_visible()

    mail = await letter(http, platform, owner.email, "Set a new password")
    found = LINK.search(mail["text"])
    assert found is not None, mail["text"]
    for _ in range(2):  # what a scanner of mails does: it looks, and nothing happens
        assert (await http.get(found[1])).status_code == 200
    await here.page.goto(here.url + found[1])
    if scripts:
        await here.page.get_by_label("New password", exact=True).fill("password12345")
        here.expect_status(422)
        await here.page.get_by_role("button", name="Set password").click()
        await expect(here.page.get_by_role("alert")).to_contain_text("too easy to guess")
    await here.page.get_by_label("New password", exact=True).fill(OTHER)
    await here.page.get_by_role("button", name="Set password").click()
    await expect(here.page.get_by_role("status")).to_have_text(
        "Your new password is set. Sign in with it."
    )
    await here.page.get_by_label("E-mail").fill(owner.email)
    await here.page.get_by_label("Password", exact=True).fill(OTHER)
    await here.page.get_by_role("button", name="Sign in").click()
    await expect(here.page).to_have_title("Today · FreelanceFlow")
    told = [r for r in asked if found[2] in r.headers.get("referer", "")]
    assert not told, [r.url for r in told]

    # Whoever was signed in is out: the window, its stream, the token, what would renew it.
    elsewhere.expect_status(401)
    elsewhere.expected.append("htmx: htmx:sse:error: SSE reconnect failed with status 401")
    refused = await http.post("/api/v1/auth/refresh", json={"refresh_token": owner.refresh})
    assert refused.json()["reason"] == "SESSION_ENDED"
    await _is_out(owner)
    await elsewhere.page.reload()
    await expect(elsewhere.page).to_have_title("Sign in · FreelanceFlow")
    again = await http.post(
        "/api/v1/auth/password/reset", json={"token": found[2], "password": PASSWORD}
    )
    assert (again.status_code, again.json()["reason"]) == (404, "LINK_NOT_VALID")
    said = await letter(http, platform, owner.email, "Your password was changed")
    assert "with the link from a mail" in said["text"]
    assert "from the network address 127.0.0.1. All devices are signed out." in said["text"]


async def test_a_stream_ends_with_the_password_it_was_opened_under(
    owner: Person, http: httpx.AsyncClient
) -> None:
    phone = Person(http, owner.email)
    await phone.sign_in()
    headers = {"Authorization": f"Bearer {phone.token}"}
    async with http.stream("GET", "/api/v1/events", headers=headers, timeout=60) as stream:
        lines = stream.aiter_lines()
        assert (await anext(lines)).startswith("retry")
        await change(owner)
        async for line in lines:  # to its end, and without another word of the workspace
            assert not line.startswith("data"), line
    await _is_out(phone)
    assert (await owner.get("/me"))["email"] == owner.email


async def test_a_password_is_changed_in_the_settings(
    visit: Open, owner: Person, http: httpx.AsyncClient, platform: Platform
) -> None:
    phone = Person(http, owner.email)
    await phone.sign_in()
    here = await visit(owner)
    await here.open("/settings")
    await _change(here, "not the present one", OTHER)
    here.expect_status(422)
    await expect(here.page.get_by_role("alert")).to_contain_text("not your present password")
    await _change(here, PASSWORD, OTHER)
    await expect(here.page.get_by_text("Password changed. Your other devices")).to_be_visible()
    await expect(here.page.get_by_text("This device")).to_be_visible()
    await _is_out(phone)
    assert (await owner.get("/me"))["email"] == owner.email
    owner.password = OTHER
    await owner.sign_in()
    said = await letter(http, platform, owner.email, "Your password was changed")
    assert "All other devices are signed out." in said["text"]

    async def line() -> list[dict[str, Any]]:
        kind = "auth.member.v1.password_changed"
        found: list[dict[str, Any]] = (await owner.get("/audit", type=kind))["items"]
        return found

    async def is_kept() -> bool:
        return bool(await line())

    await until(is_kept)
    (entry,) = await line()
    assert (entry["actor_name"], entry["address"]) == ("Olga", "127.0.0.1")


async def test_known_and_unknown_addresses_are_answered_in_the_same_bytes(
    owner: Person, http: httpx.AsyncClient, platform: Platform
) -> None:
    nobody = some_email("nobody")
    known, unknown = await ask(http, owner.email), await ask(http, nobody)
    assert (
        (known.status_code, known.content) == (unknown.status_code, unknown.content) == (202, b"")
    )
    assert _steady(known) == _steady(unknown)
    pages = [await http.post("/forgot", data={"email": one}) for one in (owner.email, nobody)]
    nonce = re.compile(r'nonce="[^"]*"')
    assert len({nonce.sub("", page.text) for page in pages}) == 1
    assert {page.status_code for page in pages} == {202}
    await letter(http, platform, owner.email, "Set a new password")
    assert await mails_to(http, platform, nobody) == []


async def test_of_twenty_uses_of_one_link_one_works(
    owner: Person, http: httpx.AsyncClient, platform: Platform
) -> None:
    await ask(http, owner.email)
    mail = await letter(http, platform, owner.email, "Set a new password")
    found = LINK.search(mail["text"])
    assert found is not None
    answers = await asyncio.gather(
        *(
            http.post(
                "/api/v1/auth/password/reset",
                json={"token": found[2], "password": f"{n} words {n} of {n} another"},
            )
            for n in range(20)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [204, *[404] * 19]


async def change(person: Person, password: str = OTHER) -> None:
    body = {"current_password": person.password, "password": password}
    await person.post("/auth/password/change", body, 204)


async def _change(here: Visit, current: str, password: str) -> None:
    await here.page.get_by_label("Present password").fill(current)
    await here.page.get_by_label("New password", exact=True).fill(password)
    await here.page.get_by_role("button", name="Change password").click()


async def _is_out(person: Person) -> None:
    """The access token is refused; services hear of it within a moment."""

    async def refused() -> bool:
        return (await person.request("GET", "/me")).status_code == 401

    await until(refused)


def _steady(answer: httpx.Response) -> dict[str, str]:
    """The headers but for those that tell the time."""
    passing = ("date", "server-timing")
    return {name: value for name, value in answer.headers.items() if name not in passing}
