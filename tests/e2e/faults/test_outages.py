"""The bus stands still for a while: writing goes on, and everything arrives afterwards."""

import asyncio
import os
import signal

import httpx
import pytest

from tests.e2e.support.api import register
from tests.e2e.support.platform import Platform, until
from tests.e2e.support.writing import Writers, nothing_lost_and_nothing_doubled


async def test_writes_go_on_while_the_bus_is_away(
    platform: Platform, http: httpx.AsyncClient
) -> None:
    await write_while_the_bus_is_away(platform, http, seconds=0)


@pytest.mark.slow
@pytest.mark.timeout(1500)  # thousands of mails, of which notify sends twenty a second
async def test_writes_go_on_for_a_minute_without_the_bus(
    platform: Platform, http: httpx.AsyncClient
) -> None:
    await write_while_the_bus_is_away(platform, http, seconds=60)


async def write_while_the_bus_is_away(
    platform: Platform, http: httpx.AsyncClient, *, seconds: float
) -> None:
    """A hundred writes at least, and as long as that."""
    person = await register(http, "Patient")
    await person.hear_own_changes()
    writers = Writers(person)
    nats, before = platform.pid("nats"), restarts(platform)
    async with writers.at_work():
        await writers.until_acknowledged(10)
        os.kill(nats, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
            await writers.until_acknowledged(100)

            async def is_piled_up() -> bool:
                rows = await platform.rows(
                    "crm",
                    "SELECT count(*) AS n FROM outbox WHERE sent_at IS NULL"
                    " AND workspace_id = $1::uuid",
                    person.workspace_id,
                )
                return bool(rows[0]["n"] >= 100)

            await until(is_piled_up)
            assert writers.written.refusals.total() == 0, "nobody noticed"
        finally:
            os.kill(nats, signal.SIGCONT)
        await writers.until_acknowledged(10)
    assert platform.pid("nats") == nats
    await nothing_lost_and_nothing_doubled(platform, person, writers.written)
    assert restarts(platform) == before, "an outage of the bus restarts nobody"


async def test_mails_wait_for_the_mail_server(platform: Platform, http: httpx.AsyncClient) -> None:
    person = await register(http, "Waiting")
    await person.hear_own_changes()
    refused = await http.post(f"{platform.mail}/api/fail", params={"times": 1})
    assert refused.status_code == 200
    await person.move(await person.new_deal("Sent in the end"), "Won")

    async def has_arrived() -> bool:
        mails = (await http.get(f"{platform.mail}/api/messages")).json()
        return any(person.email in mail["recipients"] for mail in mails)

    await until(has_arrived)
    attempts = await platform.rows(
        "notify", "SELECT attempts FROM mails WHERE to_address = $1", person.email
    )
    assert [row["attempts"] for row in attempts] == [2]


def restarts(platform: Platform) -> dict[str, int]:
    """How often each process has been started again."""
    return {name: unit.restarts for name, unit in platform.units().items()}
