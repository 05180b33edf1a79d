"""A real database of this service."""

from collections.abc import AsyncIterator

import pytest

from kit.testing.database import ServiceDatabase, service_database


@pytest.fixture(scope="session")
async def database(postgres: str) -> AsyncIterator[ServiceDatabase]:
    async with service_database(postgres, "notify") as database:
        yield database
