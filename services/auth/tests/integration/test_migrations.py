"""What all migrations make is what the statements are written for."""

from auth.adapters.tables import metadata
from kit.testing.checks import differing_checks, differing_tables
from kit.testing.database import ServiceDatabase


async def test_the_tables_are_those_of_the_code(database: ServiceDatabase) -> None:
    assert await differing_tables(database, metadata) == []


async def test_the_conditions_are_those_of_the_code(database: ServiceDatabase) -> None:
    assert await differing_checks(database, metadata) == set()
