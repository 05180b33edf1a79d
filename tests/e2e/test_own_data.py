"""What is kept of a person, taken along by themselves: from the settings and over the API."""

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support.api import PASSWORD, Person, invite
from tests.e2e.support.browsing import Open
from tests.e2e.support.platform import until


async def taken(person: Person) -> dict[str, Any]:
    answer = await person.request("POST", "/me/export")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''my-data-")
    assert answer.headers["cache-control"] == "private, no-store"
    found: dict[str, Any] = answer.json()
    return found


async def test_a_person_takes_along_what_is_theirs(owner: Person) -> None:
    member = await invite(owner, "viewer")
    key = await member.post("/api-keys", {"name": "Nightly", "password": PASSWORD}, 201)
    await owner.new_deal("Of somebody else")

    async def is_told() -> bool:
        lines = (await taken(member))["audit_log"]
        return "auth.key.v1.created" in {line["type"] for line in lines}

    await until(is_told)  # a viewer may not read the audit log, but their own lines
    found = await taken(member)
    assert found["profile"]["email"] == member.email
    assert datetime.fromisoformat(found["exported_at"]).utcoffset() is not None
    assert [one["role"] for one in found["memberships"]] == ["viewer"]
    assert [one["name"] for one in found["api_keys"]] == ["Nightly"]
    assert found["notification_settings"]["preferences"]
    assert found["sessions"]
    text = json.dumps(found)
    for secret in (key["key"], member.token, member.refresh, "hash", owner.email, "$argon2"):
        assert secret not in text
    assert {line["actor_id"] for line in found["audit_log"]} == {member.user_id}
    (made,) = (line for line in found["audit_log"] if line["type"] == "auth.key.v1.created")
    assert (made["workspace_id"], made["detail"]) == (owner.workspace_id, "Nightly")
    assert made["address"]


async def test_no_key_takes_it(owner: Person) -> None:
    key = await owner.post("/api-keys", {"name": "Nightly", "password": PASSWORD}, 201)
    program = Person(owner.http, owner.email, token=key["key"])
    answer = await program.request("POST", "/me/export")
    assert (answer.status_code, answer.json()["reason"]) == (403, "API_KEY_NOT_ENOUGH")


@pytest.mark.parametrize("scripts", [True, False])
async def test_the_settings_give_the_file(visit: Open, owner: Person, scripts: bool) -> None:
    here = await visit(owner, java_script_enabled=scripts)
    await here.open("/settings")
    async with here.page.expect_download() as download:
        await here.page.get_by_role("button", name="Download my data").click()
    file = await download.value
    assert file.suggested_filename.startswith("my-data-")
    content = await asyncio.to_thread(Path(await file.path()).read_bytes)
    assert json.loads(content)["profile"]["email"] == owner.email
