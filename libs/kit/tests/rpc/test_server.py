"""What surrounds a method: who calls, how long they wait, how it ends."""

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import grpc
import grpc.aio
import pytest

from kit.errors import DomainError, ErrorKind
from kit.ids import new_id
from kit.rpc.client import Caller
from kit.rpc.errors import PeerFailed, RemoteError
from kit.rpc.identity import CallIdentity, forwarded, idempotency_key_of, principal_of
from kit.telemetry.metrics import REGISTRY
from kit.testing.background import PATIENCE, until
from kit.testing.rpc import Issuer, served

Text = Callable[[str], Any]
SERVICE = "kit.test.v1.Echo"


async def several(text: Text, *words: str) -> AsyncIterator[Any]:
    for word in words:
        yield text(word)


async def refusal(answer: Any) -> tuple[ErrorKind, str]:
    with pytest.raises(RemoteError) as caught:
        await answer
    return caught.value.kind, caught.value.reason


async def test_a_permission_opens_its_method(
    caller: Caller, stub: Any, text: Text, issuer: Issuer
) -> None:
    writer = issuer.identity("echo.write")
    assert (await caller.call(stub.Say, text("hello"), identity=writer)).text == "hello"
    assert (await caller.call(stub.Me, text("hello"), identity=writer)).text == "hello"
    joined = await caller.upload(stub.Join, several(text, "a", "b"), identity=writer)
    assert joined.text == "ab"
    reader = issuer.identity("echo.read")
    letters = [t.text async for t in caller.stream(stub.Letters, text("abc"), identity=reader)]
    assert letters == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("permissions", "wanted"),
    [
        (None, (ErrorKind.UNAUTHENTICATED, "TOKEN_MISSING")),
        ((), (ErrorKind.FORBIDDEN, "PERMISSION_MISSING")),
        (("echo.writes", "ECHO.WRITE", "echo"), (ErrorKind.FORBIDDEN, "PERMISSION_MISSING")),
    ],
)
async def test_nothing_else_does(
    caller: Caller,
    stub: Any,
    text: Text,
    issuer: Issuer,
    echo: Any,
    permissions: tuple[str, ...] | None,
    wanted: tuple[ErrorKind, str],
) -> None:
    async def reached(request: Any, context: Any) -> Any:
        raise AssertionError("the method ran")

    echo.behaviour = reached
    who = CallIdentity() if permissions is None else issuer.identity(*permissions)
    assert await refusal(caller.call(stub.Say, text("x"), identity=who)) == wanted
    assert await refusal(caller.upload(stub.Join, several(text), identity=who)) == wanted
    assert await refusal(anext(caller.stream(stub.Letters, text("x"), identity=who))) == wanted


async def test_a_method_may_ask_for_more_than_its_contract_does(
    caller: Caller, stub: Any, text: Text, issuer: Issuer, echo: Any
) -> None:
    async def for_some(request: Any, context: Any) -> Any:
        principal = principal_of(context)
        if not principal.may("echo.read"):
            principal.require("echo.shout")
        return request

    echo.behaviour = for_some
    await caller.call(stub.Me, text("x"), identity=issuer.identity("echo.read"))
    wanted = (ErrorKind.FORBIDDEN, "PERMISSION_MISSING")
    assert await refusal(caller.call(stub.Me, text("x"), identity=issuer.identity())) == wanted


def test_outside_of_a_call_there_is_nobody() -> None:
    assert forwarded() == CallIdentity()


async def test_signed_in_asks_for_somebody_and_no_more(
    caller: Caller, stub: Any, text: Text, issuer: Issuer
) -> None:
    await caller.call(stub.Me, text("x"), identity=issuer.identity())
    missing = (ErrorKind.UNAUTHENTICATED, "TOKEN_MISSING")
    assert await refusal(caller.call(stub.Me, text("x"))) == missing


async def test_public_and_internal_methods_know_nobody(
    caller: Caller, stub: Any, text: Text, issuer: Issuer, echo: Any
) -> None:
    async def whose(request: Any, context: Any) -> Any:
        return text(principal_of(context).role)

    echo.behaviour = whose
    missing = (ErrorKind.UNAUTHENTICATED, "TOKEN_MISSING")
    for method in (stub.Open, stub.Inner):
        assert await refusal(caller.call(method, text("x"))) == missing
        assert await refusal(caller.call(method, text("x"), identity=issuer.identity())) == missing


async def test_the_method_knows_who_calls(
    caller: Caller, stub: Any, text: Text, issuer: Issuer, echo: Any
) -> None:
    seen: list[Any] = []

    async def look(request: Any, context: Any) -> Any:
        await asyncio.sleep(0)
        seen.append((principal_of(context), idempotency_key_of(context), forwarded()))
        return request

    echo.behaviour = look
    people = [(new_id(), new_id(), f"key-{n}", f"window-{n}") for n in range(20)]

    async def ask(user: UUID, workspace: UUID, key: str, origin: str) -> None:
        who = issuer.identity("echo.write", user_id=user, workspace_id=workspace)
        who = CallIdentity(who.token, idempotency_key=key, origin=origin)
        await caller.call(stub.Say, text("x"), identity=who)

    await asyncio.gather(*(ask(*person) for person in people))
    found = {(p.user_id, p.workspace_id, key, p.origin) for p, key, _ in seen}
    assert found == set(people)
    for principal, _, onward in seen:
        # The key stands for this one write; it does not travel on to others.
        assert onward == CallIdentity(principal.token, None, principal.origin)


