"""Are a service's tables the same in its code and in its database?"""

import asyncio

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, MetaData, create_engine

from kit.jobs.table import jobs
from kit.testing.database import ServiceDatabase

_OF_DATABASE = """
    SELECT conrelid::regclass::text AS table, conname AS name, pg_get_constraintdef(oid) AS said
    FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace
"""
_TABLES = "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"
_SAID = """
    SELECT pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = 'asked'::regclass AND conname = $1
"""


async def differing_tables(database: ServiceDatabase, metadata: MetaData) -> list[object]:
    """What Alembic would change: columns, types, keys, indexes. It leaves CHECK constraints out."""

    def compare() -> list[object]:
        dsn = database.dsns["owner"].replace("postgresql://", "postgresql+psycopg://", 1)
        engine = create_engine(dsn)
        ours = {"include_name": lambda name, kind, _: kind != "table" or name in metadata.tables}
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True, **ours})
            found = compare_metadata(context, metadata)
        engine.dispose()
        return list(found)

    return await asyncio.to_thread(compare)


async def differing_checks(database: ServiceDatabase, metadata: MetaData) -> set[tuple[str, ...]]:
    """Table, name and condition of those that only one of the two knows."""
    async with database.owner.acquire() as connection:
        there = {tuple(row.values()) for row in await connection.fetch(_OF_DATABASE)}
        written: set[tuple[str, ...]] = set()
        brought = jobs.metadata.sorted_tables  # by kit, as far as the service has them
        tables = {row["name"] for row in await connection.fetch(_TABLES)}
        for table in (*metadata.sorted_tables, *(t for t in brought if t.name in tables)):
            for check in table.constraints:
                if not isinstance(check, CheckConstraint):
                    continue
                # PostgreSQL says it in its own words, so that two spellings are one condition.
                async with connection.transaction():
                    await connection.execute(f'CREATE TABLE asked (LIKE "{table.name}")')
                    name = str(check.name)
                    await connection.execute(
                        f'ALTER TABLE asked ADD CONSTRAINT "{name}" CHECK ({check.sqltext})'
                    )
                    said = await connection.fetchval(_SAID, name)
                    await connection.execute("DROP TABLE asked")
                written.add((table.name, name, said))
    return there ^ written
