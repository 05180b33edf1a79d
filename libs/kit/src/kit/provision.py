"""A service's database and its roles, made or brought up to date by an administrator."""

from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

import asyncpg

ROLES = ("owner", "app", "system")
_PROVISION_LOCK = 7_046_029_255  # any constant; services may be provisioned at the same time


async def provision(
    admin_dsn: str, service: str, passwords: Mapping[str, str], *, database: str | None = None
) -> None:
    """Roles `<service>_owner|app|system` with these passwords, and the database; again is harmless.

    A fourth, `<service>_definer`, cannot log in: it owns the functions that look past row-level
    security, and reaches what migrations grant it. Nobody but the three may connect. The owner
    owns the schema, so that only migrations create; what the others may do with a table, its
    migration grants.
    """
    database = database or service
    admin = await asyncpg.connect(admin_dsn)
    try:
        await admin.execute("SELECT pg_advisory_lock($1)", _PROVISION_LOCK)
        for role in ROLES:
            await _role(admin, f"{service}_{role}", passwords[role])
        await _definer(admin, service)
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
            await admin.execute(f'CREATE DATABASE "{database}"')
        await admin.execute(f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC')
        everyone = ", ".join(f"{service}_{role}" for role in ROLES)
        await admin.execute(f'GRANT CONNECT ON DATABASE "{database}" TO {everyone}')
        # For extensions that PostgreSQL trusts an owner with, such as pg_trgm.
        await admin.execute(f'GRANT CREATE ON DATABASE "{database}" TO {service}_owner')
    finally:
        await admin.close()
    inside = await asyncpg.connect(with_database(admin_dsn, database))
    try:
        await inside.execute(f"ALTER SCHEMA public OWNER TO {service}_owner")
        await inside.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        users = ", ".join(f"{service}_{role}" for role in ("app", "system", "definer"))
        await inside.execute(f"GRANT USAGE ON SCHEMA public TO {users}")
    finally:
        await inside.close()


def with_database(dsn: str, database: str) -> str:
    """The same server and credentials, another database."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))


def with_role(dsn: str, role: str, password: str) -> str:
    """The same server and database, another role."""
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(netloc=f"{role}:{password}@{parts.hostname}:{parts.port}"))


async def _definer(admin: asyncpg.Connection, service: str) -> None:
    role = f"{service}_definer"
    if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        await admin.execute(f"CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS")
    await admin.execute(f"GRANT {role} TO {service}_owner")  # so that migrations can hand over


async def _role(admin: asyncpg.Connection, role: str, password: str) -> None:
    exists = await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
    # The server quotes: a password may hold anything.
    statement = await admin.fetchval(
        "SELECT format($1 || ' ROLE %I LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE"
        " PASSWORD %L', $2::text, $3::text)",
        "ALTER" if exists else "CREATE",
        role,
        password,
    )
    await admin.execute(statement)
