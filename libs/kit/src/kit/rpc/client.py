"""Calls to another service: always with a deadline, the caller's identity and the trace."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from time import monotonic, perf_counter
from typing import Any, TypeVar

import grpc.aio

from kit.rpc.channel import CLIENT_OPTIONS
from kit.rpc.errors import DeadlineExceeded, PeerUnavailable, error_of
from kit.rpc.identity import (
    ADDRESS,
    AUTHORIZATION,
    BEARER,
    IDEMPOTENCY_KEY,
    NOBODY,
    ORIGIN,
    CallIdentity,
    current_call,
)
from kit.rpc.resilience import TRIES, Breaker, RetryBudget, backoff
from kit.telemetry import Span, current_traceparent, span
from kit.telemetry.metrics import RPC_CLIENT, Series
from kit.telemetry.tracing import TRACEPARENT

TIMEOUT = 3.0  # seconds a call may take when nothing else is said
MARGIN = 0.05  # seconds of our own caller's time kept to answer in

Request = TypeVar("Request")
Response = TypeVar("Response")


class Caller:
    """One channel to one service, known here as `name`; make its stubs on `channel`.

    Every way to call raises RemoteError for a refusal, PeerUnavailable and DeadlineExceeded,
    which are DomainErrors too, and PeerFailed, which is not.
    """

    def __init__(self, address: str, name: str) -> None:
        self.name = name
        self.channel = grpc.aio.insecure_channel(address, options=CLIENT_OPTIONS)
        self._methods: dict[object, _Method] = {}
        self._breaker = Breaker(name)
        self._budget = RetryBudget()

    async def close(self) -> None:
        """Calls in flight end with PeerUnavailable."""
        await self.channel.close()

    def call(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Request, Response],
        request: Request,
        *,
        identity: CallIdentity = NOBODY,
        timeout: float = TIMEOUT,
        idempotent: bool = False,
    ) -> Coroutine[Any, Any, Response]:
        """One question, one answer.

        An `idempotent` one is asked again, within the same timeout, if the peer was not reached.
        Say so only at the edge: services behind each other that all retry multiply the trouble.
        """
        ask = self._ask_again if idempotent else self._ask
        return ask(method, request, identity, timeout)

    def upload(
        self,
        method: grpc.aio.StreamUnaryMultiCallable[Request, Response],
        requests: AsyncIterator[Request],
        *,
        identity: CallIdentity = NOBODY,
        timeout: float = TIMEOUT,
    ) -> Coroutine[Any, Any, Response]:
        """Many messages, one answer; what `requests` raises is raised here."""
        return self._send(method, requests, identity, timeout)

    async def stream(
        self,
        method: grpc.aio.UnaryStreamMultiCallable[Request, Response],
        request: Request,
        *,
        identity: CallIdentity = NOBODY,
        timeout: float = TIMEOUT,  # noqa: ASYNC109 – it travels; the peer stops as well
    ) -> AsyncIterator[Response]:
        """One question, many answers; the timeout is for all of them."""
        known, seconds = self._prepared(method, timeout)
        started, outcome = perf_counter(), "OK"
        with known.span() as here:
            call = method(request, timeout=seconds, metadata=_metadata(identity))
            try:
                async for answer in call:
                    yield answer
                self._breaker.ended(answered=True)
            except BaseException as error:
                outcome = _outcome(error)
                here.failed(outcome)
                raise self._meaning(error) from None
            finally:
                call.cancel()  # for a reader who had enough; else it does nothing
                known.durations.observe(outcome, perf_counter() - started)

    async def _ask(self, method: Any, request: Any, identity: CallIdentity, seconds: float) -> Any:
        known, seconds = self._prepared(method, seconds)
        started, outcome = perf_counter(), "OK"
        with known.span() as here:
            try:
                answer = await method(request, timeout=seconds, metadata=_metadata(identity))
                self._breaker.ended(answered=True)
                return answer
            except BaseException as error:
                outcome = _outcome(error)
                here.failed(outcome)
                raise self._meaning(error) from None
            finally:
                known.durations.observe(outcome, perf_counter() - started)

    async def _ask_again(
        self, method: Any, request: Any, identity: CallIdentity, seconds: float
    ) -> Any:
        end = monotonic() + seconds
        self._budget.earn()
        for attempt in range(TRIES - 1):
            try:
                return await self._ask(method, request, identity, end - monotonic())
            except PeerUnavailable:
                if not self._budget.spend():
                    raise
                await asyncio.sleep(backoff(attempt))
        return await self._ask(method, request, identity, end - monotonic())

    async def _send(
        self, method: Any, requests: AsyncIterator[Any], identity: CallIdentity, seconds: float
    ) -> Any:
        source = _Source(requests)
        try:
            return await self._ask(method, source, identity, seconds)
        except PeerUnavailable:
            if source.error is not None:  # grpc only says that the call was cancelled
                raise source.error from None
            raise

    def _prepared(self, method: object, seconds: float) -> tuple["_Method", float]:
        """Raises DeadlineExceeded and PeerUnavailable where asking would be no use."""
        call = current_call.get()
        if call is not None:
            seconds = min(seconds, call.deadline - monotonic() - MARGIN)
        if seconds <= 0:
            raise DeadlineExceeded("There was no time left to ask.", peer=self.name)
        self._breaker.admit()
        known = self._methods.get(method)
        if known is None:
            known = self._methods[method] = _Method(method, self.name)
        return known, seconds

    def _meaning(self, error: BaseException) -> BaseException:
        meaning = _meaning(error, self.name)
        if isinstance(meaning, asyncio.CancelledError | GeneratorExit):
            self._breaker.ended(answered=None)
        else:
            silent = isinstance(meaning, PeerUnavailable | DeadlineExceeded)
            self._breaker.ended(answered=not silent)
        return meaning


class _Method:
    """What is said of every call of a method."""

    def __init__(self, method: Any, callee: str) -> None:
        path: bytes = method._method
        service, _, name = path.decode().removeprefix("/").partition("/")
        self.durations = Series(RPC_CLIENT, service, name, callee)
        self._name = f"{service}/{name}"
        self._attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name}

    def span(self) -> Span:
        return span(self._name, "client", attributes=self._attributes)


class _Source:
    """Remembers why it ended."""

    def __init__(self, requests: AsyncIterator[Any]) -> None:
        self._requests = requests
        self.error: Exception | None = None

    def __aiter__(self) -> "_Source":
        return self

    async def __anext__(self) -> Any:
        try:
            return await anext(self._requests)
        except StopAsyncIteration:
            raise
        except Exception as error:
            self.error = error
            raise


def _metadata(identity: CallIdentity) -> list[tuple[str, str]]:
    metadata = []
    here = current_traceparent()
    if here is not None:
        metadata.append((TRACEPARENT, here))
    if identity.token is not None:
        metadata.append((AUTHORIZATION, BEARER + identity.token))
    if identity.idempotency_key is not None:
        metadata.append((IDEMPOTENCY_KEY, identity.idempotency_key))
    if identity.origin:
        metadata.append((ORIGIN, identity.origin))
    if identity.address:
        metadata.append((ADDRESS, identity.address))
    return metadata


def _outcome(error: BaseException) -> str:
    """The code under which the call is counted."""
    if isinstance(error, grpc.aio.AioRpcError):
        return error.code().name
    return "CANCELLED"


def _meaning(error: BaseException, peer: str) -> BaseException:
    if isinstance(error, grpc.aio.AioRpcError):
        return error_of(error, peer)
    task = asyncio.current_task()
    if isinstance(error, asyncio.CancelledError) and task is not None and not task.cancelling():
        # Not we were cancelled but the call: the channel was closed, or what we send has failed.
        return PeerUnavailable(f"The call to {peer} was broken off.", peer=peer)
    return error
