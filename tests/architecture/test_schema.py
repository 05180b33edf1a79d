"""What migrations make is what the tables say, for every service."""

from importlib import import_module
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, create_engine, text

from kit.outbox import metadata as of_kit
from kit.testing.database import service_database

SERVICES = ("auth", "crm", "analytics", "notify")
BESIDE = "as_the_tables_say"
# In PostgreSQL's words: with the orders, operators and conditions, which alembic passes over.
INDEXES = """
    SELECT indexname, replace(replace(indexdef, schemaname || '.', ''), 'public.', '')
    FROM pg_indexes WHERE schemaname = :schema AND tablename <> 'alembic_version'"""


def _together(*parts: MetaData) -> MetaData:
    whole = MetaData()
    for part in parts:
        for table in part.tables.values():
            table.to_metadata(whole)
    return whole


def _differences(dsn: str, metadata: MetaData) -> list[Any]:
    engine = create_engine(dsn.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    # Not every service uses all the tables that kit brings along.
    unused = {d[1].name for d in found if d[0] == "add_table"} & of_kit.tables.keys()
    return [d for d in found if _table(d) not in unused]


def _indexes(connection: Connection, schema: str) -> set[tuple[str, str]]:
    found = connection.execute(text(INDEXES), {"schema": schema})
    return {(name, definition) for name, definition in found}


def _other_indexes(dsn: str, metadata: MetaData) -> set[tuple[str, str]]:
    """What only one has; the tables are made beside the migrated ones, and not kept."""
    engine = create_engine(dsn.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.connect() as connection:
        migrated = _indexes(connection, "public")
        there = connection.execute(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        )
        names = set(there.scalars())
        connection.execute(text(f"CREATE SCHEMA {BESIDE}"))
        connection.execute(text(f"SET LOCAL search_path = {BESIDE}, public"))
        tables = [table for table in metadata.sorted_tables if table.name in names]
        metadata.create_all(connection, tables, checkfirst=False)
        found = migrated ^ _indexes(connection, BESIDE)
    engine.dispose()
    return found


def _table(difference: Any) -> str | None:
    if isinstance(difference, tuple) and difference[0] in ("add_table", "add_index"):
        changed: Any = difference[1]
        return str(getattr(changed, "table", changed).name)
    return None


@pytest.mark.parametrize("service", SERVICES)
async def test_migrations_make_what_the_tables_say(postgres: str, service: str) -> None:
    ours: MetaData = import_module(f"{service}.adapters.tables").metadata
    async with service_database(postgres, service) as database:
        assert _differences(database.dsns["owner"], _together(ours, of_kit)) == []
        assert _other_indexes(database.dsns["owner"], _together(ours, of_kit)) == set()
