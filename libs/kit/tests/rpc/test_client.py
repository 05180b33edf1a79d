"""Calls never wait for ever, and a peer that went away is missed at once and found again."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest

from kit.rpc.client import MARGIN, Caller
from kit.rpc.errors import DeadlineExceeded, PeerUnavailable
from kit.rpc.identity import Call, current_call
from kit.rpc.server import RpcServer
from kit.runtime import Readiness
from kit.testing.background import PATIENCE
from kit.testing.rpc import Issuer, PatientCaller, served

Text = Callable[[str], Any]
SHORT = 9.0  # seconds; the wire rounds what is below ten to 10 ms, and longer deadlines to 100
ROUNDED = 0.01  # seconds, up


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_an_answer_must_come_in_time(
    caller: Caller, stub: Any, text: Text, echo: Any
) -> None:
    async def hang(request: Any, context: Any) -> Any:
        await asyncio.Event().wait()

    echo.behaviour = hang
    with pytest.raises(DeadlineExceeded) as caught:
        await caller.call(stub.Open, text("x"), timeout=0.1)
    assert caught.value.details == {"peer": "echo"}


async def test_the_deadline_shrinks_with_every_hop(
    stubs: SimpleNamespace, echo: Any, text: Text, issuer: Issuer
) -> None:
    """However much a service asks for, it gets less than what its own caller has left."""
    left: list[float] = []
    add = stubs.api.add_EchoServicer_to_server

    class Leaf(type(echo)):  # type: ignore[misc]
        async def Inner(self, request: Any, context: Any) -> Any:
            left.append(context.time_remaining())
            return request

    async with served([(add, Leaf(stubs.pb))], issuer) as leaf:

        class Middle(type(echo)):  # type: ignore[misc]
            async def Inner(self, request: Any, context: Any) -> Any:
                left.append(context.time_remaining())
                return await leaf.call(stubs.api.EchoStub(leaf.channel).Inner, request, timeout=60)

        async with served([(add, Middle(stubs.pb))], issuer) as middle:
            stub = stubs.api.EchoStub(middle.channel)
            await middle.call(stub.Inner, text("x"), timeout=SHORT)
    assert left[0] <= SHORT + ROUNDED
    assert left[1] <= left[0] - MARGIN / 2


async def test_no_call_is_made_when_there_is_no_time_for_it(
    caller: Caller, stub: Any, text: Text, echo: Any
) -> None:
    async def reached(request: Any, context: Any) -> Any:
        raise AssertionError("it was called")

    echo.behaviour = reached
    being_served = current_call.set(Call(monotonic() + MARGIN / 2, None, None))
    try:
        with pytest.raises(DeadlineExceeded, match="no time left"):
            await caller.call(stub.Open, text("x"))
        with pytest.raises(DeadlineExceeded, match="no time left"):
            await anext(caller.stream(stub.Letters, text("x")))
    finally:
        current_call.reset(being_served)


async def test_a_peer_that_is_not_there_is_missed_at_once(
    stubs: SimpleNamespace, text: Text
) -> None:
    caller = Caller(f"127.0.0.1:{free_port()}", "crm")
    stub = stubs.api.EchoStub(caller.channel)
    with pytest.raises(PeerUnavailable, match="crm cannot be reached"):
        async with asyncio.timeout(PATIENCE):  # far below the call's own deadline
            await caller.call(stub.Open, text("x"), timeout=60)
    await caller.close()


async def test_a_peer_that_went_away_is_missed_and_found_again(
    stubs: SimpleNamespace, echo: Any, text: Text, issuer: Issuer
) -> None:
    address = f"127.0.0.1:{free_port()}"
    caller = PatientCaller(address, "echo")
    stub = stubs.api.EchoStub(caller.channel)

    async def start() -> RpcServer:
        add = stubs.api.add_EchoServicer_to_server
        server = RpcServer(address, [(add, echo)], issuer.verifier())
        await server.start(Readiness({}))
        return server

    server = await start()
    for _ in range(2):
        assert (await caller.call(stub.Open, text("x"))).text == "x"
        await server.stop()
        with pytest.raises(PeerUnavailable):
            await caller.call(stub.Open, text("x"), timeout=60)
        server = await start()
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    await caller.call(stub.Open, text("x"))
                    break
                except PeerUnavailable:
                    await asyncio.sleep(0.05)
    await caller.close()
    await server.stop()


async def test_a_peer_that_takes_and_never_answers_costs_no_more_than_the_deadline(
    stubs: SimpleNamespace, text: Text
) -> None:
    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1024):
            pass
        writer.close()

    hole = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = hole.sockets[0].getsockname()[1]
    caller = Caller(f"127.0.0.1:{port}", "hole")
    stub = stubs.api.EchoStub(caller.channel)
    with pytest.raises((DeadlineExceeded, PeerUnavailable)):
        async with asyncio.timeout(PATIENCE):
            await caller.call(stub.Open, text("x"), timeout=0.3)
    await caller.close()
    hole.close()


async def test_what_the_source_of_an_upload_raises_is_raised(
    caller: Caller, stub: Any, text: Text, issuer: Issuer
) -> None:
    async def breaking() -> AsyncIterator[Any]:
        yield text("a")
        raise ValueError("the file ended too early")

    with pytest.raises(ValueError, match="the file ended too early"):
        await caller.upload(stub.Join, breaking(), identity=issuer.identity("echo.write"))


async def test_a_closed_channel_is_not_a_cancelled_caller(
    caller: Caller, stub: Any, text: Text, echo: Any
) -> None:
    running = asyncio.Event()

    async def hang(request: Any, context: Any) -> Any:
        running.set()
        await asyncio.Event().wait()

    echo.behaviour = hang
    call = asyncio.create_task(caller.call(stub.Open, text("x"), timeout=60))
    await running.wait()
    await caller.close()
    with pytest.raises(PeerUnavailable, match="was broken off"):
        await call


async def test_a_timeout_of_the_caller_is_its_own(
    caller: Caller, stub: Any, text: Text, echo: Any
) -> None:
    async def hang(request: Any, context: Any) -> Any:
        await asyncio.Event().wait()

    echo.behaviour = hang
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await caller.call(stub.Open, text("x"), timeout=60)
