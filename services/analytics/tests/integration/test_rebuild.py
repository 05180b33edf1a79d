"""Facts built anew from crm's log are those that the events made, whatever happens meanwhile."""

import asyncio
import os
import random
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from analytics.adapters import rebuilds
from analytics.adapters.crm_log import CrmLog
from analytics.entrypoints.app import App
from analytics.entrypoints.consumers import OF_AUTH, OF_CRM
from analytics.entrypoints.rebuild import BeingRebuilt, clear_away, rebuild, rebuild_all
from freelanceflow.crm.v1 import snapshot_service_pb2 as pb
from freelanceflow.crm.v1 import snapshot_service_pb2_grpc as api
from freelanceflow.crm.v1.record_events_pb2 import RecordPurged
from kit.bus.events import SPEC_VERSION, Event, decode
from kit.clock import FakeClock
from kit.errors import DomainError, ErrorKind
from kit.ids import new_id
from kit.jobs.celery import JobApp
from kit.rpc.errors import PeerFailed
from kit.rpc.identity import Context
from kit.rpc.server import RpcServer
from kit.runtime import Readiness
from kit.testing.database import ServiceDatabase
from kit.testing.rpc import Issuer, served
from services.analytics.tests.factories import DAY, NOON, Told, ToldDeal
from services.analytics.tests.integration.test_late_facts import client_gone, client_told
from services.analytics.tests.scoring import unit

TABLES = (
    *("deals", "deal_states", "stage_entries", "close_date_changes", "stages", "clients"),
    *("activities", "activity_states", "currency_rates", "purged_records"),
)


class Unreachable(DomainError):
    """Gone for a moment."""

    kind, reason = ErrorKind.UNAVAILABLE, "UNREACHABLE"


class Crm(api.SnapshotServiceServicer):
    """crm's log, as far as a consumer sees it."""

    def __init__(self, *events: Event) -> None:
        self.events = list(events)
        self.meanwhile: list[Any] = []
        """What happens after each of the first events was sent."""

    async def ListWorkspaces(
        self, request: pb.ListWorkspacesRequest, context: Context
    ) -> pb.ListWorkspacesResponse:
        found = sorted({str(event.workspace_id) for event in self.events})
        start = int(request.page_token or 0)
        more = start + 1 < len(found)
        return pb.ListWorkspacesResponse(
            workspace_ids=found[start : start + 1], next_page_token=str(start + 1) if more else ""
        )

    async def StreamWorkspace(
        self, request: pb.StreamWorkspaceRequest, context: Context
    ) -> AsyncGenerator[pb.StreamWorkspaceResponse, None]:
        yield pb.StreamWorkspaceResponse(stages=pb.WorkspaceStages())
        for number, event in enumerate(list(self.events), 1):
            if number > request.after_number and str(event.workspace_id) == request.workspace_id:
                told = pb.ToldEvent(number=number, headers=envelope(event), body=event.body)
                yield pb.StreamWorkspaceResponse(event=told)
                if self.meanwhile:
                    await self.meanwhile.pop(0)()


def envelope(event: Event) -> dict[str, str]:
    return {
        "ce-specversion": SPEC_VERSION,
        "ce-id": str(event.id),
        "ce-type": event.type,
        "ce-subject": str(event.subject_id),
        "ce-time": event.time.isoformat(),
        "ce-workspaceid": str(event.workspace_id),
        "ff-version": str(event.version),
    } | ({"ce-bulkid": str(event.bulk_id)} if event.bulk_id else {})


def travelled(event: Event) -> Event:
    """As it comes out of the bus: with its envelope."""
    return decode("", envelope(event), event.body)


@pytest.fixture
def app(database: ServiceDatabase) -> App:
    return App(
        pool=database.app,
        system=database.system,
        clock=FakeClock(NOON + 90 * DAY),
        jobs=JobApp("analytics", "memory://"),
        wake_relay=lambda: None,
    )


@asynccontextmanager
async def log_of(crm: Crm) -> AsyncIterator[CrmLog]:
    add = api.add_SnapshotServiceServicer_to_server
    async with served([(add, crm)], Issuer()) as caller:
        yield CrmLog(caller)


async def tell(database: ServiceDatabase, events: Sequence[Event]) -> None:
    for event in events:
        async with unit(database, event.workspace_id) as uow:
            await {**OF_CRM, **OF_AUTH}[event.type](uow, travelled(event))


async def facts(database: ServiceDatabase, workspace: UUID) -> dict[str, list[Any]]:
    found = {}
    for table in TABLES:
        select = f"SELECT * FROM {table} WHERE workspace_id = $1"
        rows = await database.owner.fetch(select, workspace)
        found[table] = sorted((tuple(row.values()) for row in rows), key=repr)
    return found


