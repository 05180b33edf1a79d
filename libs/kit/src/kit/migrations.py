"""Migrations: Alembic to head as the owner, one at a time, and what every table must have.

A service's `migrations/env.py` is two lines:

    from kit.migrations import run_migrations
    run_migrations()

and its revisions read like this:

    def upgrade() -> None:
        kit_tables(op, outbox, inbox)
        op.create_table("deals", ...)
        tenant_table(op, "deals")
        grant(op, "deals", app="SELECT, INSERT, UPDATE", system="SELECT")
"""

from pathlib import Path
from typing import Any

from alembic import command, context
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, Table, create_engine, text
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateIndex, CreateTable

LOCK_TIMEOUT = "3s"  # a migration that cannot have its lock gives way instead of queueing everyone
_MIGRATION_LOCK = 7_046_029_254  # any constant; one migration at a time in this database
_WORKSPACE = "workspace_id = nullif(current_setting('ff.workspace', true), '')::uuid"

# What the roles may do with the tables that kit brings along, and whether rows belong to a tenant.
_KIT_GRANTS = {
    "outbox": ("INSERT", "SELECT, UPDATE, DELETE"),
    "inbox": ("SELECT, INSERT", "SELECT, INSERT, DELETE"),
    "dead_letters": ("", "SELECT, INSERT, UPDATE, DELETE"),
    "idempotency_keys": ("SELECT, INSERT", "SELECT, DELETE"),
    "files": ("SELECT, INSERT, UPDATE, DELETE", "SELECT, DELETE"),
    "file_chunks": ("SELECT, INSERT, DELETE", "SELECT, DELETE"),
    "jobs": ("SELECT, INSERT, UPDATE", "SELECT, INSERT, UPDATE, DELETE"),
    "closures": ("SELECT, INSERT, UPDATE", "SELECT, DELETE"),
    "erasures": ("SELECT, INSERT", "SELECT, INSERT, UPDATE"),
}
WITHOUT_TENANT = {
    "alembic_version": "the migrations' own bookkeeping",
    "inbox": "ids of events and names of consumers, nothing of a tenant",
    "dead_letters": "reached by the system role only; an undecodable message has no workspace",
}


def migrate(
    service: str, dsn: str, *, migrations: Path | None = None, revision: str = "head"
) -> None:
    """Bring a service's database to a revision; `dsn` is the owner's. Blocks.

    The scripts lie in the service's package, or in another folder of `migrations`.
    """
    config = _config(service, migrations)
    config.attributes["dsn"] = dsn
    command.upgrade(config, revision)


def revisions(service: str, *, migrations: Path | None = None) -> list[str]:
    """Every revision of a service, oldest first."""
    scripts = ScriptDirectory.from_config(_config(service, migrations))
    return [script.revision for script in scripts.walk_revisions()][::-1]


def _config(service: str, migrations: Path | None) -> Config:
    config = Config()
    location = str(migrations or f"{service}:migrations")
    config.set_main_option("script_location", location.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def run_migrations(metadata: MetaData | None = None) -> None:
    """The whole of a service's `migrations/env.py`."""
    dsn: str = context.config.attributes["dsn"]
    engine = create_engine(
        dsn.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=NullPool
    )
    with engine.connect() as connection:
        # Waits for another replica's migration, so before the short lock_timeout.
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATION_LOCK})
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.commit()
        context.configure(
            connection=connection, target_metadata=metadata, transaction_per_migration=True
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


def kit_tables(op: Any, *tables: Table) -> None:
    """Create tables that kit brings along, with their policies and grants."""
    for table in tables:
        op.execute(CreateTable(table))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            op.execute(CreateIndex(index))
        if table.name not in WITHOUT_TENANT:
            tenant_table(op, table.name)
        app, system = _KIT_GRANTS[table.name]
        grant(op, table.name, app=app, system=system)


def tenant_table(op: Any, table: str) -> None:
    """Rows belong to a workspace: the app role sees and writes those of its own only.

    FORCE binds the owner too, so migrations and the system role get policies of their own.
    """
    service = _service(op)
    op.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
    op.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')
    op.execute(
        f'CREATE POLICY tenant ON "{table}" TO {service}_app '
        f"USING ({_WORKSPACE}) WITH CHECK ({_WORKSPACE})"
    )
    for role in ("system", "owner"):
        op.execute(
            f'CREATE POLICY {role} ON "{table}" TO {service}_{role} USING (true) WITH CHECK (true)'
        )


def sight_policy(op: Any, table: str, seen: str = "", *, for_: str = "ALL") -> None:
    """Rows belong to somebody: callers see those of the people in their sight only.

    `seen` is a condition of its own under which a row is seen; else its `owner_id` decides. A
    restrictive policy, on top of the tenant's. The settings are read once per statement, and one
    that is not there shows nothing.
    """
    op.execute(
        f'CREATE POLICY sight ON "{table}" AS RESTRICTIVE FOR {for_} TO {_service(op)}_app '
        f"USING ({SEES_ALL} OR {seen or owner_in_sight('owner_id')})"
    )


def expect_most_in_sight(op: Any) -> None:
    """Tell the planner that the sight policies keep nearly every row, as they do for most callers.

    Of a plain `a OR b` over settings it guesses that a fiftieth of the rows stay, and then reads
    and sorts a whole pipeline for its first cards. `IS NOT NULL` of an expression it takes for
    true. For callers who see little the statements say so themselves, see `kit.statement`.
    """
    policies = op.get_bind().execute(
        text(
            "SELECT polrelid::regclass::text AS table, pg_get_expr(polqual, polrelid) AS seen"
            " FROM pg_policy WHERE polname = 'sight'"
        )
    )
    for table, seen in policies:
        op.execute(f"ALTER POLICY sight ON {table} USING (nullif({seen}, false) IS NOT NULL)")


SEES_ALL = "(SELECT current_setting('ff.sees', true)) = 'all'"


def owner_in_sight(owner: str) -> str:
    """The condition of `sight_policy` for a column of another name."""
    people = "nullif(nullif(current_setting('ff.sees', true), 'all'), '')::uuid[]"
    return f"{owner} = ANY ((SELECT {people})::uuid[])"


def grant(op: Any, table: str, *, app: str = "", system: str = "") -> None:
    """What the two serving roles may do with a table; nothing unless said."""
    for role, rights in (("app", app), ("system", system)):
        if rights:
            op.execute(f'GRANT {rights} ON "{table}" TO {_service(op)}_{role}')


def _service(op: Any) -> str:
    """Migrations run as `<service>_owner`; the database may have any name."""
    role: str = op.get_bind().execute(text("SELECT current_user")).scalar_one()
    if not role.endswith("_owner"):
        raise RuntimeError(f"migrations run as <service>_owner, not as {role}")
    return role.removesuffix("_owner")
