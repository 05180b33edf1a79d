"""Keys for programs: every operation by each kind of key, and the end of a key."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from playwright.async_api import expect

from kit.api_key import new_api_key
from tests.e2e.support.api import PASSWORD, Person, invite
from tests.e2e.support.browsing import Open
from tests.e2e.support.mails import mails_to
from tests.e2e.support.operations import Operation, operations
from tests.e2e.support.platform import Platform, until

# What needs no permission and is for programs all the same.
OF_A_PERSON = {"get_me", "list_notifications", "stream_events"}
REFUSED = ("API_KEY_NOT_ENOUGH", "API_KEY_READS_ONLY", "PERMISSION_MISSING")


async def make(person: Person, **over: Any) -> dict[str, Any]:
    """As the API answers it."""
    body = {"name": "Nightly export", "password": PASSWORD, **over}
    made: dict[str, Any] = await person.post("/api-keys", body, 201)
    return made


async def program(person: Person, **over: Any) -> Person:
    """Whoever has a new key of somebody."""
    return replace(person, token=(await make(person, **over))["key"], refresh="")


async def status_of(who: Person, operation: Operation) -> tuple[int, str]:
    """Ids of nothing and no body: whoever may, is told what is missing; nothing changes."""
    sent = {"Authorization": f"Bearer {who.token}"}
    request = who.http.build_request(operation.method, operation.filled({}), headers=sent)
    answer = await who.http.send(request, stream=True)  # one of them never ends
    reason = ""
    if answer.status_code >= 400:
        await answer.aread()
        reason = answer.json()["reason"]
    await answer.aclose()
    return answer.status_code, reason


@pytest.mark.parametrize("scope", ["all", "read"])
async def test_a_key_is_let_in_where_the_description_says_so_and_nowhere_else(
    owner: Person, scope: str
) -> None:
    key = await program(owner, scope=scope)
    wrong = []
    for operation in await operations(owner):
        if operation.permission == "public":
            continue
        status, reason = await status_of(key, operation)
        if scope in operation.keys:
            as_expected = status not in (401, 403) and status < 500
        else:
            as_expected = status == 403 and reason in REFUSED
        if not as_expected:
            wrong.append(f"{operation} {operation.keys}: {status} {reason}")
        reads = operation.permission.endswith(".read") or operation.id in OF_A_PERSON
        if scope == "read" and (operation.method == "GET" and reads) is not (
            scope in operation.keys
        ):
            wrong.append(f"{operation} {operation.keys}: is it for a key that only reads?")
    assert not wrong, "\n".join(wrong)


async def test_a_key_does_what_its_owner_may_and_is_told_of(owner: Person) -> None:
    made = await make(owner, expires_in_days=30)
    key = replace(owner, token=made["key"])
    deal = await key.new_deal("By a script")
    assert (await owner.get(f"/deals/{deal['id']}"))["name"] == "By a script"
    assert (await key.get("/me"))["email"] == owner.email
    (listed,) = (await owner.get("/api-keys"))["items"]
    assert listed == {name: listed.get(name) for name in made if name != "key"}
    assert listed["last_used_at"] is not None

    async def is_told() -> bool:
        entries = (await owner.get("/audit", type="auth.key."))["items"]
        return [(e["type"], e["detail"]) for e in entries] == [
            ("auth.key.v1.created", "Nightly export")
        ]

    await until(is_told)


async def test_a_revoked_key_is_refused_before_long(owner: Person) -> None:
    made = await make(owner)
    key = replace(owner, token=made["key"])
    await key.get("/deals")
    answer = await owner.request("DELETE", f"/api-keys/{made['id']}")
    assert answer.status_code == 204

    async def is_refused() -> bool:
        return (await key.request("GET", "/deals")).status_code == 401

    await until(is_refused)
    assert (await key.request("GET", "/deals")).json()["reason"] == "API_KEY_INVALID"


async def test_a_key_follows_what_its_owner_may(owner: Person) -> None:
    member = await invite(owner, "sales")
    key = await program(member)
    deal = await owner.new_deal("The owner's")
    await key.get(f"/deals/{deal['id']}")
    change = f"/members/{member.user_id}"
    answer = await owner.request("PATCH", change, json={"visibility": "own"})
    assert answer.status_code == 200, answer.text

    async def is_out_of_sight() -> bool:
        return (await key.request("GET", f"/deals/{deal['id']}")).status_code == 404

    await until(is_out_of_sight)
    assert (await owner.request("DELETE", change)).status_code == 204

    async def is_refused() -> bool:
        return (await key.request("GET", "/deals")).status_code == 401

    await until(is_refused)


async def test_a_key_reaches_one_workspace(owner: Person, stranger: Person) -> None:
    theirs = await owner.new_deal("Theirs")
    key = await program(stranger)
    assert (await key.request("GET", f"/deals/{theirs['id']}")).status_code == 404
    assert (await key.get("/deals"))["items"] == []


async def test_a_key_is_taken_in_a_header_alone_and_never_beside_cookies(
    owner: Person, http: httpx.AsyncClient
) -> None:
    key = (await program(owner)).token
    for name in ("api_key", "access_token", "key"):
        assert (await http.get("/api/v1/me", params={name: key})).status_code == 401
    sent = {"Authorization": f"Bearer {key}", "Cookie": "ff_refresh=r"}
    both = await http.get("/api/v1/me", headers=sent)
    assert (both.status_code, both.json()["reason"]) == (400, "TWO_IDENTITIES")
    unknown = await http.get("/api/v1/me", headers={"Authorization": f"Bearer {new_api_key()}"})
    assert (unknown.status_code, unknown.json()["reason"]) == (401, "API_KEY_INVALID")


async def test_many_first_uses_at_once_are_all_answered(owner: Person) -> None:
    key = await program(owner)
    answers = await asyncio.gather(*(key.request("GET", "/me") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
async def test_a_key_is_made_and_revoked_on_its_page(
    visit: Open, owner: Person, http: httpx.AsyncClient, platform: Platform, *, scripts: bool
) -> None:
    here = await visit(owner, java_script_enabled=scripts)
    await here.page.goto(f"{here.url}/settings")
    await here.page.get_by_role("link", name="Manage keys").click()
    await here.page.get_by_label("Name").fill("Nightly export")
    await here.page.get_by_label("What it may do").select_option("Only read")
    await here.page.get_by_label("Your password").fill(PASSWORD)
    await here.page.get_by_role("button", name="Make a key").click()
    secret = await here.page.get_by_label("Nightly export", exact=True).input_value()
    key = replace(owner, token=secret)
    assert (await key.get("/me"))["email"] == owner.email
    if scripts:
        for width in (390, 1280):
            await here.page.set_viewport_size({"width": width, "height": 900})
            await here.shot(f"api-key-made-{width}-light")
    await here.page.goto(f"{here.url}/settings/api-keys")
    await expect(here.page.get_by_text("last used")).to_be_visible()
    assert secret not in await here.page.content()
    await here.page.get_by_role("link", name="Revoke Nightly export").click()
    await here.page.get_by_role("button", name="Revoke").click()
    await expect(here.page.get_by_text("The key works no more.")).to_be_visible()

    async def is_refused() -> bool:
        return (await key.request("GET", "/me")).status_code == 401

    await until(is_refused)

    async def is_told() -> bool:
        told = await mails_to(http, platform, owner.email)
        return "An API key was made" in {mail["subject"] for mail in told}

    await until(is_told)
