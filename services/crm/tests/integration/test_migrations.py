"""What all migrations make is what the statements are written for."""

import asyncio

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from crm.adapters.tables import metadata
from kit.testing.checks import differing_checks
from kit.testing.database import ServiceDatabase


async def test_the_tables_are_those_of_the_code(database: ServiceDatabase) -> None:
    def differences() -> list[object]:
        dsn = database.dsns["owner"].replace("postgresql://", "postgresql+psycopg://", 1)
        engine = create_engine(dsn)
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection,
                opts={
                    "compare_type": True,
                    "include_name": lambda name, kind, _: (
                        kind != "table" or name in metadata.tables
                    ),
                },
            )
            found = compare_metadata(context, metadata)
        engine.dispose()
        return list(found)

    assert await asyncio.to_thread(differences) == []


async def test_the_conditions_are_those_of_the_code(database: ServiceDatabase) -> None:
    assert await differing_checks(database, metadata) == set()
