"""Roles of one's own: made, given, changed and taken away again, by programs and on pages."""

import re
import secrets
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from playwright.async_api import expect

from gateway.entrypoints.permissions import WORDS
from tests.e2e.support.api import Person, invite, register
from tests.e2e.support.browsing import Open
from tests.e2e.support.platform import until
from tests.e2e.test_api_keys import program

BOOKKEEPER = {"name": "Bookkeeper", "base": "finance", "permissions": ["exports.write"]}


@pytest.fixture(scope="module")
async def company(http: httpx.AsyncClient) -> Person:
    return await register(http, "Owner")


async def made(company: Person, **over: Any) -> dict[str, Any]:
    name = f"Role {secrets.token_hex(4)}"
    role: dict[str, Any] = await company.post("/roles", {**BOOKKEEPER, "name": name, **over}, 201)
    return role


async def test_roles_and_permissions_are_listed(company: Person) -> None:
    roles = (await company.get("/roles"))["items"]
    assert [role["id"] for role in roles[:6]] == [
        *("owner", "admin", "manager", "sales", "finance", "viewer"),
    ]
    assert {role["base"] for role in roles[:6]} == {None}
    shapes = (await company.get("/api/openapi.json"))["components"]["schemas"]
    bases = shapes["RoleIn"]["properties"]["base"]["enum"]
    assert ["owner", *bases] == [role["id"] for role in roles[:6]]
    permissions = (await company.get("/permissions"))["items"]
    assert {one["name"] for one in permissions} == set(roles[0]["permissions"]) == set(WORDS)
    always = {one["name"] for one in permissions if one["always"]}
    assert all(always <= set(role["permissions"]) for role in roles)


async def test_a_role_is_changed_on_its_latest_version(company: Person) -> None:
    role = await made(company)
    assert (role["base"], role["member_count"], role["version"]) == ("finance", 0, 1)
    path, change = f"/roles/{role['id']}", {"name": f"{role['name']}, renamed"}
    found = await company.request("GET", path)
    assert (found.json(), found.headers["etag"]) == (role, '"1"')
    assert (await company.request("PATCH", path, json=change)).status_code == 428
    seen = {"If-Match": '"1"'}
    changed = await company.request("PATCH", path, json=change, headers=seen)
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    stale = await company.request("PATCH", path, json=change, headers=seen)
    assert (stale.status_code, stale.json()["reason"]) == (412, "ROLE_HAS_CHANGED")
    assert stale.json()["current"]["name"] == change["name"]
    gone = await company.request("DELETE", path, headers={"If-Match": '"2"'})
    assert gone.status_code == 204
    assert (await company.request("GET", path)).status_code == 404


@pytest.mark.parametrize(
    ("over", "status", "reason"),
    [
        ({"base": "owner"}, 422, "INVALID_INPUT"),
        ({"permissions": ["deals.write"]}, 422, "PERMISSIONS_INVALID"),
        ({"name": "Viewer"}, 422, "ROLE_NAME_INVALID"),
    ],
)
async def test_what_cannot_be_made_is_said(
    company: Person, over: dict[str, Any], status: int, reason: str
) -> None:
    answer = await company.request("POST", "/roles", json={**BOOKKEEPER, **over})
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)


async def test_who_has_it_may_do_that_and_nothing_else(company: Person) -> None:
    role = await made(company)
    member = await invite(company, "sales")
    await member.new_deal("Before")
    answer = await company.request("PATCH", f"/members/{member.user_id}", json={"role": role["id"]})
    given = answer.json()
    assert (given["role"], given["custom_role"]) == (
        *("finance",),
        {"id": role["id"], "name": role["name"]},
    )

    async def is_out() -> bool:
        return (await member.request("GET", "/me")).status_code == 401

    await until(is_out)
    await member.sign_in()
    me = await member.get("/me")
    assert (me["custom_role"], me["permissions"]) == (role["name"], role["permissions"])
    assert [deal["name"] for deal in (await member.get("/deals"))["items"]] == ["Before"]
    for path, body in (("/deals", {"name": "x"}), ("/roles", BOOKKEEPER)):
        refused = await member.request("POST", path, json=body)
        assert (refused.status_code, refused.json()["reason"]) == (403, "PERMISSION_MISSING")
    assert (await member.request("GET", "/analytics/pipeline")).status_code == 403
    await member.post("/exports", {"resource": "clients", "format": "csv"}, 202)
    kept = await company.request("DELETE", f"/roles/{role['id']}", headers={"If-Match": '"1"'})
    assert (kept.status_code, kept.json()["reason"]) == (409, "ROLE_IN_USE")
    gone = await company.request(
        "DELETE",
        f"/roles/{role['id']}",
        params={"move_to": "viewer"},
        headers={"If-Match": '"1"'},
    )
    assert gone.status_code == 204
    await until(is_out)
    await member.sign_in()
    me = await member.get("/me")
    assert (me["role"], me["custom_role"]) == ("viewer", None)

    async def is_kept() -> bool:
        log = (await company.get("/audit", type="auth.role."))["items"]
        lines = {(line["type"], line["detail"]) for line in log}
        said = f"{role['name']} (finance)"
        return {("auth.role.v1.created", said), ("auth.role.v1.deleted", said)} <= lines

    await until(is_kept)


