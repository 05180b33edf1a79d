"""One service's database is set back while the others go on: the steps of docs/backup.md."""

import asyncio
import subprocess
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from kit.provision import ROLES, provision
from local import binaries
from local.postgres import SUPERUSER
from tests.e2e.support.api import Person, invite, register
from tests.e2e.support.histories import PATIENCE, Past, lived, told
from tests.e2e.support.mails import mails_to
from tests.e2e.support.platform import ROOT, WITH_DATABASE, Platform, until
from tests.e2e.test_leaving import delete, left_of

DOCS = (ROOT / "docs" / "backup.md").read_text()
SINCE = "2026-11-29 02:57:42+00"  # as the page has it
ERASED = "SELECT workspace_id FROM erasures;"
ERASE = "INSERT INTO erasures (workspace_id) VALUES ('…') ON CONFLICT DO NOTHING;"
TELL = "UPDATE outbox SET sent_at = NULL WHERE sent_at >= "
TELL_AGAIN = f"{TELL}timestamptz '{SINCE}' - interval '10 minutes';"
NO_MAILS = "type SIMILAR TO 'auth.(member.%|workspace.v1.(created|updated|erased))'"
COUNT_ON = "UPDATE rescoring SET runs = runs + 1000000;"
DEALS = [
    *(Past(30.4 * n + 15, 30.4 * n + 4, "Lost" if n % 4 == 2 else "Won") for n in range(14)),
    *(Past(12 * n + 3, amount=f"{500 + 211 * n}.45") for n in range(5)),
]
OPEN = 5
EUROS = {"amount_minor": 700_00, "currency": "EUR"}


def test_the_page_has_these_statements() -> None:
    for statement in (ERASED, ERASE, TELL_AGAIN, NO_MAILS, COUNT_ON):
        assert statement in DOCS


