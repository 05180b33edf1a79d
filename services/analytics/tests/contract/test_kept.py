"""Answers that are kept: as good as new ones, nobody else's, and not needed."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from analytics.adapters import scores
from analytics.adapters.report_cache import ReportCache
from analytics.bootstrap.serving import services
from analytics.entrypoints.app import App
from kit.clock import FakeClock
from kit.ids import new_id
from kit.jobs.celery import JobApp
from kit.sight import Sight
from kit.testing.database import ServiceDatabase, recorded_queries
from kit.testing.rpc import Issuer, served
from kit.testing.servers import valkey_server
from services.analytics.tests.contract.test_figures import NOW, Peer
from services.analytics.tests.factories import DAY, Told

NAMES = ("Health", "Conversion", "Clients", "Activity")
FOUND = 2  # BEGIN with the workspace, and how far its facts and scores are


class Valkey:
    """One that can be stopped."""

    def __init__(self, url: str, stack: ExitStack) -> None:
        self.url = url
        self.stop = stack.close


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    with ExitStack() as stack:
        yield Valkey(stack.enter_context(valkey_server(tmp_path)), stack)


@pytest.fixture
async def peer(database: ServiceDatabase, valkey: Valkey) -> AsyncIterator[Peer]:
    app = App(
        pool=database.app,
        system=database.system,
        clock=FakeClock(NOW),
        jobs=JobApp("analytics", "memory://"),
        wake_relay=lambda: None,
        reports=ReportCache(f"{valkey.url}/2"),
    )
    issuer = Issuer()
    async with served(services(app), issuer) as caller:
        peer = Peer(app, caller, issuer, Told(new_id()))
        await scored(peer)
        yield peer
    await app.reports.close()


async def scored(peer: Peer) -> None:
    """There are scores, so that no answer is still being computed."""
    edition = {
        "workspace_id": str(peer.crm.workspace),
        "edition": "now",
        "as_of": NOW.isoformat(),
        "data_version": 1,
        "scored_at": NOW.isoformat(),
        "stage_limits": {},
        "expected": {},
    }
    async with peer.app.unit_of_work(peer.crm.workspace) as uow:
        await scores.write(uow, "editions", [edition])
        await scores.written(uow)
        await uow.commit()


async def test_an_answer_is_given_again_without_counting(
    database: ServiceDatabase, peer: Peer
) -> None:
    await peer.tell(peer.crm.created(minor=100_00), peer.crm.created().moved("won", NOW - DAY))
    for name in NAMES:
        first = await peer.ask(name)
        with recorded_queries(database.app) as queries:
            assert await peer.ask(name) == first
        assert len(queries) == FOUND, queries
        with recorded_queries(database.app) as queries:
            await peer.ask(name, source="fair")
        assert len(queries) > FOUND  # another question


async def test_what_has_changed_is_counted_anew(database: ServiceDatabase, peer: Peer) -> None:
    await peer.tell(peer.crm.created())
    assert (await peer.ask("Health")).open_count == 1
    await peer.tell(peer.crm.created())
    assert (await peer.ask("Health")).open_count == 2
    async with peer.app.unit_of_work(peer.crm.workspace) as uow:
        await scores.written(uow)
        await uow.commit()
    with recorded_queries(database.app) as queries:
        await peer.ask("Health")
    assert len(queries) > FOUND
    peer.app.clock.advance(DAY)  # type: ignore[attr-defined]
    with recorded_queries(database.app) as queries:
        await peer.ask("Health")
    assert len(queries) > FOUND  # ages are of today


async def test_nobody_is_given_what_somebody_else_sees(peer: Peer) -> None:
    me, other = new_id(), new_id()
    crm = peer.crm
    await peer.tell(crm.created(owner=me), crm.created(owner=me), crm.created(owner=other))
    for _ in range(2):
        assert (await peer.ask("Health")).open_count == 3
        assert (await peer.ask("Health", sight=Sight((me,)))).open_count == 2
        assert (await peer.ask("Health", sight=Sight((other,)))).open_count == 1
        assert (await peer.ask("Health", sight=Sight((me, other)))).open_count == 3
    stranger = Peer(peer.app, peer.caller, peer.issuer, Told(new_id()))
    assert (await stranger.ask("Health")).open_count == 0


async def test_without_valkey_the_answers_are_the_same(
    database: ServiceDatabase, peer: Peer, valkey: Valkey
) -> None:
    await peer.tell(peer.crm.created(minor=100_00))
    before = {name: await peer.ask(name) for name in NAMES}
    valkey.stop()
    for name in NAMES:
        with recorded_queries(database.app) as queries:
            assert await peer.ask(name) == before[name]
        assert len(queries) > FOUND
    await peer.app.reports.drop(peer.crm.workspace)
    await peer.tell(peer.crm.created())
    assert (await peer.ask("Health")).open_count == 2


async def test_what_is_kept_of_a_workspace_can_be_dropped(peer: Peer) -> None:
    await peer.app.reports.keep(peer.crm.workspace, "answer", b"as it was")
    assert await peer.app.reports.find(peer.crm.workspace, "answer") == b"as it was"
    await peer.app.reports.drop(peer.crm.workspace)
    assert await peer.app.reports.find(peer.crm.workspace, "answer") is None
