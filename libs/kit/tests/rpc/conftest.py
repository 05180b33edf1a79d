"""A small contract compiled for these tests, and a service of which a test says what it does."""

import importlib
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from grpc_tools import protoc  # type: ignore[import-untyped]

from kit.clock import FakeClock
from kit.rpc.client import Caller
from kit.testing.rpc import Issuer, served

HERE = Path(__file__).parent
CONTRACTS = HERE.parents[3] / "proto"

Behaviour = Callable[[Any, Any], Awaitable[Any]]


@pytest.fixture(scope="session")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """`pb` and `api` of echo.proto."""
    out = tmp_path_factory.mktemp("stubs")
    well_known = Path(protoc.__file__).parent / "_proto"
    folders = [f"-I{folder}" for folder in (HERE, CONTRACTS, well_known)]
    made = [f"--python_out={out}", f"--grpc_python_out={out}"]
    assert protoc.main(["protoc", *folders, *made, "echo.proto"]) == 0
    sys.path.insert(0, str(out))
    yield SimpleNamespace(
        pb=importlib.import_module("echo_pb2"), api=importlib.import_module("echo_pb2_grpc")
    )
    sys.path.remove(str(out))


@pytest.fixture
def quiet_logs() -> Iterator[None]:
    """Puts the process's logging back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


class Echo:
    """Does what `behaviour` says, in every unary method; the streaming ones are what they are."""

    def __init__(self, pb: Any) -> None:
        self._pb = pb
        self.behaviour: Behaviour | None = None

    async def Say(self, request: Any, context: Any) -> Any:
        return await self.behaviour(request, context) if self.behaviour else request

    Me = Open = Inner = Say

    async def Letters(self, request: Any, context: Any) -> AsyncIterator[Any]:
        if self.behaviour:
            await self.behaviour(request, context)
        for letter in request.text:
            yield self._pb.Text(text=letter)

    async def Join(self, requests: AsyncIterator[Any], context: Any) -> Any:
        return self._pb.Text(text="".join([request.text async for request in requests]))

    async def Shout(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for request in requests:
            yield self._pb.Text(text=request.text.upper())


@pytest.fixture
def echo(stubs: SimpleNamespace) -> Echo:
    return Echo(stubs.pb)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime(2026, 1, 5, 9, tzinfo=UTC))


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
async def caller(stubs: SimpleNamespace, echo: Echo, issuer: Issuer) -> AsyncIterator[Caller]:
    """Calls `echo` over a real socket."""
    async with served([(stubs.api.add_EchoServicer_to_server, echo)], issuer, name="echo") as it:
        yield it


@pytest.fixture
def stub(stubs: SimpleNamespace, caller: Caller) -> Any:
    return stubs.api.EchoStub(caller.channel)


@pytest.fixture
def text(stubs: SimpleNamespace) -> Callable[[str], Any]:
    """Makes a message."""
    return lambda said: stubs.pb.Text(text=said)
