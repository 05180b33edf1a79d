"""What surrounds every method: deadline, identity, permission, span, time taken, bad ends.

Methods are wrapped once, when they are registered; an interceptor would cost several times as much
on every call.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from time import monotonic, perf_counter
from typing import Any, NoReturn

import grpc.aio

from kit.errors import DomainError, ErrorKind
from kit.rpc.access import Access
from kit.rpc.errors import abort_of
from kit.rpc.identity import (
    ADDRESS,
    AUTHORIZATION,
    IDEMPOTENCY_KEY,
    ORIGIN,
    Call,
    Context,
    Principal,
    current_call,
)
from kit.rpc.tokens import TokenVerifier
from kit.sight import EVERYTHING, current_sight
from kit.telemetry import Log, Span, bind, span
from kit.telemetry.metrics import RPC_SERVER, Series, count_error
from kit.telemetry.tracing import TRACEPARENT

log = Log(__name__)

Unary = Callable[[Any, Context], Awaitable[Any]]
Stream = Callable[[Any, Context], AsyncGenerator[Any, None]]


class DeadlineMissing(DomainError):
    """A call that may wait for ever is not taken."""

    kind, reason = ErrorKind.INVALID, "DEADLINE_MISSING"


class Endpoint:
    """One method as the world sees it."""

    def __init__(
        self, service: str, method: str, access: Access, verifier: TokenVerifier | None
    ) -> None:
        self._name = f"{service}/{method}"
        self._access = access
        self._verifier = verifier
        self._attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method}
        self._durations = Series(RPC_SERVER, service, method)

    def unary(self, behaviour: Unary) -> Unary:
        """A method with one answer."""

        async def serve(request: Any, context: Context) -> Any:
            started = perf_counter()
            metadata: dict[str, Any] = dict(context.invocation_metadata() or ())
            outcome = "OK"
            with self._span(metadata) as here:
                try:
                    await self._admit(context, metadata)
                    return await behaviour(request, context)
                except BaseException as error:
                    outcome = _outcome(error, context)
                    here.failed(outcome)
                    await _end_badly(context, error, self._name)
                finally:
                    self._durations.observe(outcome, perf_counter() - started)

        return serve

    def stream(self, behaviour: Stream) -> Stream:
        """A method with many answers."""

        async def serve(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            started = perf_counter()
            metadata: dict[str, Any] = dict(context.invocation_metadata() or ())
            outcome = "OK"
            with self._span(metadata) as here:
                try:
                    await self._admit(context, metadata)
                    async with aclosing(behaviour(request, context)) as answers:
                        async for answer in answers:
                            yield answer
                except BaseException as error:
                    outcome = _outcome(error, context)
                    here.failed(outcome)
                    await _end_badly(context, error, self._name)
                finally:
                    self._durations.observe(outcome, perf_counter() - started)

        return serve

    def _span(self, metadata: dict[str, Any]) -> Span:
        above = metadata.get(TRACEPARENT)
        return span(self._name, "server", parent=above, attributes=self._attributes)

    async def _admit(self, context: Context, metadata: dict[str, Any]) -> None:
        remaining: float | None = context.time_remaining()
        if remaining is None:
            raise DeadlineMissing("A call needs a deadline.")
        principal = await self._identify(metadata) if self._access.needs_identity else None
        key = metadata.get(IDEMPOTENCY_KEY)
        address = metadata.get(ADDRESS, "")
        current_call.set(Call(monotonic() + remaining, principal, key, address))
        current_sight.set(principal.sight if principal else EVERYTHING)

    async def _identify(self, metadata: dict[str, Any]) -> Principal:
        assert self._verifier is not None  # the server has seen to it
        principal = await self._verifier.verify(metadata.get(AUTHORIZATION))
        bind(principal.log_fields)
        principal.admit(self._access)
        origin = metadata.get(ORIGIN)
        return replace(principal, origin=origin) if origin else principal


def _outcome(error: BaseException, context: Context) -> str:
    """The code under which the call is counted."""
    if isinstance(error, grpc.aio.AbortError):
        return context.code().name
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        return "CANCELLED"
    return abort_of(error).code.name


async def _end_badly(context: Context, error: BaseException, name: str) -> NoReturn:
    if not isinstance(error, Exception) or isinstance(error, grpc.aio.AbortError):
        raise error  # the caller has gone, or knows already
    if not isinstance(error, DomainError):
        log.error("call_failed", error=error, rpc=name, fingerprint=count_error(error))
    await context.abort(*abort_of(error))
    raise AssertionError("abort has raised")
