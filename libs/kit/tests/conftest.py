"""A sample service, migrated like a real one: notes that belong to a workspace."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import UUID

import pytest

from kit.aggregate import Fact
from kit.bus.jetstream import Bus
from kit.outbox import OutboxRow, event_row
from kit.pool import Pool
from kit.testing.database import ServiceDatabase, service_database
from kit.unit_of_work import UnitOfWork

OpenUnit = Callable[[UUID], UnitOfWork]
Unit = Callable[[], UnitOfWork]

MIGRATIONS = Path(__file__).parent / "sample" / "migrations"


class Body:
    """Stands for a protobuf message."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def SerializeToString(self) -> bytes:
        return self.raw


def to_outbox(workspace_id: UUID, fact: Fact, *, bulk_id: UUID | None = None) -> OutboxRow:
    body = Body(b"%d" % fact.version)
    return event_row("sample", workspace_id, fact, "note.v1.written", body, bulk_id=bulk_id)


@pytest.fixture(scope="session")
async def database(postgres: str) -> AsyncIterator[ServiceDatabase]:
    async with service_database(postgres, "sample", migrations=MIGRATIONS) as database:
        yield database


@pytest.fixture
def open_unit(database: ServiceDatabase) -> OpenUnit:
    def open_unit(workspace_id: UUID) -> UnitOfWork:
        return UnitOfWork(database.app, workspace_id, to_outbox=to_outbox, wake_relay=lambda: None)

    return open_unit


@pytest.fixture
def unit(open_unit: OpenUnit, workspace: UUID) -> Unit:
    return lambda: open_unit(workspace)


@pytest.fixture
async def bus(nats_url: str) -> AsyncIterator[Bus]:
    async with Bus(nats_url, name="sample", profile="test") as bus:
        await bus.jetstream.add_stream(name="SAMPLE", subjects=["sample.>"], duplicate_window=0.5)
        await bus.jetstream.purge_stream("SAMPLE")
        yield bus


@pytest.fixture
async def outbox(database: ServiceDatabase) -> Pool:
    """An outbox with nothing to send."""
    await database.owner.execute("DELETE FROM outbox")
    return database.owner
