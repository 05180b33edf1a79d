"""A gRPC server on which nothing is reachable that does not say who may reach it."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import grpc
import grpc.aio
from google.protobuf.descriptor_pool import Default
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kit.rpc.access import Access, access_of
from kit.rpc.channel import SERVER_OPTIONS
from kit.rpc.endpoint import Endpoint
from kit.rpc.identity import Context
from kit.rpc.tokens import TokenVerifier
from kit.runtime import Readiness

GRACE = 20.0  # seconds that calls in flight are given when we stop

Servicer = tuple[Callable[[Any, Any], None], object]
Handlers = dict[str, Any]


class RpcServer:
    """Serves `servicers`: pairs of a generated add_…Servicer_to_server and an instance.

    Wrapping happens here and not at the start, so that `check` finds an undeclared method.
    """

    def __init__(
        self,
        address: str,
        servicers: Sequence[Servicer],
        verifier: TokenVerifier | None = None,
    ) -> None:
        self._address = address
        self._services: dict[str, Handlers] = {}
        self._server: grpc.aio.Server | None = None
        self.port = 0
        wrapping = _Wrapping(self._services, verifier)
        for add_to_server, servicer in servicers:
            add_to_server(servicer, wrapping)

    async def start(self, readiness: Readiness) -> None:
        """Listen. Raises OSError if the address is taken."""
        server = grpc.aio.server(options=SERVER_OPTIONS)
        for service, handlers in self._services.items():
            server.add_registered_method_handlers(service, handlers)
        health_pb2_grpc.add_HealthServicer_to_server(_Health(readiness), server)
        try:
            self.port = server.add_insecure_port(self._address)
        except RuntimeError:
            raise OSError(f"{self._address} cannot be listened on; is it taken?") from None
        await server.start()
        self._server = server

    async def stop(self) -> None:
        """Take no new call, finish those in flight for GRACE seconds, cancel the rest."""
        if self._server is not None:
            await self._server.stop(GRACE)
            self._server = None


class _Wrapping:
    """Stands in for the server while generated code registers its methods."""

    def __init__(self, services: dict[str, Handlers], verifier: TokenVerifier | None) -> None:
        self._services = services
        self._verifier = verifier

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """The same methods a second time, for servers that know no registered ones."""

    def add_registered_method_handlers(self, service: str, handlers: Handlers) -> None:
        """Each method with what must surround it."""
        access = access_of(Default().FindServiceByName(service))
        self._services[service] = {
            method: self._wrapped(service, method, access[method], handler)
            for method, handler in handlers.items()
        }

    def _wrapped(self, service: str, method: str, access: Access, handler: Any) -> Any:
        if access.needs_identity and self._verifier is None:
            raise ValueError(f"{service}/{method} needs a caller, and nobody verifies tokens")
        endpoint = Endpoint(service, method, access, self._verifier)
        shape = _shape(handler)
        behaviour = getattr(handler, shape)
        make = getattr(grpc, f"{shape}_rpc_method_handler")
        return make(
            _surrounded(endpoint, behaviour, answers_many=handler.response_streaming),
            handler.request_deserializer,
            handler.response_serializer,
        )


class _Health(health_pb2_grpc.HealthServicer):
    """Liveness looks at nothing but itself; readiness at what the service has declared."""

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness

    async def Check(
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> health_pb2.HealthCheckResponse:
        if request.service == "liveness":
            return _serving(True)
        if request.service in ("", "readiness"):
            return _serving(not await self._readiness.problems())
        await context.abort(grpc.StatusCode.NOT_FOUND)


def _serving(yes: bool) -> health_pb2.HealthCheckResponse:
    statuses = health_pb2.HealthCheckResponse
    return statuses(status=statuses.SERVING if yes else statuses.NOT_SERVING)


def _shape(handler: Any) -> str:
    kinds = {False: "unary", True: "stream"}
    return f"{kinds[handler.request_streaming]}_{kinds[handler.response_streaming]}"


def _surrounded(endpoint: Endpoint, behaviour: Any, *, answers_many: bool) -> Any:
    if answers_many and inspect.isasyncgenfunction(behaviour):
        return endpoint.stream(behaviour)
    if not answers_many and inspect.iscoroutinefunction(behaviour):
        return endpoint.unary(behaviour)
    kind = "an async generator" if answers_many else "async"
    raise TypeError(f"{behaviour.__qualname__} must be {kind}")
