"""An owner takes out everything: from the settings, over the API, and into another workspace."""

import asyncio
import hashlib
import io
import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import pytest
from playwright.async_api import expect

from tests.e2e.support.api import Person, invite, register
from tests.e2e.support.browsing import Open
from tests.e2e.support.platform import until


async def taken_out(owner: Person) -> ZipFile:
    """The archive, over the API."""
    made = await owner.post("/exports/workspace", status=202)
    assert (made["resource"], made["format"]) == ("workspace", "zip")

    async def is_done() -> bool:
        found = await owner.get(f"/exports/{made['id']}")
        assert found["status"] != "failed", found
        return bool(found["status"] == "done")

    await until(is_done)
    answer = await owner.request("GET", f"/exports/{made['id']}/file")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    return ZipFile(io.BytesIO(answer.content))


@pytest.mark.parametrize("scripts", [True, False])
async def test_the_settings_lead_to_the_file(visit: Open, owner: Person, scripts: bool) -> None:
    await owner.new_deal("Retainer")
    here = await visit(owner, java_script_enabled=scripts)
    await here.open("/settings/workspace")
    await here.page.get_by_role("button", name="Download all data").click()
    await expect(here.page).to_have_url(f"{here.url}/exports")
    link = here.page.get_by_role("link", name="workspace-")

    async def is_written() -> bool:
        if not scripts:
            await here.page.reload()
        return bool(await link.count())

    await until(is_written)
    async with here.page.expect_download() as download:
        await link.click()
    content = await asyncio.to_thread(Path(await (await download.value).path()).read_bytes)
    archive = ZipFile(io.BytesIO(content))
    (line,) = archive.read("records/deals.jsonl").splitlines()
    assert json.loads(line)["name"] == "Retainer"

    async def is_told() -> bool:
        told = (await owner.get("/notifications"))["items"]
        return "Export finished: all data of the workspace" in [item["title"] for item in told]

    await until(is_told)


async def test_what_other_services_keep_is_in_it(owner: Person) -> None:
    await invite(owner, "sales")
    role = {"name": "Bookkeeper", "base": "finance", "permissions": []}
    await owner.post("/roles", role, 201)

    async def is_told() -> bool:
        return bool((await owner.get("/audit", type="auth.member.v1.added"))["items"])

    await until(is_told)
    archive = await taken_out(owner)
    assert archive.testzip() is None
    assert json.loads(archive.read("workspace/workspace.json"))["id"] == owner.workspace_id
    members = [json.loads(line) for line in archive.read("workspace/members.jsonl").splitlines()]
    assert {member["role"] for member in members} == {"owner", "sales"}
    roles = json.loads(archive.read("workspace/roles.json"))
    assert [one["name"] for one in roles if one["base"]] == ["Bookkeeper"]
    log = [json.loads(line) for line in archive.read("workspace/audit-log.jsonl").splitlines()]
    assert {"auth.member.v1.added", "crm.export.v1.requested"} <= {line["type"] for line in log}
    for folder in ("records", "workspace"):
        for entry in json.loads(archive.read(f"{folder}/manifest.json"))["files"]:
            content = archive.read(entry["name"])
            assert entry["sha256"] == hashlib.sha256(content).hexdigest(), entry["name"]


async def test_only_owners_take_everything(visit: Open, owner: Person) -> None:
    admin = await invite(owner, "admin")
    answer = await admin.request("POST", "/exports/workspace")
    assert (answer.status_code, answer.json()["reason"]) == (403, "PERMISSION_MISSING")
    here = await visit(admin)
    await here.open("/settings/workspace")
    await expect(here.page.get_by_role("button", name="Save workspace")).to_be_visible()
    await expect(here.page.get_by_role("button", name="Download all data")).to_have_count(0)


async def _imported(person: Person, resource: str, content: bytes) -> dict[str, Any]:
    answer = await person.request(
        "POST",
        "/imports",
        data={"resource": resource},
        files={"file": (f"{resource}.csv", content, "text/csv")},
    )
    assert answer.status_code == 201, answer.text
    path = f"/imports/{answer.json()['id']}"
    await person.post(f"{path}/commit", status=202)
    found: dict[str, Any] = {}

    async def is_done() -> bool:
        found.update(await person.get(path))
        assert found["status"] != "failed", found
        return bool(found["status"] == "done")

    await until(is_done)
    return found


async def _board(person: Person) -> dict[str, Any]:
    columns = (await person.get("/board"))["columns"]
    return {column["stage"]["name"]: (column["count"], column["sum"]) for column in columns}


async def test_the_demo_is_read_back_into_an_empty_workspace(
    http: httpx.AsyncClient, demo: Person
) -> None:
    archive = await taken_out(demo)
    workspace = json.loads(archive.read("records/manifest.json"))["workspace"]
    zone, currency = workspace["time_zone"], workspace["currency"]
    other = await register(http, "Other", time_zone=zone, currency=currency)
    for resource in ("clients", "deals"):  # the demo has no activities
        content = archive.read(f"records/{resource}.csv")
        done = await _imported(other, resource, content)
        rows = len(archive.read(f"records/{resource}.jsonl").splitlines())
        counts = {name: done[name] for name in done if name.endswith("_rows")}
        assert done["created_rows"] == rows, f"{resource}: {counts}"
    assert await _board(other) == await _board(demo)
