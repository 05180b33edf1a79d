"""A migrated database and a served crm per test process; every test has a workspace of its own."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import pytest

from crm.entrypoints.app import App
from crm.entrypoints.rpc.services import services
from kit.clock import FakeClock
from kit.jobs.celery import JobApp
from kit.paging import PageTokens
from kit.testing.database import ServiceDatabase, service_database
from kit.testing.rpc import Issuer, served
from services.crm.tests.factories import Crm, Person

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NOBODY_LISTENS = "redis://127.0.0.1:1/0"  # what is sent there is found by a worker, later


@pytest.fixture(scope="session")
async def database(postgres: str) -> AsyncIterator[ServiceDatabase]:
    """Pools of the three roles."""
    async with service_database(postgres, "crm") as database:
        yield database


@pytest.fixture(scope="session")
def clock() -> FakeClock:
    """The service's clock; a test that turns it only ever turns it forward."""
    return FakeClock(NOON)


@pytest.fixture(scope="session")
def app(database: ServiceDatabase, clock: FakeClock) -> App:
    """The service as its entrypoints see it."""
    return App(
        pool=database.app,
        system=database.system,
        clock=clock,
        page_tokens=PageTokens("a key of thirty-two characters…"),
        jobs=JobApp("crm", NOBODY_LISTENS),
        wake_relay=lambda: None,
    )


@pytest.fixture(scope="session")
async def crm(app: App) -> AsyncIterator[Crm]:
    """The served crm, called over a real socket."""
    issuer = Issuer()
    async with served(services(app), issuer, name="crm") as caller:
        yield Crm(caller, issuer)


@pytest.fixture
def person(crm: Crm, workspace: UUID) -> Person:
    """Somebody who may do everything, alone in a workspace."""
    return Person(crm, workspace)


@pytest.fixture
def stranger(crm: Crm) -> Person:
    """Somebody who may do everything, in another workspace."""
    return Person(crm)
