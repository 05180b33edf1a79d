"""Any process is killed while people write: it comes back, nothing is lost, nobody is told twice.

`make test` kills each once; the long form writes a thousand times and more around five kills each.
"""

import asyncio
import random
from collections.abc import Sequence

import httpx
import pytest

from tests.e2e.support.api import Person, register
from tests.e2e.support.mails import mails_to
from tests.e2e.support.platform import Platform
from tests.e2e.support.writing import Writers, nothing_lost_and_nothing_doubled

EVERYTHING = (
    *("mail", "notify", "gateway", "auth", "crm", "crm-worker", "analytics", "analytics-worker"),
    *("nats", "valkey", "postgres"),
)


async def test_each_process_is_killed_once_and_nothing_is_lost(
    platform: Platform, http: httpx.AsyncClient
) -> None:
    await kill_while_writing(platform, http, EVERYTHING, writes=20)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", EVERYTHING)
async def test_a_process_killed_again_and_again_loses_nothing(
    platform: Platform, http: httpx.AsyncClient, name: str
) -> None:
    await kill_while_writing(platform, http, [name] * 5, writes=200)


async def kill_while_writing(
    platform: Platform, http: httpx.AsyncClient, names: Sequence[str], *, writes: int
) -> None:
    """So many acknowledged writes before each kill, which comes at any instant, and after it."""
    person = await register(http, "Writer")
    await person.hear_own_changes()
    writers = Writers(person)
    async with writers.at_work():
        for name in names:
            await writers.until_acknowledged(writes)
            await asyncio.sleep(random.random() * 0.05)  # anywhere within a write
            killed = platform.kill(name)
            await platform.until_back(name, killed)
        await writers.until_acknowledged(writes)
    await platform.until_all_ready()
    await nothing_lost_and_nothing_doubled(platform, person, writers.written)
    assert await message_ids(platform, http, person) <= await letters(platform, person)


async def message_ids(platform: Platform, http: httpx.AsyncClient, person: Person) -> set[str]:
    """Those that the sink remembers: the last few hundred, and none from before its own end."""
    found = {mail["headers"]["Message-ID"] for mail in await mails_to(http, platform, person.email)}
    assert found
    return {id.strip("<>").partition("@")[0] for id in found}


async def letters(platform: Platform, person: Person) -> set[str]:
    """The mails that were to be sent; a repeated one carries its Message-ID again."""
    rows = await platform.rows(
        "notify", "SELECT id::text FROM mails WHERE to_address = $1", person.email
    )
    return {row["id"] for row in rows}
