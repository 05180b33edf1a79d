"""The consume loop: every effect once, in whatever order and however often messages come."""

import asyncio
import random
from uuid import UUID

import pytest

from kit.aggregate import Fact
from kit.bus.consumer import Handler
from kit.bus.events import Event
from kit.bus.jetstream import Bus
from kit.ids import new_id
from kit.pool import Pool
from kit.relay import OutboxRelay
from kit.telemetry.metrics import REGISTRY
from kit.testing.background import running, until
from kit.testing.database import ServiceDatabase, recorded_queries
from kit.unit_of_work import UnitOfWork
from libs.kit.tests.conftest import OpenUnit
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
from libs.kit.tests.sample.notes import AT


async def test_what_was_told_arrives_in_order(
    database: ServiceDatabase,
    bus: Bus,
    outbox: Pool,
    open_unit: OpenUnit,
    workspace: UUID,
    consumer: MakeConsumer,
) -> None:
    seen = []

    async def handler(uow: UnitOfWork, event: Event) -> None:
        seen.append((event.version, event.type, event.body, event.time))

    relay = OutboxRelay(database.dsns["system"], bus, service="sample")
    async with running(relay.run, consumer(handler).run):
        async with open_unit(workspace) as uow:
            note = new_id()
            uow.tell_facts(
                *(Fact(aggregate_id=note, version=n, at=AT, by=None) for n in range(1, 301))
            )
            await uow.commit()
        relay.wake()
        await until(lambda: len(seen) == 300)
    assert seen == [(n, WRITTEN, b"%d" % n, AT) for n in range(1, 301)]


async def test_five_deliveries_in_any_order_are_one(
    database: ServiceDatabase,
    workspace: UUID,
    messages: Messages,
    publish: Publish,
    consumer: MakeConsumer,
    settled: Settled,
) -> None:
    once = messages(60)
    five_times = once * 5
    random.Random(7).shuffle(five_times)
    await publish(five_times)
    it = consumer(project)
    async with running(it.run):
        await until(lambda: settled(it))
    assert set(await state(database, workspace)) == {
        ("57", 57),
        ("58", 58),
        ("59", 59),
        ("60", 60),
        ("sum", sum(range(1, 61))),
    }


