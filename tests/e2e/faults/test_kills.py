"""Any process is killed while people write: it comes back, nothing is lost, nobody is told twice.

`make test` kills each once; the long form writes a thousand times and more around five kills each.
"""

import asyncio
import random

import httpx
import pytest

from tests.e2e.support.api import register
from tests.e2e.support.mails import mails_to
from tests.e2e.support.platform import Platform
from tests.e2e.support.writing import Writers, nothing_lost_and_nothing_doubled

EVERYTHING = (
    *("gateway", "auth", "crm", "crm-worker", "analytics", "notify"),
    *("nats", "postgres", "valkey", "mail"),
)
KEPT_BY_SINK = 500  # mails the sink remembers


@pytest.mark.parametrize("name", EVERYTHING)
async def test_a_killed_process_loses_nothing(
    platform: Platform, http: httpx.AsyncClient, name: str
) -> None:
    await kill_while_writing(platform, http, name, kills=1, writes=20)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", EVERYTHING)
async def test_a_process_killed_again_and_again_loses_nothing(
    platform: Platform, http: httpx.AsyncClient, name: str
) -> None:
    await kill_while_writing(platform, http, name, kills=5, writes=200)


async def kill_while_writing(
    platform: Platform, http: httpx.AsyncClient, name: str, *, kills: int, writes: int
) -> None:
    """`writes` acknowledged writes before, between and after the kills, which come at any instant."""
    person = await register(http, "Writer")
    writers = Writers(person)
    async with writers.at_work():
        for _ in range(kills):
            await writers.until_acknowledged(writes)
            await asyncio.sleep(random.random() * 0.05)  # anywhere within a write
            killed = platform.kill(name)
            await platform.until_back(name, killed)
        await writers.until_acknowledged(writes)
    await platform.until_all_ready()
    await nothing_lost_and_nothing_doubled(platform, person, writers.written)
    if name != "mail" and len(writers.written.moved) < KEPT_BY_SINK / 2:
        ids = [m["headers"]["Message-ID"] for m in await mails_to(http, platform, person.email)]
        assert len(set(ids)) == len(writers.written.moved)
