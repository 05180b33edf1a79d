"""The relay: duplicates are allowed, losses never; whatever stops at whatever moment."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Protocol
from uuid import UUID

import asyncpg
import pytest

from kit.aggregate import Fact
from kit.bus.jetstream import Bus
from kit.ids import new_id
from kit.outbox import WRITE, written
from kit.pool import Pool
from kit.relay import BEING_WRITTEN, OutboxRelay
from kit.telemetry.tracing import valid
from kit.testing.background import running, until
from kit.testing.database import ServiceDatabase
from kit.testing.proxy import FaultProxy
from libs.kit.tests.conftest import OpenUnit, to_outbox
from libs.kit.tests.sample.notes import AT

# As docs/deployment.md has it, for who has lost the streams.
SEND_AGAIN = "UPDATE outbox SET sent_at = NULL WHERE sent_at >= now() - interval '1 day'"

Hear = Callable[[], Awaitable[list[int]]]
Check = Callable[[], Awaitable[bool]]


class Tell(Protocol):
    async def __call__(
        self, count: int, *, start: int = 1, bulk_id: UUID | None = None
    ) -> None: ...


@pytest.fixture
def tell(open_unit: OpenUnit, workspace: UUID) -> Tell:
    async def tell(count: int, *, start: int = 1, bulk_id: UUID | None = None) -> None:
        async with open_unit(workspace) as uow:
            facts = [
                Fact(aggregate_id=new_id(), version=version, at=AT, by=None)
                for version in range(start, start + count)
            ]
            rows = [to_outbox(workspace, fact, bulk_id=bulk_id) for fact in facts]
            await uow.run(WRITE, **written(rows))
            await uow.commit()

    return tell


@pytest.fixture
def heard(bus: Bus, workspace: UUID) -> Hear:
    """What the stream holds of this test's workspace, in its order."""

    async def heard() -> list[int]:
        info = await bus.jetstream.stream_info("SAMPLE")
        versions = []
        for sequence in range(max(info.state.first_seq, 1), info.state.last_seq + 1):
            message = await bus.jetstream.get_msg("SAMPLE", sequence)
            assert message.headers is not None
            if message.headers["ce-workspaceid"] == str(workspace):
                versions.append(int(message.data or b""))
        return versions

    return heard


@pytest.fixture
def nothing_waits(outbox: Pool) -> Check:
    async def nothing_waits() -> bool:
        return not await outbox.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NULL")

    return nothing_waits


def relay_on(database: ServiceDatabase, bus: Bus) -> OutboxRelay:
    return OutboxRelay(database.dsns["system"], bus, service="sample")


async def test_everything_is_sent_once_and_in_order(
    database: ServiceDatabase, bus: Bus, tell: Tell, heard: Hear, nothing_waits: Check
) -> None:
    relay = relay_on(database, bus)
    async with running(relay.run):
        await tell(600)
        relay.wake()
        await until(nothing_waits)
    assert await heard() == list(range(1, 601))


async def test_single_changes_go_before_the_rows_of_an_import(
    database: ServiceDatabase, bus: Bus, tell: Tell, heard: Hear, nothing_waits: Check
) -> None:
    await tell(600, bulk_id=new_id())
    await tell(3, start=601)
    async with running(relay_on(database, bus).run):
        await until(nothing_waits)
    assert await heard() == [601, 602, 603, *range(1, 601)]


async def test_an_import_is_known_by_its_newest_row(outbox: Pool, tell: Tell) -> None:
    """While more of it are being written, the relay leaves the machine to whoever writes."""
    await tell(1)
    assert not await outbox.fetchval(BEING_WRITTEN)
    await tell(2, start=2, bulk_id=new_id())
    await tell(1, start=4)
    assert await outbox.fetchval(BEING_WRITTEN)
    await outbox.execute("UPDATE outbox SET recorded_at = now() - interval '5 seconds'")
    assert not await outbox.fetchval(BEING_WRITTEN)
    await tell(1, start=5, bulk_id=new_id())
    assert await outbox.fetchval(BEING_WRITTEN)
    # A bulk edit has somebody behind it, and colleagues who look at the board.
    await outbox.execute('UPDATE outbox SET headers = headers || \'{"ff-actor": "somebody"}\'')
    assert not await outbox.fetchval(BEING_WRITTEN)


