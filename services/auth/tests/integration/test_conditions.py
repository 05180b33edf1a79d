"""The conditions that migrations put on tables are those that the code knows."""

from auth.adapters.tables import metadata
from kit.testing.checks import differing_checks
from kit.testing.database import ServiceDatabase


async def test_the_conditions_are_those_of_the_code(database: ServiceDatabase) -> None:
    assert await differing_checks(database, metadata) == set()