def stream_of(who: Person) -> AbstractAsyncContextManager[httpx.Response]:
    """What goes on, as long as the server lets it."""
    sent = {"Authorization": f"Bearer {who.token}"}
    patience = httpx.Timeout(10, read=None)
    return who.http.stream("GET", "/api/v1/events", headers=sent, timeout=patience)


async def test_what_a_role_loses_is_lost_wherever_something_is_open(company: Person) -> None:
    """In streams, with keys and in files of before: none goes on with what it began with."""
    role = await made(company, permissions=["analytics.read", "exports.write"])
    member = await invite(company, "finance")
    given = await company.request("PATCH", f"/members/{member.user_id}", json={"role": role["id"]})
    assert given.status_code == 200, given.text
    await member.sign_in()
    key = await program(member)
    begun = await member.post("/exports", {"resource": "deals", "format": "csv"}, 202)

    async def is_written() -> bool:
        return bool((await member.get(f"/exports/{begun['id']}"))["status"] == "done")

    await until(is_written)
    file = f"/exports/{begun['id']}/file"
    assert "Odds" in (await member.request("GET", file)).text
    assert (await key.request("GET", "/analytics/pipeline")).status_code == 200
    async with stream_of(member) as theirs, stream_of(key) as its:
        changed = await company.request(
            "PATCH",
            f"/roles/{role['id']}",
            json={"permissions": ["exports.write"]},
            headers={"If-Match": '"1"'},
        )
        assert changed.status_code == 200, changed.text
        for stream in (theirs, its):  # a stream that does not end is a test that does not
            assert stream.status_code == 200
            await stream.aread()
    assert (await member.request("GET", "/deals")).status_code == 401

    async def is_less() -> bool:
        return (await key.request("GET", "/analytics/pipeline")).status_code == 403

    await until(is_less)
    await member.sign_in()
    for who in (member, key):
        for path in (file, "/deals?sort=-win_probability", "/deals?win_probability__gte=0"):
            refused = await who.request("GET", path)
            assert (refused.status_code, refused.json()["reason"]) == (403, "PERMISSION_MISSING")
        await who.get("/deals")


async def test_an_owner_makes_a_bookkeeper(visit: Open, owner: Person) -> None:
    """Who may from then on take lists out and see no figures, and later the other way round."""
    member = await invite(owner, "sales")
    deal = await owner.new_deal("Site for a bakery")
    here = await visit(owner)
    await here.open("/settings/members")
    await here.page.get_by_role("link", name="Roles", exact=True).click()
    await here.page.get_by_label("A new role begins with").select_option("Finance")
    await here.page.get_by_role("button", name="New role").click()
    await here.page.get_by_label("Name").fill("Bookkeeper")
    await expect(here.page.get_by_label("See clients")).to_be_disabled()
    await here.page.get_by_label("See analytics, forecasts and risks").uncheck()
    await here.page.get_by_role("button", name="Add role").click()
    await expect(here.page.get_by_text("Finance with less · 0 members")).to_be_visible()
    await here.open("/settings/members")
    await here.page.get_by_label("Role of Sales").select_option("Bookkeeper")
    await here.page.get_by_role("button", name="Save Sales").click()
    await expect(here.page.get_by_text("May no longer")).to_be_visible()
    await here.page.get_by_role("button", name="Save change").click()
    await expect(here.page.get_by_label("Role of Sales")).to_have_value(re.compile(".{36}"))

    await member.sign_in()
    there = await visit(member)
    for path in ("/", "/pipeline", f"/deals/{deal['id']}", "/clients", "/exports", "/settings"):
        await there.open(path)
        await expect(there.page.locator("h1")).to_be_visible()
        await expect(there.page.get_by_role("link", name="Analytics")).to_have_count(0)
    await expect(there.page.get_by_text("Bookkeeper")).to_be_visible()
    await there.open("/pipeline")
    await expect(there.page.get_by_role("link", name="New deal")).to_have_count(0)
    there.expect_status(403)
    await there.open("/analytics")
    await expect(there.page.get_by_role("heading", name="You may not do this")).to_be_visible()
    await member.post("/exports", {"resource": "deals", "format": "csv"}, 202)

    await here.open("/settings/roles")
    await here.page.get_by_role("link", name="Edit Bookkeeper").click()
    await here.page.get_by_label("See analytics, forecasts and risks").check()
    await here.page.get_by_label("Take lists out as files").uncheck()
    await here.page.get_by_role("button", name="See what changes").click()
    await expect(here.page.get_by_text("1 member has this role")).to_be_visible()
    await here.shot("role-review-1440-light")
    await here.page.get_by_role("button", name="Save role").click()
    await expect(here.page.get_by_text("Role saved.")).to_be_visible()
    await member.sign_in()
    refused = await member.request("POST", "/exports", json={"resource": "deals", "format": "csv"})
    assert refused.status_code == 403
    assert (await member.request("GET", "/analytics/pipeline")).status_code == 200
    await here.page.get_by_role("link", name="Remove Bookkeeper").click()
    await here.page.get_by_label("Members get").select_option("Viewer")
    await here.page.get_by_role("button", name="Remove role").click()
    await expect(here.page.get_by_text("None yet.")).to_be_visible()