def history(crm: Told, seed: int) -> list[Event]:
    """Deals in two currencies, clients, calls, a merge, rates, an import and a purge."""
    dice = random.Random(seed)
    goes, stays, bulk = new_id(), new_id(), new_id()
    events = [client_told(crm, goes, 1), client_told(crm, stays, 1)]
    for n in range(12):
        deal = crm.created(
            currency=dice.choice(["EUR", "USD"]), close="2026-05-01", bulk=bulk if n % 2 else None
        )
        deal.belonging_to(goes)
        if dice.random() < 0.6:
            deal.moved(dice.choice(["proposal", "won", "lost"]), NOON + dice.randint(1, 60) * DAY)
        if dice.random() < 0.5:
            deal.postponed("2026-06-01").belonging_to(stays, NOON + 70 * DAY)
        events += deal.events
    call = crm.call(goes, NOON).belonging_to(stays, NOON + 70 * DAY)
    events += [*call.events, client_gone(crm, goes, NOON + 70 * DAY)]
    events.append(crm.rates(("USD", "2026-03-05", "0.9"), ("USD", "2026-04-05", "0.8")))
    events.append(crm.rates(("USD", "2026-03-05", "0.7"), version=2))
    purged = crm.created().deleted()
    body = RecordPurged(record_id=str(purged.id), version=purged.version + 1)
    gone = crm.event("crm.deal.v1.purged", body.SerializeToString(), version=body.version)
    return [*events, gone]


async def test_the_log_makes_the_tables_that_the_events_made(
    database: ServiceDatabase, workspace: UUID, app: App
) -> None:
    events = history(Told(workspace), 3)
    await tell(database, events)
    once = await facts(database, workspace)
    assert all(rows for rows in once.values())
    async with log_of(Crm(*events)) as log:
        # Whatever was damaged is as it was.
        for change in (
            "UPDATE deals SET rated_minor = 1, name = 'wrong' WHERE workspace_id = $1",
            "DELETE FROM deal_states WHERE workspace_id = $1 AND version > 1",
            "DELETE FROM currency_rates WHERE workspace_id = $1",
        ):
            await database.owner.execute(change, workspace)
        assert await rebuild(app, log, workspace) == len(events)
        assert await facts(database, workspace) == once
    changes = "SELECT changes FROM workspaces WHERE workspace_id = $1"
    assert await database.owner.fetchval(changes, workspace) > len(events)  # readers see it is news
    told = "SELECT count(*) FROM outbox WHERE workspace_id = $1 AND type = $2"
    before = await database.owner.fetchval(told, workspace, "analytics.pipeline.v1.changed")
    async with log_of(Crm(*events)) as log:
        await rebuild(app, log, workspace)
    after = await database.owner.fetchval(told, workspace, "analytics.pipeline.v1.changed")
    assert after == before + 1


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_told_while_the_log_is_read_is_not_lost(
    database: ServiceDatabase, workspace: UUID, app: App, seed: int
) -> None:
    """Also what commits behind the reader, which comes by the bus only."""
    dice = random.Random(seed)
    crm = Told(workspace)
    late = [crm.created(currency="USD"), crm.created()]
    for deal in late:
        deal.moved("won", NOON + 5 * DAY)
    arriving = [e for deal in late for e in deal.events] + [crm.settings("USD", version=2)]
    arriving.append(crm.rates(("EUR", "2026-01-01", "1.1"), base="USD"))
    before = [crm.settings("EUR"), *history(crm, seed)]
    await tell(database, before)
    peer = Crm(*[event for event in before if event.type in OF_CRM])
    dice.shuffle(arriving)

    async def arrives() -> None:
        event = arriving.pop()
        if dice.random() < 0.5:
            peer.events.append(event)  # in the log as well: in time or too late for the reader
        await tell(database, [event])

    seen = list(arriving)
    peer.meanwhile = [arrives] * len(arriving)
    shown = await facts(database, workspace)
    async with log_of(peer) as log:
        await rebuild(app, log, workspace)
    built = await facts(database, workspace)
    assert built != shown
    other = new_id()
    assert not await held(database, workspace)
    # The same by events alone.
    assert built == await by_events(database, workspace, [*before, *seen], other)


async def by_events(
    database: ServiceDatabase, workspace: UUID, events: Sequence[Event], other: UUID
) -> dict[str, list[Any]]:
    """The same events told to a workspace that was never built anew, with its id put in place."""
    await tell(database, [replace(event, workspace_id=other) for event in events])
    found = await facts(database, other)
    return {
        table: sorted(
            (tuple(workspace if value == other else value for value in row) for row in rows),
            key=repr,
        )
        for table, rows in found.items()
    }


