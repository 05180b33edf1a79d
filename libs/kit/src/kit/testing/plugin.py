"""Fixtures for every test of the platform; the root conftest loads them.

    # conftest.py at the root of the repository
    pytest_plugins = ["kit.testing.plugin"]

    # services/crm/tests/conftest.py
    from collections.abc import AsyncIterator

    import pytest

    from kit.testing.database import ServiceDatabase, service_database

    @pytest.fixture(scope="session")
    async def database(postgres: str) -> AsyncIterator[ServiceDatabase]:
        async with service_database(postgres, "crm") as database:
            yield database

    # in a test
    async def test_a_move_is_five_statements(database, workspace):
        with recorded_queries(database.app) as queries:
            async with UnitOfWork(database.app, workspace, ...) as uow:
                ...
        assert len(queries) == 6, queries    # BEGIN counts

Servers start when the first test asks for them and belong to one test process; every test works in
a workspace of its own (`workspace`), so nothing is cleaned up in between. `database.owner` sees all
workspaces: for fixtures' rows and for looking at what was written.
`FF_TEST_SERVERS=testcontainers` serves the same fixtures from containers.
"""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from kit.ids import new_id
from kit.testing.servers import nats_server, postgres_server, valkey_server


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An administrator's dsn of a PostgreSQL of this test process."""
    with postgres_server(_folder(tmp_path_factory, "postgres")) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The url of a NATS server with JetStream."""
    with nats_server(_folder(tmp_path_factory, "nats")) as url:
        yield url


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The redis:// url of a Valkey; append a database number."""
    with valkey_server(_folder(tmp_path_factory, "valkey")) as url:
        yield url


@pytest.fixture
def workspace() -> UUID:
    """A tenant nobody else has."""
    return new_id()


def _folder(factory: pytest.TempPathFactory, name: str) -> Path:
    return factory.mktemp(name)
