"""An ended session is over within a moment on every replica, and without the bus as well."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from kit.bus.jetstream import Bus
from kit.errors import DomainError
from kit.ids import new_id
from kit.rpc import revocations as module
from kit.rpc.errors import PeerUnavailable
from kit.rpc.revocations import Revocations
from kit.testing.background import running, until
from local.servers import start_nats


class Auth:
    """What auth would answer, and how often it was asked."""

    def __init__(self) -> None:
        self.ended: set[UUID] = set()
        self.asked = 0
        self.down = False

    async def is_active(self, session_id: UUID) -> bool:
        self.asked += 1
        if self.down:
            raise PeerUnavailable("auth cannot be reached.")
        return session_id not in self.ended


@pytest.fixture
def auth() -> Auth:
    return Auth()


@asynccontextmanager
async def replica(auth: Auth, bus: Bus) -> AsyncIterator[Revocations]:
    revocations = Revocations(auth.is_active, jetstream=bus.jetstream)
    async with running(revocations.follow):
        yield revocations


async def tell(bus: Bus, session_id: object) -> None:
    await bus.jetstream.publish(
        "auth.3.session.v1.revoked", b"", headers={"ce-subject": str(session_id)}
    )


async def test_every_replica_hears_of_it_without_asking(auth: Auth, bus: Bus) -> None:
    session = new_id()
    async with replica(auth, bus) as one, replica(auth, bus) as two:
        await until(lambda: one.listening and two.listening)
        assert not await one.is_revoked(session)
        assert not await two.is_revoked(session)
        assert auth.asked == 0
        await tell(bus, session)
        for each in (one, two):
            await until(partial(each.is_revoked, session))
    assert auth.asked == 0  # it was told


async def test_a_new_replica_knows_what_happened_before_it_came(auth: Auth, bus: Bus) -> None:
    sessions = [new_id() for _ in range(600)]  # more than one batch
    for session in sessions:
        await tell(bus, session)
    async with replica(auth, bus) as late:
        await until(lambda: late.listening)
        assert all([await late.is_revoked(session) for session in sessions])
        assert auth.asked == 0


async def test_an_unreadable_event_stops_nothing(
    auth: Auth, bus: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    session = new_id()
    async with replica(auth, bus) as it:
        await tell(bus, "no id")
        await bus.jetstream.publish("auth.3.session.v1.revoked", b"")
        await tell(bus, session)
        await until(lambda: session in it._revoked)
    assert len([r for r in caplog.records if r.msg == "revocation_unreadable"]) >= 2


async def test_with_the_bus_away_auth_is_asked_and_believed_for_five_seconds(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(module, "monotonic", lambda: now)
    deaf = Revocations(auth.is_active)
    session = new_id()
    for _ in range(3):
        assert not await deaf.is_revoked(session)
    auth.ended.add(session)
    now += 4.9
    assert not await deaf.is_revoked(session)
    assert auth.asked == 1
    now += 0.2
    assert await deaf.is_revoked(session)
    assert auth.asked == 2


async def test_with_both_away_nobody_is_let_in(auth: Auth) -> None:
    auth.down = True
    with pytest.raises(DomainError):
        await Revocations(auth.is_active).is_revoked(new_id())


async def test_what_is_remembered_is_bounded(auth: Auth, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(module, "monotonic", lambda: now)
    monkeypatch.setattr(module, "KEEP_ANSWERS", 10)
    it = Revocations(auth.is_active)
    sessions = [new_id() for _ in range(20)]
    for session in sessions:
        await it.is_revoked(session)
    assert len(it._answers) == 10
    it.revoke(sessions[0])
    now += module.REMEMBER + 1
    it.revoke(sessions[1])
    assert set(it._revoked) == {sessions[1]}


async def test_the_bus_may_go_and_come_back(
    auth: Auth, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "kit.rpc.revocations")
    server = await asyncio.to_thread(start_nats, tmp_path / "nats")
    port = int(server.dsn.rpartition(":")[2])
    async with Bus(server.dsn, name="test", profile="test") as bus, replica(auth, bus) as it:
        await until(lambda: it.listening)
        await asyncio.to_thread(server.stop)
        await until(lambda: not it.listening)
        session = new_id()
        auth.ended.add(session)
        assert await it.is_revoked(session)
        assert auth.asked == 1
        server = await asyncio.to_thread(start_nats, tmp_path / "nats", port)
        await until(lambda: it.listening)
        other = new_id()
        assert not await it.is_revoked(other)
        await tell(bus, other)
        await until(lambda: other in it._revoked)
        assert auth.asked == 1
    await asyncio.to_thread(server.stop)
    said = [record.msg for record in caplog.records if record.msg.startswith("revocations_")]
    assert said == ["revocations_not_heard", "revocations_heard_again"]  # once, not each second
