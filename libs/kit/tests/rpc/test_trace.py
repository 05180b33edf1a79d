"""One trace over two processes' worth of calls, as a collector sees it."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from kit.rpc.identity import forwarded
from kit.telemetry import configure, current_traceparent, span, stop_exporting
from kit.testing.otlp import collecting
from kit.testing.rpc import Issuer, served

Text = Callable[[str], Any]


class Settings:
    profile = "test"
    log_level = "WARNING"

    def __init__(self, otlp_endpoint: str) -> None:
        self.otlp_endpoint = otlp_endpoint


async def test_every_hop_is_below_the_one_before(
    stubs: SimpleNamespace, echo: Any, text: Text, issuer: Issuer, quiet_logs: None
) -> None:
    add = stubs.api.add_EchoServicer_to_server
    trace_id = "5" * 32
    async with collecting() as collector:
        configure("kit", Settings(collector.endpoint))
        try:
            async with (
                served([(add, echo)], issuer) as leaf,
                served([(add, middle := type(echo)(stubs.pb))], issuer) as first,
            ):

                async def onward(request: Any, context: Any) -> Any:
                    leaf_stub = stubs.api.EchoStub(leaf.channel)
                    return await leaf.call(leaf_stub.Me, request, identity=forwarded())

                middle.behaviour = onward
                with span("POST /deals", "server", parent=f"00-{trace_id}-{'7' * 16}-01"):
                    assert current_traceparent() is not None
                    stub = stubs.api.EchoStub(first.channel)
                    who = issuer.identity("echo.write")
                    await first.call(stub.Say, text("x"), identity=who)
            await collector.until(lambda it: len(it.trace(trace_id)) == 5)
        finally:
            stop_exporting()
    spans = [each for _, each in collector.trace(trace_id)]
    assert {service for service, _ in collector.trace(trace_id)} == {"kit"}
    below = {each.parent_span_id: each for each in spans}
    chain: list[Span] = []
    parent = bytes.fromhex("7" * 16)
    while parent in below:
        chain.append(below[parent])
        parent = chain[-1].span_id
    names = [(each.name, Span.SpanKind.Name(each.kind)) for each in chain]
    assert names == [
        ("POST /deals", "SPAN_KIND_SERVER"),
        ("kit.test.v1.Echo/Say", "SPAN_KIND_CLIENT"),
        ("kit.test.v1.Echo/Say", "SPAN_KIND_SERVER"),
        ("kit.test.v1.Echo/Me", "SPAN_KIND_CLIENT"),
        ("kit.test.v1.Echo/Me", "SPAN_KIND_SERVER"),
    ]
