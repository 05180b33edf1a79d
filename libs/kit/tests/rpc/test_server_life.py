"""A server from its start to its stop: what it finishes, what it refuses, what it says."""

import asyncio
import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kit.errors import DomainError, ErrorKind
from kit.rpc.client import Caller
from kit.rpc.errors import PeerUnavailable, RemoteError
from kit.rpc.server import RpcServer
from kit.runtime import Readiness
from kit.testing.background import PATIENCE
from kit.testing.rpc import Issuer, PatientCaller

Text = Callable[[str], Any]


async def started(
    stubs: SimpleNamespace, echo: Any, issuer: Issuer, readiness: Readiness | None = None
) -> tuple[RpcServer, Caller]:
    server = RpcServer(
        "127.0.0.1:0", [(stubs.api.add_EchoServicer_to_server, echo)], issuer.verifier()
    )
    await server.start(readiness or Readiness({}))
    return server, PatientCaller(f"127.0.0.1:{server.port}", "echo")


async def test_stopping_finishes_what_is_in_flight_and_takes_nothing_new(
    stubs: SimpleNamespace, echo: Any, issuer: Issuer, text: Text, caplog: pytest.LogCaptureFixture
) -> None:
    running, finish = asyncio.Event(), asyncio.Event()

    async def slow(request: Any, context: Any) -> Any:
        if not running.is_set():
            running.set()
            await finish.wait()
        return text("done")

    echo.behaviour = slow
    server, caller = await started(stubs, echo, issuer)
    stub = stubs.api.EchoStub(caller.channel)
    in_flight = asyncio.create_task(caller.call(stub.Open, text("x"), timeout=30))
    await running.wait()
    stopping = asyncio.create_task(server.stop())

    async def call_until_refused() -> None:
        while True:  # the news of the end takes a moment to reach this end of the channel
            await caller.call(stub.Open, text("x"), timeout=0.2)

    with pytest.raises(PeerUnavailable):
        await call_until_refused()
    assert not stopping.done()
    finish.set()
    assert (await in_flight).text == "done"
    await stopping
    await caller.close()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_refusal_while_stopping_still_arrives(
    stubs: SimpleNamespace, echo: Any, issuer: Issuer, text: Text, caplog: pytest.LogCaptureFixture
) -> None:
    class TooLate(DomainError):
        kind, reason = ErrorKind.REFUSED, "TOO_LATE"

    running, finish = asyncio.Event(), asyncio.Event()

    async def refuse(request: Any, context: Any) -> Any:
        running.set()
        await finish.wait()
        raise TooLate("We are closing.")

    echo.behaviour = refuse
    server, caller = await started(stubs, echo, issuer)
    stub = stubs.api.EchoStub(caller.channel)
    in_flight = asyncio.create_task(caller.call(stub.Open, text("x"), timeout=30))
    await running.wait()
    stopping = asyncio.create_task(server.stop())
    await asyncio.sleep(0)
    finish.set()
    with pytest.raises(RemoteError, match="We are closing"):
        await in_flight
    await stopping
    await caller.close()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_what_outlasts_the_grace_is_broken_off(
    stubs: SimpleNamespace,
    echo: Any,
    issuer: Issuer,
    text: Text,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("kit.rpc.server.GRACE", 0.05)
    running, stopped = asyncio.Event(), asyncio.Event()

    async def forever(request: Any, context: Any) -> Any:
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    echo.behaviour = forever
    server, caller = await started(stubs, echo, issuer)
    stub = stubs.api.EchoStub(caller.channel)
    in_flight = asyncio.create_task(caller.call(stub.Open, text("x"), timeout=30))
    await running.wait()
    await server.stop()
    with pytest.raises(PeerUnavailable):
        await in_flight
    await stopped.wait()
    await caller.close()


async def test_a_taken_address_is_named(stubs: SimpleNamespace, echo: Any, issuer: Issuer) -> None:
    server, caller = await started(stubs, echo, issuer)
    address = f"127.0.0.1:{server.port}"
    second = RpcServer(address, [(stubs.api.add_EchoServicer_to_server, echo)], issuer.verifier())
    with pytest.raises(OSError, match=f"{address} cannot be listened on"):
        await second.start(Readiness({}))
    await second.stop()
    await caller.close()
    await server.stop()


async def test_health_tells_liveness_from_readiness(
    stubs: SimpleNamespace, echo: Any, issuer: Issuer
) -> None:
    async def broken() -> None:
        raise ConnectionError("no database")

    readiness = Readiness({"database": broken})
    readiness.open()
    server, caller = await started(stubs, echo, issuer, readiness)
    health: Any = health_pb2_grpc.HealthStub(caller.channel)
    states = health_pb2.HealthCheckResponse

    async def check(service: str) -> Any:
        return (await health.Check(health_pb2.HealthCheckRequest(service=service))).status

    assert await check("liveness") == states.SERVING
    assert await check("readiness") == states.NOT_SERVING
    assert await check("") == states.NOT_SERVING
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await check("something")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    await caller.close()
    await server.stop()


async def test_a_rolling_restart_fails_no_call(
    stubs: SimpleNamespace, echo: Any, issuer: Issuer, text: Text
) -> None:
    """Two replicas behind one name, each replaced in turn, twice, under load."""
    add = stubs.api.add_EchoServicer_to_server

    served = [asyncio.Event(), asyncio.Event()]

    async def start(number: int, port: int = 0) -> RpcServer:
        async def brief(request: Any, context: Any) -> Any:
            await asyncio.sleep(0.005)
            served[number].set()
            return request

        replica = type(echo)(stubs.pb)
        replica.behaviour = brief
        server = RpcServer(f"127.0.0.1:{port}", [(add, replica)], issuer.verifier())
        await server.start(Readiness({}))
        return server

    replicas = [await start(0), await start(1)]
    ports = [server.port for server in replicas]
    addresses = ",".join(f"127.0.0.1:{port}" for port in ports)
    caller = PatientCaller(f"ipv4:{addresses}", "echo")
    stub = stubs.api.EchoStub(caller.channel)
    restarting, answered = True, 0

    async def load() -> None:
        nonlocal answered
        while restarting:
            await caller.call(stub.Open, text("x"), idempotent=True)
            answered += 1

    async def restart() -> None:
        nonlocal restarting
        for number in (0, 1, 0, 1):
            await replicas[number].stop()
            replicas[number] = await start(number, ports[number])
            served[number].clear()
            async with asyncio.timeout(PATIENCE):
                await served[number].wait()  # the channel has found the new one
        restarting = False

    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(load())
        group.create_task(restart())
    await caller.close()
    for server in replicas:
        await server.stop()
    assert answered > 0
