"""What surrounds a method: who, until when, how it ends."""

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kit.errors import DomainError, ErrorKind
from kit.ids import new_id
from kit.rpc.client import Caller
from kit.rpc.errors import PeerUnavailable, RemoteError
from kit.rpc.identity import (
    CallIdentity,
    TokenMissing,
    forwarded,
    idempotency_key_of,
    principal_of,
)
from kit.rpc.server import RpcServer
from kit.runtime import Readiness
from kit.telemetry.metrics import REGISTRY
from kit.testing.rpc import Issuer

Text = Callable[[str], Any]


async def refusal(answer: Any) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        await answer
    return caught.value


async def test_a_permission_opens_the_method(
    caller: Caller, stub: Any, text: Text, issuer: Issuer
) -> None:
    answer = await caller.call(stub.Say, text("hello"), identity=issuer.identity("echo.write"))
    assert answer.text == "hello"


@pytest.mark.parametrize(
    ("permissions", "kind", "reason"),
    [
        (None, ErrorKind.UNAUTHENTICATED, "TOKEN_MISSING"),
        ((), ErrorKind.FORBIDDEN, "PERMISSION_MISSING"),
        (("echo.read", "echo.writer", "ECHO.WRITE"), ErrorKind.FORBIDDEN, "PERMISSION_MISSING"),
    ],
)
async def test_nothing_else_does(
    caller: Caller,
    stub: Any,
    text: Text,
    issuer: Issuer,
    echo: Any,
    permissions: tuple[str, ...] | None,
    kind: ErrorKind,
    reason: str,
) -> None:
    async def reached(request: Any, context: Any) -> Any:
        raise AssertionError("the method ran")

    echo.behaviour = reached
    who = CallIdentity() if permissions is None else issuer.identity(*permissions)
    for answer in (
        caller.call(stub.Say, text("x"), identity=who),
        caller.upload(stub.Join, several(text, "x"), identity=who),
        anext(caller.stream(stub.Letters, text("x"), identity=CallIdentity(who.token))),
    ):
        error = await refusal(answer)
        wanted = (kind, reason) if permissions != ("echo.read",) else (kind, reason)
        assert (error.kind, error.reason) == wanted


async def several(text: Text, *words: str) -> AsyncIterator[Any]:
    for word in words:
        yield text(word)