async def test_what_is_told_elsewhere_is_found_without_a_wake(
    database: ServiceDatabase, bus: Bus, tell: Tell, nothing_waits: Check
) -> None:
    async with running(relay_on(database, bus).run):
        await tell(1)
        await until(nothing_waits)


async def test_an_envelope_says_what_happened(
    database: ServiceDatabase,
    bus: Bus,
    outbox: Pool,
    tell: Tell,
    workspace: UUID,
    nothing_waits: Check,
) -> None:
    await tell(1)
    async with running(relay_on(database, bus).run):
        await until(nothing_waits)
    [row] = await outbox.fetch("SELECT * FROM outbox")
    info = await bus.jetstream.stream_info("SAMPLE")
    message = await bus.jetstream.get_msg("SAMPLE", info.state.last_seq)
    assert message.subject == row["subject"]
    assert message.headers is not None
    assert valid(message.headers.pop("traceparent")), "whoever hears of it stands in one trace"
    assert message.headers == {
        "Nats-Msg-Id": str(row["event_id"]),
        "ce-specversion": "1.0",
        "ce-id": str(row["event_id"]),
        "ce-type": "sample.note.v1.written",
        "ce-source": "/sample",
        "ce-subject": str(row["aggregate_id"]),
        "ce-time": "2026-01-05T09:00:00+00:00",
        "ce-workspaceid": str(workspace),
        "ce-sequence": str(row["number"]),
        "ff-version": "1",
    }


async def test_a_late_commit_with_an_early_number_is_not_passed_over(
    database: ServiceDatabase,
    bus: Bus,
    tell: Tell,
    open_unit: OpenUnit,
    workspace: UUID,
    heard: Hear,
    nothing_waits: Check,
) -> None:
    fact = Fact(aggregate_id=new_id(), version=1, at=AT, by=None)
    async with running(relay_on(database, bus).run):
        async with open_unit(workspace) as slow:
            await slow.run(WRITE, **written([to_outbox(workspace, fact)]))  # takes its number here
            await tell(3, start=2)

            async def others_are_heard() -> bool:
                return await heard() == [2, 3, 4]

            await until(others_are_heard)
            await slow.commit()
        await until(nothing_waits)
    assert await heard() == [2, 3, 4, 1]


class Stopped(BaseException):
    """The process ends here."""


class StoppedAt:
    """Runs a coroutine up to its n-th wait, and no further."""

    def __init__(self, work: Coroutine[Any, Any, None], waits: int) -> None:
        self.work = work
        self.waits = waits

    def __await__(self) -> Generator[Any, None, None]:
        steps = self.work.__await__()
        waited_for = next(steps)
        for _ in range(self.waits):
            try:
                yield waited_for
            except BaseException as error:
                waited_for = steps.throw(error)
            else:
                waited_for = next(steps)
        steps.throw(Stopped())  # what it waits for now will never be known


async def stopped_at(work: Coroutine[Any, Any, None], waits: int) -> None:
    await StoppedAt(work, waits)


async def test_stopped_at_every_wait_nothing_is_lost(
    database: ServiceDatabase, bus: Bus, outbox: Pool, tell: Tell, heard: Hear, nothing_waits: Check
) -> None:
    """Connecting, locking, fetching, each publish, the acknowledgements, marking."""
    waits = told = 0
    while True:
        await tell(3, start=told + 1)
        told += 3
        relay = asyncio.create_task(stopped_at(relay_on(database, bus).run(), waits))
        with pytest.raises(Stopped):
            await relay
        if await nothing_waits():
            break  # this one was stopped after its work was done
        waits += 1
    assert waits > 10  # there were so many places to stop
    async with running(relay_on(database, bus).run):
        await until(nothing_waits)
    assert set(await heard()) == set(range(1, told + 1))


