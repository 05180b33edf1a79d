"""Roles of one's own through the API: made, given, changed and taken away again."""

import secrets
from typing import Any

import httpx
import pytest

from gateway.entrypoints.permissions import WORDS
from tests.e2e.support.api import Person, invite, register
from tests.e2e.support.platform import until

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
