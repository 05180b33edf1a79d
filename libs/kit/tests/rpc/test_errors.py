"""A refusal crosses the wire whole; a mistake does not cross it at all."""

import logging
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
import pytest

from kit.errors import STATUS, DomainError, ErrorKind
from kit.rpc.client import Caller
from kit.rpc.errors import (
    CODE_OF,
    DETAILS,
    DeadlineExceeded,
    PeerFailed,
    PeerUnavailable,
    RemoteError,
    abort_of,
    error_of,
)
from kit.testing.background import PATIENCE


class Refusal(DomainError):
    """Of any kind."""

    reason = "TEST_REFUSAL"

    def __init__(self, kind: ErrorKind, message: str, **more: Any) -> None:
        self.kind = kind
        super().__init__(message, **more)


def test_the_table_is_total_and_one_to_one() -> None:
    assert set(STATUS) == set(ErrorKind)
    assert len(set(CODE_OF.values())) == len(ErrorKind)


@pytest.mark.parametrize("kind", ErrorKind)
async def test_every_kind_arrives_as_it_left(
    caller: Caller, stub: Any, text: Callable[[str], Any], echo: Any, kind: ErrorKind
) -> None:
    async def refuse(request: Any, context: Any) -> Any:
        fields = {"amount": "Muß größer sein als 0.", "name": "Fehlt."}
        raise Refusal(kind, "Das geht nicht — “so”.", fields=fields, current="7", stage="gewonnen")

    echo.behaviour = refuse
    with pytest.raises(RemoteError) as caught:
        await caller.call(stub.Open, text("x"))
    error = caught.value
    assert (error.kind, error.reason) == (kind, "TEST_REFUSAL")
    assert error.message == "Das geht nicht — “so”."
    assert error.fields == {"amount": "Muß größer sein als 0.", "name": "Fehlt."}
    assert error.details == {"current": "7", "stage": "gewonnen"}


async def test_a_refusal_of_a_third_service_is_handed_through(
    caller: Caller, stub: Any, text: Callable[[str], Any], echo: Any
) -> None:
    async def refused_further_on(request: Any, context: Any) -> Any:
        raise RemoteError(ErrorKind.STALE, "DEAL_HAS_CHANGED", "Changed.", details={"current": "3"})

    echo.behaviour = refused_further_on
    with pytest.raises(RemoteError) as caught:
        await caller.call(stub.Open, text("x"))
    assert caught.value.reason == "DEAL_HAS_CHANGED"
    assert caught.value.details == {"current": "3"}


@pytest.mark.parametrize("broken", [RuntimeError, KeyError, PeerFailed, AssertionError])
async def test_a_mistake_says_nothing_outside_and_everything_in_the_log(
    caller: Caller,
    stub: Any,
    text: Callable[[str], Any],
    echo: Any,
    caplog: pytest.LogCaptureFixture,
    broken: type[Exception],
) -> None:
    async def break_down(request: Any, context: Any) -> Any:
        raise broken("canary-4711 SELECT * FROM users")

    echo.behaviour = break_down
    with (
        caplog.at_level(logging.ERROR, "kit.rpc.endpoint"),
        pytest.raises(grpc.aio.AioRpcError) as caught,
    ):
        await stub.Open(text("x"), timeout=PATIENCE)
    failure = caught.value
    assert failure.code() is grpc.StatusCode.INTERNAL
    assert failure.details() == "Something went wrong on our side."
    assert "canary" not in repr(failure) + repr(failure.trailing_metadata())
    [record] = [r for r in caplog.records if r.msg == "call_failed"]
    assert record.exc_info
    assert "canary-4711" in str(record.exc_info[1])
    with pytest.raises(PeerFailed):
        await caller.call(stub.Open, text("x"))


def failure(code: grpc.StatusCode, *trailers: tuple[str, Any]) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(
        code, grpc.aio.Metadata(), grpc.aio.Metadata(*trailers), details="10.0.0.7:50051 says no"
    )


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (grpc.StatusCode.UNAVAILABLE, PeerUnavailable),
        (grpc.StatusCode.CANCELLED, PeerUnavailable),
        (grpc.StatusCode.DEADLINE_EXCEEDED, DeadlineExceeded),
        (grpc.StatusCode.INTERNAL, PeerFailed),
        (grpc.StatusCode.UNKNOWN, PeerFailed),
        (grpc.StatusCode.UNIMPLEMENTED, PeerFailed),
        (grpc.StatusCode.INVALID_ARGUMENT, PeerFailed),  # without details it is not from us
        (grpc.StatusCode.RESOURCE_EXHAUSTED, PeerFailed),  # too large a message, for example
    ],
)
def test_what_grpc_itself_says(code: grpc.StatusCode, meaning: type[Exception]) -> None:
    error = error_of(failure(code), "crm")
    assert type(error) is meaning
    if isinstance(error, DomainError):
        assert error.kind is ErrorKind.UNAVAILABLE
        assert "10.0.0.7" not in error.message


def test_unreadable_details_are_none() -> None:
    garbled = failure(grpc.StatusCode.NOT_FOUND, (DETAILS, b"\xff\xff\xff"))
    assert isinstance(error_of(garbled, "crm"), PeerFailed)


def test_a_failed_peer_is_a_mistake_of_ours() -> None:
    assert abort_of(PeerFailed("crm: INTERNAL: …")).code is grpc.StatusCode.INTERNAL
