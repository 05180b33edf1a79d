"""The connection to NATS: outlives every outage, and says what is missing."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol
from uuid import UUID

import pytest

from kit.aggregate import Fact
from kit.bus.consumer import Consumer
from kit.bus.events import Event, Undecodable, decode
from kit.bus.jetstream import PRODUCERS, Bus, BusClosed, ServerTooOld
from kit.ids import new_id
from kit.pool import Pool
from kit.relay import OutboxRelay
from kit.testing.background import PATIENCE, running, until
from kit.testing.database import ServiceDatabase
from kit.unit_of_work import UnitOfWork
from libs.kit.tests.conftest import OpenUnit
from libs.kit.tests.sample.notes import AT
from local import servers


class StartNats(Protocol):
    def __call__(self, port: int = 0) -> servers.Server: ...


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[StartNats]:
    """A server of this test's own, to be stopped and started."""
    running_servers: list[servers.Server] = []

    def start(port: int = 0) -> servers.Server:
        running_servers.append(servers.start_nats(tmp_path, port))
        return running_servers[-1]

    yield start
    for server in running_servers:
        server.stop()


async def test_streams_are_made_where_nobody_else_does(nats: StartNats) -> None:
    url = nats().url
    async with Bus(url, name="one", profile="local") as one, Bus(url, name="two", profile="local"):
        assert one.ready
        names = {info.config.name for info in await one.jetstream.streams_info()}
        assert names == {*PRODUCERS, "DEAD", "UI"}
        await one.jetstream.publish("crm.0.deal.v1.moved", b"x", headers={"ce-id": "1"})

        async def pages_hear_of_it() -> bool:
            return (await one.jetstream.stream_info("UI")).state.messages == 1

        await until(pages_hear_of_it)


async def test_a_stream_of_an_older_shape_is_brought_up_to_date(nats: StartNats) -> None:
    url = nats().url
    async with Bus(url, name="one", profile="local") as bus:
        await bus.jetstream.update_stream(name="CRM", subjects=["crm.>"], max_age=60)
    async with Bus(url, name="one", profile="local") as bus:
        info = await bus.jetstream.stream_info("CRM")
        assert info.config.max_age == 30 * 86_400


async def test_elsewhere_a_service_waits_for_who_owns_the_streams(nats: StartNats) -> None:
    url = nats().url
    bus = Bus(url, name="sample", profile="production")
    async with running(bus.run):
        await until(lambda: bus.client.is_connected)
        await asyncio.sleep(0.2)
        assert (bus.ready, bus.is_connected) == (False, False)
        with pytest.raises(ConnectionError):
            await bus.check()
        async with Bus(url, name="deploy-job", profile="local"):
            await until(lambda: bus.ready)
        await bus.check()


async def test_a_service_may_be_there_before_its_bus(nats: StartNats) -> None:
    port = servers.free_port()
    later = nats(port)
    later.stop()
    bus = Bus(later.url, name="sample", profile="local")
    async with running(bus.run):
        await asyncio.sleep(0.2)
        assert not bus.ready
        nats(port)
        await bus.connected()
        assert bus.ready


async def test_an_old_server_is_refused_by_name() -> None:
    async with pretending_to_be("2.9.10") as url:
        with pytest.raises(ServerTooOld, match=r"2\.9\.10"):
            async with Bus(url, name="sample", profile="local"):
                raise AssertionError("it must not come here")


async def test_a_client_that_gave_up_ends_its_process(nats: StartNats) -> None:
    async def lose() -> None:
        async with Bus(nats().url, name="sample", profile="local") as bus:
            await bus.client.close()
            assert bus._task is not None
            await asyncio.wait_for(bus._task, PATIENCE)

    with pytest.raises(BusClosed):
        await lose()


async def test_a_restarted_server_is_found_again_and_nothing_is_lost(
    nats: StartNats, database: ServiceDatabase, open_unit: OpenUnit, outbox: Pool, workspace: UUID
) -> None:
    """Writes go on meanwhile; relay and consumer resume by themselves."""
    seen = set()

    async def handler(uow: UnitOfWork, event: Event) -> None:
        seen.add(event.version)

    async def tell(version: int) -> None:
        async with open_unit(workspace) as uow:
            uow.tell_facts(Fact(aggregate_id=new_id(), version=version, at=AT, by=None))
            await uow.commit()

    server = nats()
    port = int(server.url.rpartition(":")[2])
    bus = Bus(server.url, name="sample", profile="local")
    relay = OutboxRelay(database.dsns["system"], bus, service="sample")
    async with bus:
        await bus.jetstream.add_stream(name="SAMPLE", subjects=["sample.>"])
        consumer = Consumer(
            bus,
            stream="SAMPLE",
            name="sample-notes",
            handlers={"sample.note.v1.written": handler},
            open_unit=open_unit,
            system=database.system,
        )
        async with running(relay.run, consumer.run):
            await tell(1)
            await until(lambda: seen == {1})
            server.stop()
            for version in range(2, 30):
                await tell(version)
            assert seen == {1}
            nats(port)
            await until(lambda: seen == set(range(1, 30)))


@asynccontextmanager
async def pretending_to_be(version: str) -> AsyncIterator[str]:
    """As much of a NATS server as a client asks for when it connects."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        info = {"server_id": "x", "version": version, "max_payload": 2**20, "headers": True}
        writer.write(f"INFO {json.dumps(info)}\r\n".encode())
        while line := await reader.readline():
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


GOOD = {
    "ce-id": "01920000-0000-7000-8000-000000000001",
    "ce-type": "crm.deal.v1.moved",
    "ce-subject": "01920000-0000-7000-8000-000000000002",
    "ce-time": "2026-01-05T09:00:00+00:00",
    "ce-workspaceid": "01920000-0000-7000-8000-000000000003",
}


def test_an_envelope_is_read_with_all_that_is_optional() -> None:
    bulk, actor = new_id(), new_id()
    more = {
        "ce-bulkid": str(bulk),
        "ff-actor": str(actor),
        "ff-origin": "page-1",
        "ff-version": "7",
    }
    event = decode("crm.3.deal.v1.moved", GOOD | more, b"body")
    assert (event.bulk_id, event.actor_id, event.origin, event.version) == (
        bulk,
        actor,
        "page-1",
        7,
    )
    assert event.recorded_at.year == 2024
    bare = decode("crm.3.deal.v1.moved", {k: v for k, v in GOOD.items() if k != "ce-type"}, b"")
    assert (bare.type, bare.bulk_id, bare.version) == ("crm.deal.v1.moved", None, None)


@pytest.mark.parametrize("name", ["ce-id", "ce-subject", "ce-time", "ce-workspaceid"])
@pytest.mark.parametrize("value", [None, "rubbish"])
def test_an_envelope_without_what_it_needs_is_none(name: str, value: str | None) -> None:
    headers = GOOD | {name: value} if value else {k: v for k, v in GOOD.items() if k != name}
    with pytest.raises(Undecodable):
        decode("crm.3.deal.v1.moved", headers, b"")


def test_a_message_without_headers_is_no_event() -> None:
    with pytest.raises(Undecodable):
        decode("crm.3.deal.v1.moved", None, b"")
