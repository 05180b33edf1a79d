"""From the outbox over a real bus into a consumer: what arrives, once, and in which order."""

from datetime import UTC, datetime

from kit.aggregate import Fact
from kit.bus.consumer import Consumer
from kit.ids import new_id
from kit.relay import OutboxRelay
from kit.testing.background import running, until

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
WRITTEN = "sample.note.v1.written"


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
