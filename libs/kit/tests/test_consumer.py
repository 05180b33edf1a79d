"""The consume loop: every effect once, in whatever order and however often messages come."""

import asyncio
import random
from collections import Counter

import pytest
from google.protobuf.message import DecodeError
from nats.js.errors import NotFoundError
from sqlalchemy import Integer, Text, Uuid, bindparam
from sqlalchemy.dialects.postgresql import insert

from kit import dead_letters
from kit.aggregate import Fact
from kit.bus.consumer import Consumer
from kit.bus.events import headers_of
from kit.bus.jetstream import Bus
from kit.database import DatabaseUnavailable, Statement, open_pool
from kit.errors import InvalidInput
from kit.ids import new_id
from kit.relay import OutboxRelay
from kit.testing.background import running, until
from kit.testing.database import recorded_queries
from kit.testing.proxy import FaultProxy
from kit.unit_of_work import UnitOfWork
from libs.kit.tests.conftest import to_outbox
from libs.kit.tests.sample.notes import AT, notes

WRITTEN = "sample.note.v1.written"

_mine = {
    name: bindparam(name, type_=type_())
    for name, type_ in {"id": Uuid, "workspace_id": Uuid, "version": Integer, "text": Text}.items()
}
_latest = insert(notes).values(_mine)
KEEP_LATEST = Statement(
    _latest.on_conflict_do_update(
        index_elements=["id"],
        set_={"version": _latest.excluded.version, "text": _latest.excluded.text},
        where=notes.c.version < _latest.excluded.version,
    )
)
ADD_UP = Statement(
    _latest.on_conflict_do_update(
        index_elements=["id"], set_={"version": notes.c.version + _latest.excluded.version}
    )
)


@pytest.fixture
def messages(workspace):
    """Events as the relay would send them: versions of a few aggregates."""
    aggregates = [new_id() for _ in range(4)]

    def messages(count, workspace_id=workspace):
        rows = [
            to_outbox(
                workspace_id,
                Fact(aggregate_id=aggregates[n % 4], version=n + 1, at=AT, by=None),
            )
            for n in range(count)
        ]
        return [(row["subject"], row["body"], headers_of({**row, "number": 1})) for row in rows]

    return messages


@pytest.fixture
def publish(bus):
    async def publish(messages):
        for subject, body, headers in messages:
            again = {**headers, "Nats-Msg-Id": str(new_id())}  # as if beyond the stream's window
            await bus.jetstream.publish(subject, body, headers=again)

    return publish


@pytest.fixture
def consumer(bus, database, open_unit, workspace):
    """A consumer of this test's workspace only: the stream holds everybody's events."""

    def consumer(handler, *, name=None, on=bus, retry_after=(0.01,)):
        async def handle(uow, event):
            if event.workspace_id == workspace:
                await handler(uow, event)

        return Consumer(
            on,
            stream="SAMPLE",
            name=name or f"sample-{new_id().hex}",
            handlers={WRITTEN: handle},
            open_unit=open_unit,
            system=database.system,
            retry_after=retry_after,
        )

    return consumer


@pytest.fixture
def settled(bus):
    """The consumer has nothing left to do."""

    async def settled(consumer):
        try:
            info = await bus.jetstream.consumer_info("SAMPLE", consumer.name)
        except NotFoundError:
            return False  # it has not begun
        return info.num_pending == info.num_ack_pending == 0

    return settled


async def letters(database, consumer):
    return await dead_letters.buried(database.system, consumer.name)


async def test_what_was_told_arrives_in_order(
    database, bus, outbox, open_unit, workspace, consumer
):
    seen = []

    async def handler(uow, event):
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


async def project(uow, event):
    """One handler of each kind: the latest state, and a sum."""
    about = {"workspace_id": uow.workspace_id, "version": event.version}
    await uow.run(KEEP_LATEST, id=event.subject_id, text=event.body.decode(), **about)
    await uow.run(ADD_UP, id=uow.workspace_id, text="sum", **about)


async def state(database, workspace):
    rows = await database.owner.fetch(
        "SELECT text, version FROM notes WHERE workspace_id = $1 ORDER BY id", workspace
    )
    return [tuple(row) for row in rows]


async def test_five_deliveries_in_any_order_are_one(
    database, workspace, messages, publish, consumer, settled
):
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


async def test_poison_is_buried_and_the_others_go_on(
    database, workspace, messages, publish, consumer, settled
):
    handled = Counter()

    async def handler(uow, event):
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