async def test_the_origin_of_one_call_does_not_stick_to_the_token(
    caller: Caller, stub: Any, text: Text, issuer: Issuer, echo: Any
) -> None:
    async def origin(request: Any, context: Any) -> Any:
        return text(principal_of(context).origin)

    echo.behaviour = origin
    token = issuer.identity("echo.write").token
    for window in ("one", "", "two"):
        who = CallIdentity(token, origin=window)
        assert (await caller.call(stub.Say, text("x"), identity=who)).text == window


async def test_without_a_deadline_nothing_runs(stub: Any, text: Text) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Open(text("x"))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_caller_who_goes_away_stops_the_work(
    caller: Caller, stub: Any, text: Text, echo: Any
) -> None:
    running, stopped = asyncio.Event(), asyncio.Event()

    async def forever(request: Any, context: Any) -> Any:
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    echo.behaviour = forever
    call = asyncio.create_task(caller.call(stub.Open, text("x"), timeout=60))
    await running.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    async with asyncio.timeout(PATIENCE):
        await stopped.wait()


async def test_a_reader_who_has_enough_stops_the_stream(
    text: Text, issuer: Issuer, stubs: SimpleNamespace, echo: Any
) -> None:
    stopped = asyncio.Event()

    async def endless(request: Any, context: Any) -> AsyncIterator[Any]:
        try:
            while True:
                yield text("x" * 1000)
        finally:
            stopped.set()

    echo.Letters = endless
    async with served([(stubs.api.add_EchoServicer_to_server, echo)], issuer) as peer:
        stub = stubs.api.EchoStub(peer.channel)
        answers = peer.stream(stub.Letters, text("x"), identity=issuer.identity("echo.read"))
        assert (await anext(answers)).text
        await answers.aclose()  # type: ignore[attr-defined]
        async with asyncio.timeout(PATIENCE):
            await stopped.wait()


async def test_a_stream_may_be_refused_half_way(
    text: Text, issuer: Issuer, stubs: SimpleNamespace, echo: Any
) -> None:
    class TooMuch(DomainError):
        kind, reason = ErrorKind.EXHAUSTED, "TOO_MUCH"

    async def two(request: Any, context: Any) -> AsyncIterator[Any]:
        yield text("one")
        raise TooMuch("No more.")

    echo.Letters = two
    async with served([(stubs.api.add_EchoServicer_to_server, echo)], issuer) as peer:
        stub = stubs.api.EchoStub(peer.channel)
        answers = peer.stream(stub.Letters, text("x"), identity=issuer.identity("echo.read"))
        assert (await anext(answers)).text == "one"
        assert await refusal(anext(answers)) == (ErrorKind.EXHAUSTED, "TOO_MUCH")


async def test_both_sides_may_stream(stub: Any, text: Text, issuer: Issuer) -> None:
    token = issuer.identity("echo.write").token
    metadata = [("authorization", f"Bearer {token}")]
    call = stub.Shout(several(text, "a", "b"), timeout=PATIENCE, metadata=metadata)
    assert [answer.text async for answer in call] == ["A", "B"]


def counted(method: str, code: str) -> tuple[float, float]:
    """Calls answered and calls made."""
    labels = {"rpc_service": SERVICE, "rpc_method": method, "code": code}
    client = labels | {"callee": "echo"}
    return (
        REGISTRY.get_sample_value("rpc_server_duration_seconds_count", labels) or 0,
        REGISTRY.get_sample_value("rpc_client_duration_seconds_count", client) or 0,
    )


async def test_a_method_may_abort_by_itself(
    caller: Caller, stub: Any, text: Text, echo: Any
) -> None:
    async def abort(request: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.DATA_LOSS, "gone")

    echo.behaviour = abort
    server, client = counted("Open", "DATA_LOSS")
    with pytest.raises(PeerFailed, match="DATA_LOSS: gone"):
        await caller.call(stub.Open, text("x"))
    await until(lambda: counted("Open", "DATA_LOSS") == (server + 1, client + 1))


async def test_calls_are_counted_on_both_sides_by_how_they_ended(
    caller: Caller, stub: Any, text: Text, issuer: Issuer
) -> None:
    codes = ("OK", "PERMISSION_DENIED")
    before = [counted("Say", code) for code in codes]
    await caller.call(stub.Say, text("x"), identity=issuer.identity("echo.write"))
    await refusal(caller.call(stub.Say, text("x"), identity=issuer.identity()))
    wanted = [(server + 1, client + 1) for server, client in before]
    await until(lambda: [counted("Say", code) for code in codes] == wanted)


async def test_an_oversize_message_is_refused(caller: Caller, stub: Any, text: Text) -> None:
    with pytest.raises(PeerFailed, match="RESOURCE_EXHAUSTED"):
        await caller.call(stub.Open, text("x" * (4 * 1024 * 1024)))