def program(platform: Platform, name: str, *arguments: str) -> None:
    done = subprocess.run(
        [
            str(binaries.find(binaries.POSTGRES).resolve().parent / name),
            "--host=127.0.0.1",
            f"--port={platform.plan.port('postgres')}",
            f"--username={SUPERUSER}",
            *arguments,
        ],
        env={"PGPASSWORD": (platform.plan.data("postgres") / "password").read_text()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


async def keep(platform: Platform, service: str, file: Path) -> str:
    """Copy one database; the moment it is of."""
    (row,) = await platform.rows(service, "SELECT clock_timestamp()::text AS now")
    await asyncio.to_thread(program, platform, "pg_dump", f"--file={file}", service)
    return str(row["now"])


async def set_back(platform: Platform, service: str, file: Path) -> None:
    """Put the copy in the database's place, under the running service."""
    admin, then = platform.plan.admin_url, f"{service}_then"
    passwords = {role: platform.plan.secret(f"{service}-{role}") for role in ROLES}
    await provision(admin, service, passwords, database=then)
    loading = ("--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={then}", f"--file={file}")
    await asyncio.to_thread(program, platform, "psql", *loading)
    for statement in (
        f"DROP DATABASE {service} WITH (FORCE)",
        f"ALTER DATABASE {then} RENAME TO {service}",
    ):
        await platform.rows("postgres", statement)
    await platform.until_all_ready()


async def erase_here_too(platform: Platform, service: str) -> None:
    gone = {
        row["workspace_id"] for other in WITH_DATABASE for row in await platform.rows(other, ERASED)
    }
    for workspace_id in gone:
        await platform.rows(service, ERASE.replace("…", str(workspace_id)))


async def tell_again(platform: Platform, since: str, *services: str) -> None:
    for service in services:
        await platform.rows(service, TELL_AGAIN.replace(SINCE, since))


async def rebuild(platform: Platform, *people: Person) -> None:
    done = await asyncio.to_thread(
        platform.local, "rebuild", *(person.workspace_id for person in people)
    )
    assert done.returncode == 0, done.stdout + done.stderr


async def agrees(person: Person) -> bool:
    """Whether analytics counts the deals that crm has, and crm shows the odds that it says."""
    shown = (await person.get("/deals", stage_type="open", limit=200))["items"]
    pipeline = await person.get("/analytics/pipeline")
    scored = await person.request("GET", "/analytics/deals")
    if scored.status_code != 200 or pipeline["open_count"] != len(shown):
        return False
    said = {deal["deal_id"]: deal["win_probability"] for deal in scored.json()["items"]}
    return said == {deal["id"]: deal.get("win_probability") for deal in shown}


async def until_agreed(person: Person) -> None:
    async def is_agreed() -> bool:
        return await agrees(person)

    await until(is_agreed, patience=PATIENCE)


async def open_deal(person: Person) -> dict[str, Any]:
    """One that the history left open."""
    found: dict[str, Any] = (await person.get("/deals", stage_type="open"))["items"][0]
    return found


@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_crm_is_set_back_and_all_agree_again(
    platform: Platform, http: httpx.AsyncClient, owner: Person, tmp_path: Path
) -> None:
    leaver = await register(http, "Lena")
    await leaver.new_deal("To be erased")
    await told(owner, await lived(owner, DEALS))
    deal = await open_deal(owner)
    since = await keep(platform, "crm", tmp_path / "crm.sql")

    await owner.move(deal, "Won")
    await owner.new_deal("Lost with the disk", amount=EUROS)
    newcomer = await register(http, "Nora")
    await newcomer.new_deal("Lost as well", amount=EUROS)
    member = await invite(owner, "sales")
    assert (await delete(leaver)).status_code == 204

    async def is_erased() -> bool:
        return not (await left_of(platform, leaver.workspace_id)).keys() - {"auth.outbox"}

    await until(is_erased)
    await told(owner, len(DEALS) + 1)

    await set_back(platform, "crm", tmp_path / "crm.sql")
    await erase_here_too(platform, "crm")
    await until(is_erased)

    async def knows_everybody() -> bool:
        await tell_again(platform, since, "auth", "analytics")
        await asyncio.sleep(5)  # for two minutes the bus takes it for what it has
        owners = await owner.get("/owners", limit=200)
        stages = await newcomer.get("/stages")
        ids = {one["id"] for one in owners["items"]}
        return member.user_id in ids and bool(stages["items"])

    await until(knows_everybody, patience=PATIENCE)
    await rebuild(platform, owner, newcomer, leaver)
    assert await is_erased(), "nobody is built anew who was erased"

    assert len((await owner.get("/deals", stage_type="open"))["items"]) == OPEN
    assert not (await newcomer.get("/deals"))["items"]
    for person in (owner, newcomer):
        await until_agreed(person)
    again = await owner.get(f"/deals/{deal['id']}")
    assert again["version"] == deal["version"]
    await owner.move(again, "Won")  # a version that analytics had heard of already
    await owner.new_deal("After all that", amount=EUROS)
    await until_agreed(owner)
    assert (await owner.get("/analytics/pipeline"))["open_count"] == OPEN


@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_analytics_is_set_back_and_all_agree_again(
    platform: Platform, owner: Person, tmp_path: Path
) -> None:
    await told(owner, await lived(owner, DEALS))
    deal = await open_deal(owner)
    since = await keep(platform, "analytics", tmp_path / "analytics.sql")
    await owner.move(deal, "Won")
    await owner.new_deal("Known to crm", amount=EUROS)
    await told(owner, len(DEALS) + 1)

    await set_back(platform, "analytics", tmp_path / "analytics.sql")
    await erase_here_too(platform, "analytics")
    await tell_again(platform, since, "auth")
    await platform.rows("analytics", COUNT_ON)
    await rebuild(platform, owner)
    await until_agreed(owner)
    deal = await open_deal(owner)
    assert deal["win_probability"] is not None, "they agree about something"
    await owner.move(deal, "Won")
    await until_agreed(owner)
    assert (await owner.get("/analytics/pipeline"))["open_count"] == OPEN - 1


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_notify_is_set_back_and_knows_whom_to_tell(
    platform: Platform, http: httpx.AsyncClient, owner: Person, tmp_path: Path
) -> None:
    since = await keep(platform, "notify", tmp_path / "notify.sql")
    member = await invite(owner, "sales")

    async def invitations() -> int:
        mails = await mails_to(http, platform, member.email)
        return sum("invite" in mail["subject"] for mail in mails)

    async def is_invited() -> bool:
        return await invitations() == 1

    await until(is_invited)
    await set_back(platform, "notify", tmp_path / "notify.sql")
    await erase_here_too(platform, "notify")
    told_again = TELL_AGAIN.replace(SINCE, since).replace(";", f" AND {NO_MAILS};")

    async def knows_them() -> bool:
        await platform.rows("auth", told_again)
        await asyncio.sleep(5)  # for two minutes the bus takes it for what it has
        known = "SELECT 1 FROM recipients WHERE user_id = $1"
        return bool(await platform.rows("notify", known, UUID(member.user_id)))

    await until(knows_them, patience=PATIENCE)
    await owner.move(await owner.new_deal("News", owner_id=member.user_id), "Won")

    async def is_notified() -> bool:
        return bool((await member.get("/notifications"))["items"])

    await until(is_notified)
    assert await invitations() == 1, "nobody is invited twice"