async def test_the_bus_is_away_and_comes_back(
    database: ServiceDatabase,
    nats_url: str,
    bus: Bus,
    tell: Tell,
    heard: Hear,
    nothing_waits: Check,
) -> None:
    async with FaultProxy.to(nats_url) as proxy:
        away = Bus(proxy.url, name="sample", profile="test")
        relay = relay_on(database, away)
        async with away, running(relay.run):
            await tell(1)
            relay.wake()
            await until(nothing_waits)
            proxy.cut()
            await tell(300, start=2)
            relay.wake()
            await asyncio.sleep(0.1)
            assert not await nothing_waits()
            proxy.mend()
            await until(nothing_waits)
    assert set(await heard()) == set(range(1, 302))


async def test_a_bus_that_says_nothing_is_no_acknowledgement(
    database: ServiceDatabase,
    nats_url: str,
    bus: Bus,
    tell: Tell,
    heard: Hear,
    nothing_waits: Check,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kit.relay.ACK_TIMEOUT", 0.2)
    async with FaultProxy.to(nats_url) as proxy:
        silent = Bus(proxy.url, name="sample", profile="test")
        relay = relay_on(database, silent)
        async with silent, running(relay.run):
            proxy.hold()
            await tell(5)
            relay.wake()
            await asyncio.sleep(0.5)
            assert not await nothing_waits()
            proxy.mend()
            await until(nothing_waits)
    assert set(await heard()) == {1, 2, 3, 4, 5}


async def test_the_database_says_goodbye_and_comes_back(
    database: ServiceDatabase,
    bus: Bus,
    outbox: Pool,
    tell: Tell,
    heard: Hear,
    nothing_waits: Check,
) -> None:
    """Its last words come while the relay rests, and before the connection ends."""
    async with FaultProxy.to(database.dsns["system"]) as proxy:
        relay = OutboxRelay(proxy.url, bus, service="sample")
        async with running(relay.run):
            await tell(1)
            await until(nothing_waits)
            proxy.linger()
            for pid in await outbox.fetch(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'sample-relay'"
            ):
                await kill(database, pid["pid"])
            await tell(1, start=2)
            await until(nothing_waits)
    assert await heard() == [1, 2]


async def test_one_of_two_relays_works_and_the_other_takes_over(
    database: ServiceDatabase, bus: Bus, outbox: Pool, tell: Tell, heard: Hear, nothing_waits: Check
) -> None:
    async def holders() -> list[asyncpg.Record]:
        return await outbox.fetch(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )

    async with running(relay_on(database, bus).run, relay_on(database, bus).run):
        await tell(50)
        await until(nothing_waits)
        [first] = await holders()
        await kill(database, first["pid"])

        async def another_holds() -> bool:
            found = await holders()
            return len(found) == 1 and found[0]["pid"] != first["pid"]

        await until(another_holds)
        await tell(50, start=51)
        await until(nothing_waits)
    assert await heard() == list(range(1, 101))


async def test_a_lost_stream_is_filled_again(
    database: ServiceDatabase, bus: Bus, tell: Tell, heard: Hear, nothing_waits: Check
) -> None:
    async with running(relay_on(database, bus).run):
        await tell(10)
        await until(nothing_waits)
        await bus.jetstream.purge_stream("SAMPLE")
        await asyncio.sleep(0.6)  # longer than the stream drops repeats
        assert await heard() == []
        await database.system.execute(SEND_AGAIN)
        await until(nothing_waits)
    assert await heard() == list(range(1, 11))


async def test_what_was_sent_long_ago_is_forgotten(
    database: ServiceDatabase, bus: Bus, outbox: Pool, tell: Tell, nothing_waits: Check
) -> None:
    await tell(3)
    await outbox.execute("UPDATE outbox SET sent_at = now() - interval '8 days'")
    await tell(1)
    async with running(relay_on(database, bus).run):

        async def one_is_left() -> bool:
            return bool(await outbox.fetchval("SELECT count(*) FROM outbox") == 1)

        await until(one_is_left)
        await until(nothing_waits)


async def kill(database: ServiceDatabase, pid: int) -> None:
    """As the system role itself: the administrator's way to end another connection."""
    connection = await asyncpg.connect(database.dsns["system"])
    await connection.execute("SELECT pg_terminate_backend($1)", pid)
    await connection.close()