async def held(database: ServiceDatabase, workspace: UUID) -> int:
    count = "SELECT count(*) FROM held_events WHERE workspace_id = $1"
    flags = "SELECT count(*) FROM rebuilds WHERE workspace_id = $1"
    return int(
        await database.owner.fetchval(count, workspace)
        + await database.owner.fetchval(flags, workspace)
    )


async def test_a_rebuilding_that_is_cut_off_loses_nothing(
    database: ServiceDatabase, workspace: UUID, app: App
) -> None:
    crm = Told(workspace)
    events = history(crm, 5)
    await tell(database, events)
    late = crm.created()

    async def dies() -> None:
        await tell(database, late.events)
        raise RuntimeError("the machine is gone")

    peer = Crm(*events)
    peer.meanwhile = [dies]
    async with log_of(peer) as log:
        with pytest.raises(PeerFailed):
            await rebuild(app, log, workspace)
    assert await held(database, workspace) == 2
    await clear_away(app)
    assert not await held(database, workspace)
    there = await facts(database, workspace)
    assert late.id in {row[1] for row in there["deals"]}
    assert there == await by_events(database, workspace, [*events, *late.events], new_id())


async def test_nobody_clears_away_what_somebody_is_at(
    database: ServiceDatabase, workspace: UUID, app: App
) -> None:
    events = history(Told(workspace), 7)
    await tell(database, events)

    async def meanwhile() -> None:
        await clear_away(app)
        assert await held(database, workspace) == 1
        with pytest.raises(BeingRebuilt):
            await rebuild(app, log, workspace)

    peer = Crm(*events)
    peer.meanwhile = [meanwhile]
    async with log_of(peer) as log:
        await rebuild(app, log, workspace)
    assert not await held(database, workspace)


async def test_all_workspaces_are_built_and_one_that_cannot_be_stops_no_other(
    database: ServiceDatabase, app: App
) -> None:
    there = [Told(new_id()) for _ in range(3)]
    deals = [crm.created() for crm in there]
    peer = Crm(*(event for deal in deals for event in deal.events))
    async with log_of(peer) as log, database.app.acquire() as connection:
        await rebuilds.take(connection, there[1].workspace)
        assert await rebuild_all(app, log, []) == 1
        await rebuilds.let_go(connection, there[1].workspace)
    assert [await _known(database, deal) for deal in deals] == [1, 0, 1]


async def test_a_workspace_that_was_erased_stays_so(
    database: ServiceDatabase, workspace: UUID, app: App
) -> None:
    """crm, restored to a time before, still has it."""
    deal = Told(workspace).created()
    erase = "INSERT INTO erasures (workspace_id) VALUES ($1)"
    await database.system.execute(erase, workspace)
    async with log_of(Crm(*deal.events)) as log:
        assert await rebuild_all(app, log, []) == 0
    assert await _known(database, deal) == 0


async def _known(database: ServiceDatabase, deal: ToldDeal) -> int:
    count = "SELECT count(*) FROM deals WHERE workspace_id = $1 AND deal_id = $2"
    return int(await database.owner.fetchval(count, deal.crm.workspace, deal.id))


async def test_an_interrupted_reading_goes_on_where_it_was(
    database: ServiceDatabase, workspace: UUID, app: App
) -> None:
    events = history(Told(workspace), 9)
    await tell(database, events)
    once = await facts(database, workspace)

    async def drops() -> None:
        raise Unreachable("Gone for a moment.")

    peer = Crm(*events)
    peer.meanwhile = [drops, drops]
    async with log_of(peer) as log:
        assert await rebuild(app, log, workspace) == len(events)
    assert await facts(database, workspace) == once


async def test_operators_have_a_command(database: ServiceDatabase, workspace: UUID) -> None:
    """`python -m analytics rebuild`, with the settings the service has."""
    deal = Told(workspace).created()
    add = api.add_SnapshotServiceServicer_to_server
    server = RpcServer("127.0.0.1:0", [(add, Crm(*deal.events))], Issuer().verifier())
    readiness = Readiness({})
    readiness.open()
    await server.start(readiness)
    told = {
        "ANALYTICS_PROFILE": "test",
        "ANALYTICS_CRM_ADDRESS": f"127.0.0.1:{server.port}",
        "ANALYTICS_DATABASE_URL_APP": database.dsns["app"],
        "ANALYTICS_DATABASE_URL_SYSTEM": database.dsns["system"],
    }
    try:
        assert await _command(told, str(workspace)) == 0
    finally:
        await server.stop()
    assert await _known(database, deal) == 1
    assert await _command(told, "not-an-id") == 2


async def _command(told: dict[str, str], *arguments: str) -> int:
    argv = (sys.executable, "-m", "analytics", "rebuild", *arguments)
    process = await asyncio.create_subprocess_exec(*argv, env=os.environ | told)
    return await process.wait()