async def test_stopped_at_any_time_every_effect_is_there_once(
    database: ServiceDatabase,
    workspace: UUID,
    messages: Messages,
    publish: Publish,
    consumer: MakeConsumer,
    settled: Settled,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kit.bus.consumer.ACK_WAIT", 0.5)  # what a dead process held comes back
    it = consumer(project)
    await publish(messages(300))
    chance = random.Random(7)
    for _ in range(25):
        task = asyncio.create_task(it.run())
        await asyncio.sleep(chance.uniform(0, 0.05))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with running(it.run):
        await until(lambda: settled(it))
    assert ("sum", sum(range(1, 301))) in await state(database, workspace)
    assert await letters(database, it) == []


async def test_two_replicas_share_the_work(
    database: ServiceDatabase,
    workspace: UUID,
    messages: Messages,
    publish: Publish,
    consumer: MakeConsumer,
    settled: Settled,
) -> None:
    name = f"sample-{new_id().hex}"
    one, other = consumer(project, name=name), consumer(project, name=name)
    await publish(messages(200))
    async with running(one.run, other.run):
        await until(lambda: settled(one))
    assert ("sum", sum(range(1, 201))) in await state(database, workspace)


async def test_a_batch_of_one_workspace_is_one_transaction(
    database: ServiceDatabase,
    messages: Messages,
    publish: Publish,
    consumer: MakeConsumer,
    settled: Settled,
) -> None:
    async def handler(uow: UnitOfWork, event: Event) -> None:
        await uow.commit()  # as a use case would

    await publish(messages(200))
    it = consumer(handler)
    with recorded_queries(database.app) as queries:
        async with running(it.run):
            await until(lambda: settled(it))
    commits = queries.sql.count("COMMIT")
    begins = sum(sql.startswith("BEGIN") for sql in queries.sql)
    assert commits == begins
    assert commits <= 20  # a fetch may be small when the machine is busy, never one by one


async def test_what_a_handler_tells_commits_with_its_claim(
    outbox: Pool,
    workspace: UUID,
    messages: Messages,
    publish: Publish,
    consumer: MakeConsumer,
    settled: Settled,
) -> None:
    async def handler(uow: UnitOfWork, event: Event) -> None:
        await project(uow, event)
        uow.tell_facts(Fact(aggregate_id=event.subject_id, version=99, at=AT, by=None))

    await publish(messages(5) * 2)
    it = consumer(handler)
    async with running(it.run):
        await until(lambda: settled(it))
    told = "SELECT count(*) FROM outbox WHERE workspace_id = $1"
    assert await outbox.fetchval(told, workspace) == 5


async def test_old_claims_are_forgotten(
    database: ServiceDatabase,
    messages: Messages,
    publish: Publish,
    consumer: MakeConsumer,
    settled: Settled,
) -> None:
    async def handler(uow: UnitOfWork, event: Event) -> None:
        """Does nothing."""

    it = consumer(handler)
    await database.owner.execute(
        "INSERT INTO inbox VALUES ($1, $2, now() - interval '9 days')", it.name, new_id()
    )
    await publish(messages(1))
    async with running(it.run):
        await until(lambda: settled(it))

        async def one_is_left() -> bool:
            claims = "SELECT count(*) FROM inbox WHERE consumer = $1"
            return bool(await database.owner.fetchval(claims, it.name) == 1)

        await until(one_is_left)


def test_a_consumer_asks_for_its_own_types_only(consumer: MakeConsumer) -> None:
    async def handler(uow: UnitOfWork, event: Event) -> None:
        """Does nothing."""

    config = consumer(handler, name="sample-pipeline").config
    assert config.durable_name == "sample-pipeline"
    single, imported = "sample.*.note.v1.written", "sample.*.note.v1.written.imported"
    assert config.filter_subjects == [single, imported]
    assert consumer(handler, not_imported={WRITTEN}).config.filter_subjects == [single]


async def test_what_was_imported_reaches_only_those_who_want_it(
    messages: Messages, publish: Publish, consumer: MakeConsumer, settled: Settled
) -> None:
    heard: dict[str, list[int | None]] = {"all": [], "some": []}

    def hearing(who: str) -> Handler:
        async def handler(uow: UnitOfWork, event: Event) -> None:
            assert event.type == WRITTEN
            heard[who].append(event.version)

        return handler

    every, single = consumer(hearing("all")), consumer(hearing("some"), not_imported={WRITTEN})
    (one, body, headers), *imported = messages(3)
    ends = [(f"{subject}.imported", text, more) for subject, text, more in imported]
    await publish([*ends, (one, body, headers)])
    async with running(every.run, single.run):
        await until(lambda: len(heard["all"]) == 3)
        await until(lambda: settled(single))
    assert heard == {"all": [2, 3, 1], "some": [1]}


async def test_what_is_declined_is_done_without_a_transaction(
    database: ServiceDatabase,
    workspace: UUID,
    messages: Messages,
    publish: Publish,
    consumer: MakeConsumer,
    settled: Settled,
) -> None:
    def wants(event: Event) -> bool:
        return event.workspace_id == workspace and event.version == 2

    it = consumer(project, wants=wants)
    await publish(messages(3))
    async with running(it.run):
        await until(lambda: settled(it))
    assert ("sum", 2) in await state(database, workspace)
    claimed = await database.owner.fetchval(
        "SELECT count(*) FROM inbox WHERE consumer = $1", it.name
    )
    assert claimed == 1


async def test_what_waits_is_told_while_nothing_is_handled(
    messages: Messages,
    publish: Publish,
    consumer: MakeConsumer,
    settled: Settled,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kit.bus.consumer.MEASURE_EVERY", 0.05)
    may_go_on = asyncio.Event()

    async def handler(uow: UnitOfWork, event: Event) -> None:
        await may_go_on.wait()

    def told(name: str) -> float | None:
        return REGISTRY.get_sample_value(name, {"consumer": it.name})

    await publish(messages(7))
    it = consumer(handler)
    async with running(it.run):
        await until(lambda: told("event_waiting") == 7)
        floor = told("event_ack_floor")
        assert floor is not None
        may_go_on.set()
        await until(lambda: told("event_waiting") == 0)
        await until(lambda: (told("event_ack_floor") or 0) > floor)


def test_lag_is_told_before_the_first_event(consumer: MakeConsumer) -> None:
    """From nothing to one is no growth to Prometheus: the first event would not count."""
    it = consumer(project)
    labels = {"consumer": it.name, "bulk": "no"}
    assert REGISTRY.get_sample_value("event_end_to_end_lag_seconds_count", labels) == 0
