"""A collector for tests: receives spans over OTLP and keeps them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc.aio
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as api
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector(api.TraceServiceServicer):
    """The spans that arrived, each with the service that sent it."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Span]] = []
        self.endpoint = ""
        self._arrived = asyncio.Event()

    async def Export(
        self, request: pb.ExportTraceServiceRequest, context: Any
    ) -> pb.ExportTraceServiceResponse:
        for sent in request.resource_spans:
            names = [
                a.value.string_value for a in sent.resource.attributes if a.key == "service.name"
            ]
            for scope in sent.scope_spans:
                self.spans += [(names[0], span) for span in scope.spans]
        self._arrived.set()
        return pb.ExportTraceServiceResponse()

    def trace(self, trace_id: str) -> list[tuple[str, Span]]:
        """The spans of one trace."""
        return [(name, span) for name, span in self.spans if span.trace_id.hex() == trace_id]

    async def until(self, holds: Callable[["Collector"], bool], *, patience: float = 10) -> None:
        """Wait for spans to arrive; they come in batches. Raises TimeoutError."""
        async with asyncio.timeout(patience):
            while not holds(self):
                self._arrived.clear()
                await self._arrived.wait()


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """A collector on a free port; give its `endpoint` to the services."""
    collector = Collector()
    server = grpc.aio.server()
    api.add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
    collector.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield collector
    finally:
        await server.stop(0)
