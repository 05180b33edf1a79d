"""A peer in trouble is left alone, and found again when it is well."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from kit.errors import ErrorKind
from kit.rpc import resilience
from kit.rpc.client import Caller
from kit.rpc.errors import DeadlineExceeded, PeerUnavailable, RemoteError
from kit.rpc.resilience import OPEN_AFTER, PROBE_EVERY, Breaker, RetryBudget, backoff
from kit.testing.background import PATIENCE

Text = Callable[[str], Any]


class Watch:
    """Time that passes when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def admitted(breaker: Breaker) -> bool:
    try:
        breaker.admit()
    except PeerUnavailable:
        return False
    return True


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def open_breaker(watch: Watch) -> Breaker:
    breaker = Breaker("crm", watch)
    for _ in range(OPEN_AFTER):
        breaker.admit()
        breaker.ended(answered=False)
    return breaker


def test_it_opens_after_failures_without_a_success(open_breaker: Breaker) -> None:
    with pytest.raises(PeerUnavailable, match="crm does not answer"):
        open_breaker.admit()


def test_a_success_in_between_keeps_it_closed(watch: Watch) -> None:
    breaker = Breaker("crm", watch)
    for number in range(10 * OPEN_AFTER):
        breaker.admit()
        breaker.ended(answered=number % OPEN_AFTER == 0)


def test_one_probe_at_a_time_and_a_success_closes(open_breaker: Breaker, watch: Watch) -> None:
    watch.now += PROBE_EVERY
    assert [admitted(open_breaker) for _ in range(3)] == [True, False, False]
    open_breaker.ended(answered=False)
    assert not admitted(open_breaker)
    watch.now += PROBE_EVERY
    assert admitted(open_breaker)
    open_breaker.ended(answered=True)
    assert all(admitted(open_breaker) for _ in range(100))


def test_a_probe_nobody_waited_for_makes_room_for_the_next(
    open_breaker: Breaker, watch: Watch
) -> None:
    watch.now += PROBE_EVERY
    assert admitted(open_breaker)
    open_breaker.ended(answered=None)
    assert admitted(open_breaker)


def test_retries_are_a_tenth_of_the_calls() -> None:
    budget = RetryBudget()
    while budget.spend():
        pass
    retries = 0
    for _ in range(1000):
        budget.earn()
        retries += budget.spend()
    assert 95 <= retries <= 100


def test_waiting_is_random_and_bounded() -> None:
    waits = [backoff(1) for _ in range(200)]
    assert 0 <= min(waits) < max(waits) <= resilience.BACKOFF * 2
    assert len(set(waits)) > 100


class Flaky:
    """A stub method of which a test says how it fails first."""

    _method = b"/kit.test.v1.Echo/Flaky"

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.timeouts: list[float] = []

    async def __call__(self, request: Any, *, timeout: float, metadata: Any) -> Any:  # noqa: ASYNC109
        self.timeouts.append(timeout)
        if self.failures:
            raise self.failures.pop(0)
        return request


@pytest.fixture
async def lonely() -> Any:
    caller = Caller("127.0.0.1:1", "crm")
    yield caller
    await caller.close()


async def test_an_idempotent_call_is_asked_three_times(lonely: Any) -> None:
    away = PeerUnavailable("away")
    flaky = Flaky(away, away)
    assert await lonely.call(flaky, "x", idempotent=True, timeout=2) == "x"
    assert len(flaky.timeouts) == 3
    assert flaky.timeouts == sorted(flaky.timeouts, reverse=True)
    with pytest.raises(PeerUnavailable):
        await lonely.call(Flaky(away, away, away), "x", idempotent=True)


@pytest.mark.parametrize(
    "failure",
    [
        DeadlineExceeded("too late"),
        RemoteError(ErrorKind.UNAVAILABLE, "DATABASE_BUSY", "busy"),
        ValueError("a mistake"),
    ],
)
async def test_what_another_try_would_not_mend_is_not_tried(
    lonely: Any, failure: Exception
) -> None:
    flaky = Flaky(failure)
    with pytest.raises(type(failure)):
        await lonely.call(flaky, "x", idempotent=True)
    assert len(flaky.timeouts) == 1


async def test_a_call_that_may_not_be_doubled_is_not(lonely: Any) -> None:
    flaky = Flaky(PeerUnavailable("away"))
    with pytest.raises(PeerUnavailable):
        await lonely.call(flaky, "x")
    assert len(flaky.timeouts) == 1


async def test_a_dead_peer_is_asked_little_more_than_usual(lonely: Any) -> None:
    dead = Flaky(*[PeerUnavailable("away")] * 1000)
    for _ in range(OPEN_AFTER * 2):
        with pytest.raises(PeerUnavailable):
            await lonely.call(dead, "x", idempotent=True)
    assert len(dead.timeouts) <= OPEN_AFTER  # then the breaker is open


async def test_a_hung_peer_opens_the_breaker_and_its_return_closes_it(
    caller: Caller, stub: Any, text: Text, echo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resilience, "PROBE_EVERY", 0.05)

    async def hang(request: Any, context: Any) -> Any:
        await asyncio.Event().wait()

    echo.behaviour = hang
    calls = [caller.call(stub.Open, text("x"), timeout=0.1) for _ in range(OPEN_AFTER)]
    await asyncio.gather(*calls, return_exceptions=True)
    with pytest.raises(PeerUnavailable, match="does not answer"):
        await caller.call(stub.Open, text("x"), timeout=60)
    echo.behaviour = None
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                assert (await caller.call(stub.Open, text("x"))).text == "x"
                break
            except PeerUnavailable:
                await asyncio.sleep(0.02)


async def test_a_stream_counts_as_well(caller: Caller, stub: Any, text: Text) -> None:
    refusals = [caller.stream(stub.Letters, text("x")) for _ in range(OPEN_AFTER * 2)]
    for answers in refusals:
        with pytest.raises(RemoteError):  # an answer, though not a kind one
            await anext(answers)
    assert (await caller.call(stub.Open, text("x"))).text == "x"
