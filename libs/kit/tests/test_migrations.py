"""Databases and their roles: made once, migrated by one at a time, closed to everybody else."""

import asyncio
import sys

import asyncpg
import pytest

from kit.migrations import WITHOUT_TENANT, migrate
from kit.provision import ROLES, provision, with_database, with_role
from kit.testing.database import ServiceDatabase, service_database
from libs.kit.tests.conftest import MIGRATIONS

MIGRATE = """
import sys
from pathlib import Path
from kit.migrations import migrate
migrate("racing", sys.argv[1], migrations=Path(sys.argv[2]))
"""
PASSWORDS = {role: f"it's a {role} pass'word" for role in ROLES}


async def test_provisioning_again_changes_nothing_but_passwords(postgres: str) -> None:
    for passwords in (dict.fromkeys(ROLES, "old"), PASSWORDS):
        await provision(postgres, "provisioned", passwords)
    connection = await asyncpg.connect(
        with_database(postgres, "provisioned"),
        user="provisioned_app",
        password=PASSWORDS["app"],
    )
    await connection.close()


async def test_services_may_be_provisioned_at_the_same_time(postgres: str) -> None:
    await asyncio.gather(*(provision(postgres, f"many{n % 2}", PASSWORDS) for n in range(6)))


async def test_one_services_role_does_not_get_into_anothers_database(
    postgres: str, database: ServiceDatabase
) -> None:
    await provision(postgres, "stranger", dict.fromkeys(ROLES, "test"))
    name = database.dsns["app"].rpartition("/")[2]
    dsn = with_role(with_database(postgres, name), "stranger_owner", "test")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(dsn)


@pytest.mark.parametrize("role", ["app", "system"])
async def test_serving_roles_make_no_tables(database: ServiceDatabase, role: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await getattr(database, role).execute("CREATE TABLE more (id int)")


async def test_roles_are_no_more_than_they_must_be(database: ServiceDatabase) -> None:
    rows = await database.owner.fetch(
        "SELECT rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles"
        " WHERE rolname LIKE 'sample%'"
    )
    assert len(rows) == 4
    assert not any(any(tuple(row)[1:]) for row in rows)


async def test_every_table_is_a_tenants_or_says_why_not(database: ServiceDatabase) -> None:
    rows = await database.owner.fetch(
        "SELECT relname, relrowsecurity AND relforcerowsecurity AS forced FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    assert {row["relname"] for row in rows if not row["forced"]} == set(WITHOUT_TENANT)


async def test_every_policy_checks_what_is_written_too(database: ServiceDatabase) -> None:
    rows = await database.owner.fetch("SELECT qual, with_check FROM pg_policies")
    assert rows
    assert all(row["qual"] == row["with_check"] for row in rows)


async def test_two_replicas_migrate_at_once(postgres: str) -> None:
    async with service_database(postgres, "racing", migrations=MIGRATIONS) as racing:
        await racing.owner.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        replicas = [
            await asyncio.create_subprocess_exec(
                sys.executable, "-c", MIGRATE, racing.dsns["owner"], str(MIGRATIONS)
            )
            for _ in range(3)
        ]
        assert [await replica.wait() for replica in replicas] == [0, 0, 0]
        assert await racing.owner.fetchval("SELECT version_num FROM alembic_version") == "0001"


def test_only_an_owner_migrates(database: ServiceDatabase) -> None:
    dsn = database.dsns["system"]
    with pytest.raises(Exception, match=r"permission denied"):
        migrate("sample", dsn, migrations=MIGRATIONS)


async def test_the_app_cannot_read_what_it_only_writes(database: ServiceDatabase) -> None:
    for table in ("outbox", "dead_letters"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await database.app.fetch(f"SELECT * FROM {table}")
