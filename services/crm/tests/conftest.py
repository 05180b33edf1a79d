"""A migrated database and a served crm per test process; every test has a workspace of its own."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from crm.entrypoints.app import App
from crm.entrypoints.rpc.services import services
from kit.clock import FakeClock, SystemClock
from kit.jobs.celery import JobApp
from kit.paging import PageTokens
from kit.testing.database import ServiceDatabase, service_database
from kit.testing.rpc import Issuer, served
from services.crm.tests.factories import Crm, Person

BROKER = "memory://"  # nobody listens: tests do the work themselves, see work_off


@pytest.fixture(scope="session")
async def database(postgres: str) -> AsyncIterator[ServiceDatabase]:
    """Pools of the three roles."""
    async with service_database(postgres, "crm") as database:
        yield database


@pytest.fixture(scope="session")
def clock() -> FakeClock:
    """Begins at the database's time; a test that turns it turns it forward."""
    return FakeClock(SystemClock().now())


@pytest.fixture(scope="session")
def app(database: ServiceDatabase, clock: FakeClock) -> App:
    """The service as its entrypoints see it."""
    return App(
        pool=database.app,
        system=database.system,
        clock=clock,
        page_tokens=PageTokens("a key of thirty-two characters…"),
        jobs=JobApp("crm", BROKER),
        max_import_bytes=2_000_000,
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
