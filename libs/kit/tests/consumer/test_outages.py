"""A bus or a database that goes away meanwhile: nothing is lost, nothing is buried."""

import asyncio
from uuid import UUID

import pytest

from kit.bus.consumer import Consumer
from kit.bus.jetstream import Bus
from kit.database import open_pool
from kit.ids import new_id
from kit.testing.background import running, until
from kit.testing.database import ServiceDatabase
from kit.testing.proxy import FaultProxy
from kit.unit_of_work import UnitOfWork
from libs.kit.tests.conftest import to_outbox
from libs.kit.tests.consumer.conftest import (
    WRITTEN,
    MakeConsumer,
    Messages,
    Publish,
    Settled,
    letters,
    project,
    state,
)


async def test_a_connection_that_went_silent_is_replaced(
    database: ServiceDatabase,
    workspace: UUID,
    nats_url: str,
    bus: Bus,
    messages: Messages,
    publish: Publish,
    consumer: MakeConsumer,
    settled: Settled,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kit.bus.pull.HEARTBEAT", 0.1)
    async with FaultProxy.to(nats_url) as proxy:
        behind = Bus(proxy.url, name="sample", profile="test")
        async with behind:
            it = consumer(project, on=behind)
            async with running(it.run):
                await publish(messages(3))
                await until(lambda: settled(it))
                proxy.hold()
                await publish(messages(6)[3:])
                await asyncio.sleep(0.5)
                proxy.mend()
                await until(lambda: settled(it))
                proxy.cut()
                await publish(messages(9)[6:])
                proxy.mend()
                await until(lambda: settled(it))
    assert ("sum", sum(range(1, 10))) in await state(database, workspace)


async def test_a_consumer_that_was_deleted_is_made_again(
    database: ServiceDatabase,
    workspace: UUID,
    bus: Bus,
    messages: Messages,
    publish: Publish,
    consumer: MakeConsumer,
    settled: Settled,
) -> None:
    it = consumer(project)
    async with running(it.run):
        await publish(messages(3))
        await until(lambda: settled(it))
        await bus.jetstream.delete_consumer("SAMPLE", it.name)
        await publish(messages(6)[3:])

        async def all_are_there() -> bool:
            return ("sum", 21) in await state(database, workspace)

        await until(all_are_there)


async def test_a_database_that_is_away_costs_no_message_an_attempt(
    database: ServiceDatabase,
    workspace: UUID,
    messages: Messages,
    publish: Publish,
    consumer: MakeConsumer,
    settled: Settled,
    bus: Bus,
) -> None:
    async with FaultProxy.to(database.dsns["app"]) as proxy:
        app = await open_pool(proxy.url, size=2, name="test")
        system = await open_pool(
            proxy.url.replace("sample_app", "sample_system"), size=2, name="test"
        )
        it = Consumer(
            bus,
            stream="SAMPLE",
            name=f"sample-{new_id().hex}",
            handlers={WRITTEN: project},
            open_unit=lambda workspace_id: UnitOfWork(
                app, workspace_id, to_outbox=to_outbox, wake_relay=lambda: None
            ),
            system=system,
            retry_after=(0.01,),
        )
        async with running(it.run):
            await publish(messages(3))
            await until(lambda: settled(it))
            proxy.cut()
            await publish(messages(20)[3:])
            await asyncio.sleep(1.5)
            proxy.mend()
            await until(lambda: settled(it))
        assert await letters(database, it) == []
        assert ("sum", sum(range(1, 21))) in await state(database, workspace)
        app.terminate()
        system.terminate()
