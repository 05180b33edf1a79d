"""From the outbox over a real bus into a consumer: what arrives, once, and in which order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

from kit.aggregate import Fact
from kit.bus.consumer import Consumer
from kit.ids import new_id
from kit.relay import OutboxRelay

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
WRITTEN = "sample.note.v1.written"


@asynccontextmanager
async def running(*works: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Background tasks of a process, for as long as the block lasts."""
    tasks = [asyncio.ensure_future(work()) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 no event tells
            await asyncio.sleep(0.01)


async def test_what_was_told_arrives_in_order(database, bus, outbox, open_unit, workspace):
    seen = []

    async def handler(uow, event):
        if event.workspace_id == workspace:
            seen.append((event.version, event.type, event.body, event.time))

    relay = OutboxRelay(database.dsns["system"], bus, service="sample")
    consumer = Consumer(
        bus,
        stream="SAMPLE",
        name=f"sample-{new_id().hex}",
        handlers={WRITTEN: handler},
        open_unit=open_unit,
        system=database.system,
    )
    note = new_id()
    async with running(relay.run, consumer.run):
        async with open_unit(workspace) as uow:
            uow.tell_facts(
                *(Fact(aggregate_id=note, version=n, at=AT, by=None) for n in range(1, 301))
            )
            await uow.commit()
        relay.wake()
        await until(lambda: len(seen) == 300)
    assert seen == [(n, WRITTEN, b"%d" % n, AT) for n in range(1, 301)]
    assert await outbox.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NULL") == 0