async def test_what_was_buried_is_driven_once_more(
    database, workspace, messages, publish, consumer, settled
):
    broken = True

    async def handler(uow, event):
        if broken:
            raise ZeroDivisionError
        await project(uow, event)

    await publish(messages(3))
    it = consumer(handler)
    async with running(it.run):
        await until(lambda: settled(it))
    assert len(await letters(database, it)) == 3
    assert await it.redrive() == 0
    assert len(await letters(database, it)) == 3
    broken = False
    assert await it.redrive() == 3
    assert await letters(database, it) == []
    assert ("sum", 6) in await state(database, workspace)
    assert await it.redrive() == 0


@pytest.mark.parametrize("error", [DecodeError("garbage"), InvalidInput("no such thing")])
async def test_what_no_retry_can_change_is_buried_at_once(
    error, database, messages, publish, consumer, settled, bus
):
    async def handler(uow, event):
        raise error

    await publish(messages(1))
    it = consumer(handler)
    async with running(it.run):
        await until(lambda: settled(it))
    [letter] = await letters(database, it)
    assert letter["attempts"] == 1
    dead = await bus.jetstream.get_last_msg("DEAD", f"dead.{it.name}")
    assert dead.data == b"1"


async def test_a_message_that_is_no_event_is_buried(database, bus, consumer, settled):
    async def handler(uow, event):
        raise AssertionError("it must not come here")

    it = consumer(handler)
    await bus.jetstream.publish("sample.0.note.v1.written", b"?", headers={"ce-id": "none"})
    async with running(it.run):
        await until(lambda: settled(it))
    assert [letter["body"] for letter in await letters(database, it)] == [b"?"]


async def test_a_passing_trouble_passes(database, workspace, messages, publish, consumer, settled):
    failures = Counter()

    async def handler(uow, event):
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


async def test_a_batch_of_one_workspace_is_one_transaction(
    database, messages, publish, consumer, settled
):
    async def handler(uow, event):
        await uow.commit()  # as a use case would

    await publish(messages(200))
    it = consumer(handler)
    with recorded_queries(database.app) as queries:
        async with running(it.run):
            await until(lambda: settled(it))
    commits = queries.sql.count("COMMIT")
    begins = sum(sql.startswith("BEGIN") for sql in queries.sql)
    assert commits == begins
    assert commits <= 5  # the first fetch may be small


async def test_stopped_at_any_time_every_effect_is_there_once(
    database, workspace, messages, publish, consumer, settled, monkeypatch
):
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
    database, workspace, messages, publish, consumer, settled
):
    name = f"sample-{new_id().hex}"
    one, other = consumer(project, name=name), consumer(project, name=name)
    await publish(messages(200))
    async with running(one.run, other.run):
        await until(lambda: settled(one))
    assert ("sum", sum(range(1, 201))) in await state(database, workspace)


async def test_what_a_handler_tells_commits_with_its_claim(
    database, outbox, workspace, messages, publish, consumer, settled
):
    async def handler(uow, event):
        await project(uow, event)
        uow.tell_facts(Fact(aggregate_id=event.subject_id, version=99, at=AT, by=None))

    await publish(messages(5) * 2)
    it = consumer(handler)
    async with running(it.run):
        await until(lambda: settled(it))
    told = "SELECT count(*) FROM outbox WHERE workspace_id = $1"
    assert await outbox.fetchval(told, workspace) == 5


async def test_a_connection_that_went_silent_is_replaced(
    database, workspace, nats_url, bus, messages, publish, consumer, settled, monkeypatch
):
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
    database, workspace, bus, messages, publish, consumer, settled
):
    it = consumer(project)
    async with running(it.run):
        await publish(messages(3))
        await until(lambda: settled(it))
        await bus.jetstream.delete_consumer("SAMPLE", it.name)
        await publish(messages(6)[3:])

        async def all_are_there():
            return ("sum", 21) in await state(database, workspace)

        await until(all_are_there)


async def test_a_database_that_is_away_costs_no_message_an_attempt(
    database, workspace, messages, publish, consumer, settled, bus
):
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


async def test_old_claims_are_forgotten(database, messages, publish, consumer, settled):
    async def handler(uow, event):
        """Does nothing."""

    it = consumer(handler)
    await database.owner.execute(
        "INSERT INTO inbox VALUES ($1, $2, now() - interval '9 days')", it.name, new_id()
    )
    await publish(messages(1))
    async with running(it.run):
        await until(lambda: settled(it))

        async def one_is_left():
            claims = "SELECT count(*) FROM inbox WHERE consumer = $1"
            return await database.owner.fetchval(claims, it.name) == 1

        await until(one_is_left)


def test_a_consumer_asks_for_its_own_types_only(consumer):
    async def handler(uow, event):
        """Does nothing."""

    config = consumer(handler, name="sample-pipeline").config
    assert config.durable_name == "sample-pipeline"
    assert config.filter_subjects == ["sample.*.note.v1.written"]
