"""`make backup` of a platform at work, and `make restore` on a machine that had nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import httpx
import pytest

from tests.e2e.support.api import PASSWORD, Person, invite, register
from tests.e2e.support.mails import mails_to
from tests.e2e.support.platform import Platform, until
from tests.e2e.test_leaving import delete, left_of

REPORTS = Path(__file__).parents[3] / "reports"
PATIENCE = 400.0  # seconds: the demo data are told again as well
DOCS = (Path(__file__).parents[3] / "docs" / "backup.md").read_text()
DELETED_SINCE = "SELECT DISTINCT id FROM owners WHERE version = 2147483647 AND removed_at >"
EUROS = {"amount_minor": 700_00, "currency": "EUR"}


class Elsewhere(NamedTuple):
    """A platform that was restored, somebody who was there, and two who have left since: one with
    the workspace, and one out of a workspace of others."""

    platform: Platform
    person: Person
    gone: Person
    former: Person
    listed: Path


async def open_deals(person: Person) -> int:
    pipeline = await person.get("/analytics/pipeline")
    return int(pipeline["open_count"])


@pytest.fixture
async def restored(
    platform: Platform, http: httpx.AsyncClient, tmp_path: Path
) -> AsyncIterator[Elsewhere]:
    """Kept while people work: nobody has heard of the last deal yet, and one more came later."""
    owner = await register(http, "Olga")
    for _ in range(2):
        await owner.new_deal(amount=EUROS)
    await http.post("/api/v1/auth/password/forgot", json={"email": owner.email})

    async def is_mailed() -> bool:
        return bool(await mails_to(http, platform, owner.email))

    await until(is_mailed)
    leaver = await register(http, "Lena")
    await leaver.new_deal("To be erased")
    former = await invite(owner, "sales")
    await owner.new_deal("The last", amount=EUROS)
    kept = tmp_path / "kept"
    made = await asyncio.to_thread(platform.local, "backup", str(kept))
    assert made.returncode == 0, made.stdout + made.stderr
    await owner.new_deal("Too late", amount=EUROS)
    left = await delete(leaver)
    assert left.status_code == 204, left.text
    left = await delete(former)
    assert left.status_code == 204, left.text
    (tmp_path / "list").write_text(await deleted_since(platform, former))

    other = Platform(tmp_path / "other")
    done = await asyncio.to_thread(other.local, "restore", str(kept), "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    try:
        await other.start()
        async with httpx.AsyncClient(base_url=other.gateway, timeout=30) as client:
            here, gone, left_alone = (
                Person(client, one.email, user_id=one.user_id) for one in (owner, leaver, former)
            )
            yield Elsewhere(other, here, gone, left_alone, tmp_path / "list")
    finally:
        await other.stop(keep_logs_in=REPORTS / "restored-logs")


@pytest.mark.timeout(900)
async def test_all_that_was_kept_is_there_and_goes_on(
    restored: Elsewhere, http: httpx.AsyncClient
) -> None:
    platform, person, gone, former, listed = restored
    await person.sign_in()
    names = {deal["name"] for deal in (await person.get("/deals"))["items"]}
    assert len(names) == 3
    assert "The last" in names

    async def is_told() -> bool:
        return await open_deals(person) == 3

    await until(is_told)
    await person.new_deal(amount=EUROS)

    async def is_heard() -> bool:
        return await open_deals(person) == 4

    await until(is_heard)

    async def all_is_told() -> bool:
        return not await platform.rows("crm", "SELECT 1 FROM outbox WHERE sent_at IS NULL LIMIT 1")

    await until(all_is_told, patience=PATIENCE)
    again = await mails_to(http, platform, person.email)
    assert again == [], "a mail that had been sent is not sent again"
    await erase_again(platform, gone)
    await delete_again(platform, former, listed, person)


async def deleted_since(platform: Platform, former: Person) -> str:
    """As docs/backup.md has it written down before the restore."""
    assert f"{DELETED_SINCE} 'time of the backup';" in DOCS
    found: list[str] = []

    async def is_known() -> bool:
        rows = await platform.rows("crm", f"{DELETED_SINCE} now() - interval '10 minutes'")
        found[:] = [str(row["id"]) for row in rows]
        return former.user_id in found

    await until(is_known)
    return "\n".join(found)


async def delete_again(platform: Platform, former: Person, listed: Path, host: Person) -> None:
    """Whoever deleted their account after the backup has it again, until that step."""
    await former.sign_in()
    for _ in range(2):  # harmless when it is done twice
        done = await asyncio.to_thread(platform.local, "delete-accounts", str(listed))
        assert done.returncode == 0, done.stdout + done.stderr
    assert f"{former.user_id}: is gone already" in done.stdout
    body = {"email": former.email, "password": PASSWORD}
    assert (await former.http.post("/api/v1/auth/login", json=body)).status_code == 401

    async def is_nameless() -> bool:
        rows = await platform.rows(
            "crm", "SELECT name FROM owners WHERE id = $1", UUID(former.user_id)
        )
        return {row["name"] for row in rows} == {"A former member"}

    await until(is_nameless)
    members = (await host.get("/members"))["items"]
    assert former.user_id not in {member["user_id"] for member in members}


async def erase_again(platform: Platform, gone: Person) -> None:
    """Whoever left after the backup is back with it, until the step of docs/backup.md."""
    await gone.sign_in()
    assert (await gone.get("/deals"))["items"]
    await platform.rows(
        "auth",
        "UPDATE workspaces SET erase_at = now() WHERE workspace_id = $1",
        UUID(gone.workspace_id),
    )
    killed = platform.kill("auth")  # it looks at its start, and every ten minutes
    await platform.until_back("auth", killed)
    await platform.until_all_ready()

    async def is_erased() -> bool:
        return not (await left_of(platform, gone.workspace_id)).keys() - {"auth.outbox"}

    await until(is_erased)

    async def is_nobody() -> bool:
        body = {"email": gone.email, "password": PASSWORD}
        return (await gone.http.post("/api/v1/auth/login", json=body)).status_code == 401

    await until(is_nobody)
