"""What cannot be handled: buried with its reason, or tried until it can be."""

from collections import Counter
from uuid import UUID

import pytest
from google.protobuf.message import DecodeError

from kit.bus.consumer import Consumer
from kit.bus.events import Event
from kit.bus.jetstream import Bus
from kit.database import DatabaseUnavailable
from kit.errors import InvalidInput
from kit.testing.background import running, until
from kit.testing.database import ServiceDatabase
from kit.unit_of_work import UnitOfWork
from libs.kit.tests.consumer.conftest import (
    MakeConsumer,
    Messages,
    Publish,
    Settled,
    letters,
    project,
    state,
)


async def test_poison_is_buried_and_the_others_go_on(
    database: ServiceDatabase,
    workspace: UUID,
    messages: Messages,
    publish: Publish,
    consumer: MakeConsumer,
    settled: Settled,
) -> None:
    handled = Counter[int | None]()

    async def handler(uow: UnitOfWork, event: Event) -> None:
        handled[event.version] += 1
        if event.version == 13:
            raise ZeroDivisionError("cannot digest 13")
        await project(uow, event)

    await publish(messages(40))
    it = consumer(handler)
    async with running(it.run):
        await until(lambda: settled(it))
    [letter] = await letters(database, it)
    assert (letter["body"], letter["attempts"]) == (b"13", 5)
    assert letter["error"] == "ZeroDivisionError: cannot digest 13"
    assert ("sum", sum(range(1, 41)) - 13) in await state(database, workspace)


async def test_what_was_buried_is_tried_once_more_at_each_start(
    database: ServiceDatabase,
    workspace: UUID,
    messages: Messages,
    publish: Publish,
    consumer: MakeConsumer,
    settled: Settled,
) -> None:
    broken = True

    async def gone(it: Consumer) -> bool:
        return await letters(database, it) == []

    async def handler(uow: UnitOfWork, event: Event) -> None:
        if broken:
            raise ZeroDivisionError
        await project(uow, event)

    await publish(messages(3))
    it = consumer(handler)
    for _ in range(2):
        async with running(it.run):
            await until(lambda: settled(it))
        assert len(await letters(database, it)) == 3
    broken = False
    for _ in range(2):
        async with running(it.run):
            await until(lambda: gone(it))
        assert ("sum", 6) in await state(database, workspace)


@pytest.mark.parametrize("error", [DecodeError("garbage"), InvalidInput("no such thing")])
async def test_what_no_retry_can_change_is_buried_at_once(
    error: Exception,
    database: ServiceDatabase,
    messages: Messages,
    publish: Publish,
    consumer: MakeConsumer,
    settled: Settled,
    bus: Bus,
) -> None:
    async def handler(uow: UnitOfWork, event: Event) -> None:
        raise error

    await publish(messages(1))
    it = consumer(handler)
    async with running(it.run):
        await until(lambda: settled(it))
    [letter] = await letters(database, it)
    assert letter["attempts"] == 1
    dead = await bus.jetstream.get_last_msg("DEAD", f"dead.{it.name}")
    assert dead.data == b"1"


async def test_a_message_that_is_no_event_is_buried(
    database: ServiceDatabase, bus: Bus, consumer: MakeConsumer, settled: Settled
) -> None:
    async def handler(uow: UnitOfWork, event: Event) -> None:
        raise AssertionError("it must not come here")

    it = consumer(handler)
    await bus.jetstream.publish("sample.0.note.v1.written", b"?", headers={"ce-id": "none"})
    async with running(it.run):
        await until(lambda: settled(it))
    assert [letter["body"] for letter in await letters(database, it)] == [b"?"]


async def test_a_passing_trouble_passes(
    database: ServiceDatabase,
    workspace: UUID,
    messages: Messages,
    publish: Publish,
    consumer: MakeConsumer,
    settled: Settled,
) -> None:
    failures = Counter[int | None]()

    async def handler(uow: UnitOfWork, event: Event) -> None:
        failures[event.version] += 1
        if failures[event.version] < 4:
            raise DatabaseUnavailable("away")
        await project(uow, event)

    await publish(messages(3))
    it = consumer(handler)
    async with running(it.run):
        await until(lambda: settled(it))
    assert ("sum", 6) in await state(database, workspace)
    assert await letters(database, it) == []
