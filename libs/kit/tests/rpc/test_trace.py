"""One trace over everything that a click sets in motion, as a collector sees it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from kit.aggregate import Fact
from kit.bus.consumer import Consumer
from kit.bus.jetstream import Bus
from kit.ids import new_id
from kit.jobs import table
from kit.jobs.celery import JobApp
from kit.jobs.worker import JobWorker, Task
from kit.relay import OutboxRelay
from kit.rpc.identity import forwarded, principal_of
from kit.telemetry import configure, span, stop_exporting
from kit.testing.background import running, until
from kit.testing.database import ServiceDatabase
from kit.testing.otlp import Collector, collecting
from kit.testing.rpc import Issuer, served

BROWSER = "7" * 16  # the span above all of ours


class Settings:
    profile = "test"
    log_level = "WARNING"

    def __init__(self, otlp_endpoint: str) -> None:
        self.otlp_endpoint = otlp_endpoint


@pytest.fixture
async def collector(quiet_logs: None) -> AsyncIterator[Collector]:
    """Spans of this process are exported to it."""
    async with collecting() as collector:
        configure("kit", Settings(collector.endpoint))
        yield collector
        await asyncio.to_thread(stop_exporting)


@pytest.fixture
def trace_id() -> str:
    return new_id().hex


def chain(spans: list[tuple[str, Span]]) -> Iterator[tuple[str, str]]:
    """Names and kinds, each the child of the one before."""
    below = {each.parent_span_id.hex(): each for _, each in spans}
    parent = BROWSER
    while parent in below:
        yield below[parent].name, Span.SpanKind.Name(below[parent].kind).removeprefix("SPAN_KIND_")
        parent = below[parent].span_id.hex()


def said(of: Span) -> dict[str, str]:
    """What a span says of itself, as text."""
    return {a.key: a.value.string_value or str(a.value.int_value) for a in of.attributes}


async def test_a_call_through_two_services(
    stubs: SimpleNamespace, echo: Any, issuer: Issuer, collector: Collector, trace_id: str
) -> None:
    add = stubs.api.add_EchoServicer_to_server
    middle = type(echo)(stubs.pb)
    async with (
        served([(add, echo)], issuer) as leaf,
        served([(add, middle)], issuer) as first,
    ):

        async def onward(request: Any, context: Any) -> Any:
            stub = stubs.api.EchoStub(leaf.channel)
            return await leaf.call(stub.Me, request, identity=forwarded())

        middle.behaviour = onward
        with span("POST /deals", "server", parent=f"00-{trace_id}-{BROWSER}-01"):
            stub, who = stubs.api.EchoStub(first.channel), issuer.identity("echo.write")
            await first.call(stub.Say, stubs.pb.Text(text="x"), identity=who)
    await collector.until(lambda it: len(it.trace(trace_id)) == 5)
    assert list(chain(collector.trace(trace_id))) == [
        ("POST /deals", "SERVER"),
        ("kit.test.v1.Echo/Say", "CLIENT"),
        ("kit.test.v1.Echo/Say", "SERVER"),
        ("kit.test.v1.Echo/Me", "CLIENT"),
        ("kit.test.v1.Echo/Me", "SERVER"),
    ]


async def test_a_write_its_event_and_the_job_it_asks_for(
    stubs: SimpleNamespace,
    echo: Any,
    issuer: Issuer,
    database: ServiceDatabase,
    bus: Bus,
    outbox: Any,
    open_unit: Callable[[UUID], Any],
    workspace: UUID,
    collector: Collector,
    trace_id: str,
) -> None:
    """HTTP → gRPC → outbox → NATS → consumer → job."""
    asked: asyncio.Queue[UUID] = asyncio.Queue()
    purpose = f"sample-{new_id().hex}"

    async def write(request: Any, context: Any) -> Any:
        async with open_unit(principal_of(context).workspace_id) as uow:
            at = datetime(2026, 1, 5, tzinfo=UTC)
            uow.tell_facts(Fact(aggregate_id=new_id(), version=1, at=at, by=None))
            await uow.commit()
        return request

    async def ask_for_a_job(uow: Any, event: Any) -> None:
        if event.workspace_id == workspace:
            asked.put_nowait(await table.enqueue(uow, "count", {}))

    async def count(app: Any, task: Task) -> None:
        with span("count"):
            await task.report(1, 1)

    @asynccontextmanager
    async def open_app() -> AsyncIterator[Any]:
        yield SimpleNamespace(system=database.system)

    echo.behaviour = write
    relay = OutboxRelay(database.dsns["system"], bus, service="sample")
    consumer = Consumer(
        bus,
        stream="SAMPLE",
        name=purpose,
        handlers={"sample.note.v1.written": ask_for_a_job},
        open_unit=open_unit,
        system=database.system,
    )
    jobs = JobApp("sample", "redis://127.0.0.1:1/0")  # no broker: the job is handed over by hand
    worker = JobWorker(jobs, open_app=open_app, handlers={"count": count}, listen="127.0.0.1:0")
    async with (
        served([(stubs.api.add_EchoServicer_to_server, echo)], issuer) as crm,
        running(relay.run, consumer.run),
    ):
        with span("POST /deals/{id}:move", "server", parent=f"00-{trace_id}-{BROWSER}-01"):
            who = issuer.identity("echo.write", workspace_id=workspace)
            stub = stubs.api.EchoStub(crm.channel)
            await crm.call(stub.Say, stubs.pb.Text(text="x"), identity=who)
        job_id = await asyncio.wait_for(asked.get(), 30)
        await worker.begin()
        await consumer_has_committed(database, job_id)
        await worker.work("count", job_id)
        await worker.end()
    await collector.until(lambda it: len(it.trace(trace_id)) == 7)
    assert list(chain(collector.trace(trace_id))) == [
        ("POST /deals/{id}:move", "SERVER"),
        ("kit.test.v1.Echo/Say", "CLIENT"),
        ("kit.test.v1.Echo/Say", "SERVER"),
        ("publish sample.note.v1.written", "PRODUCER"),
        (f"{purpose} handle", "CONSUMER"),
        ("job count", "CONSUMER"),
        ("count", "INTERNAL"),
    ]
    [consumed] = [s for _, s in collector.trace(trace_id) if s.name == f"{purpose} handle"]
    assert [link.trace_id.hex() for link in consumed.links] == [trace_id]
    [sent] = [s for _, s in collector.trace(trace_id) if s.name.startswith("publish ")]
    assert said(sent) | {"messaging.destination.name": "", "messaging.message.id": ""} == {
        "messaging.system": "nats",
        "messaging.operation.name": "publish",
        "messaging.operation.type": "send",
        "messaging.destination.name": "",
        "messaging.message.id": "",
        "messaging.message.body.size": "1",
    }
    assert said(sent)["messaging.destination.name"].startswith("sample.")
    assert said(consumed)["messaging.consumer.group.name"] == purpose


async def consumer_has_committed(database: ServiceDatabase, job_id: UUID) -> None:
    async def there() -> bool:
        query = "SELECT EXISTS (SELECT FROM jobs WHERE id = $1)"
        return bool(await database.owner.fetchval(query, job_id))

    await until(there)
