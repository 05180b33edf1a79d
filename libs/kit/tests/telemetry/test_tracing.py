"""A trace goes through everything, and costs nothing where nobody keeps it."""

import asyncio
import contextvars
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from kit.telemetry import (
    current_traceparent,
    export_to,
    extract,
    inject,
    new_traceparent,
    span,
    stop_exporting,
)
from kit.telemetry.tracing import exemplar, trace_and_span_id

TRACE = "0af7651916cd43dd8448eb211c80319c"
INCOMING = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def exported() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    export_to(SimpleSpanProcessor(exporter), resource={"service.name": "test"})
    yield exporter
    stop_exporting()


def named(exporter: InMemorySpanExporter, name: str) -> ReadableSpan:
    [found] = [each for each in exporter.get_finished_spans() if each.name == name]
    return found


def test_a_new_trace_has_the_form_of_one() -> None:
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", new_traceparent())
    assert len({new_traceparent() for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "header",
    [
        "",
        "garbage",
        INCOMING + "-more",
        INCOMING.upper(),
        INCOMING.replace("00-", "ff-", 1),
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE}-{'0' * 16}-01",
        INCOMING + "\n",
    ],
)
def test_what_is_no_traceparent_never_happened(header: str) -> None:
    assert extract({"traceparent": header}) is None
    assert extract({}) is None


def test_outside_of_a_span_nothing_travels() -> None:
    headers: dict[str, str] = {}
    inject(headers)
    assert headers == {}
    assert current_traceparent() is None
    assert trace_and_span_id() is None


def test_without_an_exporter_the_trace_is_handed_on_as_it_came() -> None:
    headers: dict[str, str] = {}
    with span("a", "server", parent=extract({"traceparent": INCOMING})) as a:
        with span("b", "client"):
            inject(headers)
        a.note(rows=3)
        a.failed("NOT_FOUND")
        assert exemplar() is None
    assert headers == {"traceparent": INCOMING}
    assert current_traceparent() is None


def test_without_an_exporter_a_trace_is_begun_all_the_same() -> None:
    with span("a"):
        begun = current_traceparent()
        with span("b"):
            assert current_traceparent() == begun
    assert begun is not None


def test_without_an_exporter_the_machinery_is_not_even_loaded() -> None:
    program = (
        "import sys, kit.rpc.server, kit.rpc.client, kit.runtime, kit.telemetry as t\n"
        "with t.span('a', 'server', links=['x']) as s: s.note(rows=1); s.failed('X')\n"
        "sys.exit(any(name.startswith('opentelemetry.sdk') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_without_an_exporter_no_library_loads_it_either() -> None:
    program = (
        "import sys, kit.telemetry as t\n"
        "class Settings: profile, log_level, otlp_endpoint = 'test', 'info', ''\n"
        "t.configure('kit', Settings())\n"
        "import redis.asyncio\n"
        "sys.exit(any(name.startswith('opentelemetry.sdk.') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


async def test_tasks_do_not_see_each_others_spans() -> None:
    async def one() -> str | None:
        with span("one"):
            await asyncio.sleep(0)
            return current_traceparent()

    assert len(set(await asyncio.gather(*(one() for _ in range(10))))) == 10


def test_a_span_closed_in_another_context_breaks_nothing() -> None:
    def opened() -> Iterator[None]:
        with span("a"):
            yield

    abandoned = opened()
    contextvars.copy_context().run(next, abandoned)
    abandoned.close()  # type: ignore[attr-defined]
    assert current_traceparent() is None


def test_spans_know_what_they_are_below_of(exported: InMemorySpanExporter) -> None:
    with span("outer", "server", parent=INCOMING, attributes={"rpc.system": "grpc"}) as outer:
        with span("inner", "client"):
            headers: dict[str, str] = {}
            inject(headers)
            assert exemplar() == {"trace_id": TRACE}
        outer.note(rpc_rows=3)
    with span("consumer", "consumer", parent=headers["traceparent"], links=[INCOMING]):
        pass
    outer_span, inner, consumer = (named(exported, n) for n in ("outer", "inner", "consumer"))
    assert {f"{s.context.trace_id:032x}" for s in (outer_span, inner, consumer)} == {TRACE}
    assert outer_span.parent is not None
    assert f"{outer_span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert inner.parent is not None
    assert inner.parent.span_id == outer_span.context.span_id
    assert headers["traceparent"] == f"00-{TRACE}-{inner.context.span_id:016x}-01"
    assert consumer.parent is not None
    assert consumer.parent.span_id == inner.context.span_id
    assert [link.context.span_id for link in consumer.links] == [0xB7AD6B7169203331]
    assert (outer_span.kind, inner.kind, consumer.kind) == (
        SpanKind.SERVER,
        SpanKind.CLIENT,
        SpanKind.CONSUMER,
    )
    assert dict(outer_span.attributes or {}) == {"rpc.system": "grpc", "rpc.rows": 3}


def test_a_failed_span_names_the_type_and_not_the_message(
    exported: InMemorySpanExporter,
) -> None:
    with pytest.raises(ValueError, match="canary"), span("a"):
        raise ValueError("canary")
    failed = named(exported, "a")
    assert failed.status.status_code is StatusCode.ERROR
    assert dict(failed.attributes or {}) == {"error.type": "ValueError"}
    assert not failed.events
    assert "canary" not in failed.to_json()


def test_a_sampled_out_edge_is_kept_all_the_same(exported: InMemorySpanExporter) -> None:
    with span("a", parent=INCOMING[:-2] + "00"):
        pass
    assert named(exported, "a").parent is not None


def test_a_garbled_link_or_parent_breaks_nothing(exported: InMemorySpanExporter) -> None:
    with span("a", parent="garbage", links=["garbage", INCOMING]):
        pass
    assert named(exported, "a").parent is None
    assert len(named(exported, "a").links) == 1
