"""Who sees which records, what happened to them, and the trash."""

from alembic import op

from kit.migrations import grant, owner_in_sight, sight_policy, tenant_table

revision = "0005"
down_revision = "0004"


TABLES = """
CREATE TABLE record_history (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    record_kind TEXT NOT NULL,
    record_id UUID NOT NULL,
    version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    actor_id UUID,
    happened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    changes JSONB NOT NULL,
    PRIMARY KEY (workspace_id, record_id, version, id),
    CONSTRAINT ck_record_history_record_kind CHECK (record_kind IN ('client', 'activity'))
);
"""
TRASHED = ("deals", "clients", "activities")


def _seen(of: str, key: str, table: str) -> str:
    """What the key names is in sight: the other table's own policy decides."""
    return (
        f"EXISTS (SELECT FROM {table} seen "
        f"WHERE seen.workspace_id = {of}.workspace_id AND seen.id = {of}.{key})"
    )


def upgrade() -> None:
    """Tables first, then who may do what with them."""
    op.execute(TABLES)
    tenant_table(op, "record_history")
    grant(op, "record_history", app="SELECT, INSERT", system="SELECT, DELETE")
    _empty_the_trash()
    _narrow_sight()


def _empty_the_trash() -> None:
    """The system role deletes what had its time, and tells of it."""
    for table in TRASHED:
        op.execute(
            f"CREATE INDEX ix_{table}_trash ON {table} (workspace_id, deleted_at DESC, id DESC) "
            "WHERE deleted_at IS NOT NULL"
        )
        grant(op, table, system="UPDATE, DELETE")
    grant(op, "deal_history", system="DELETE")
    grant(op, "outbox", system="INSERT")


def _narrow_sight() -> None:
    """Policies on top of the tenant's."""
    for table in ("clients", "deals"):
        sight_policy(op, table)
    # A statement on deals appends to the sums whatever it changed.
    sight_policy(op, "board_totals", for_="SELECT")
    # A line is written with its deal, which the statement's own snapshot does not show yet.
    sight_policy(op, "deal_history", _seen("deal_history", "deal_id", "deals"), for_="SELECT")
    either = (_seen("record_history", "record_id", table) for table in ("clients", "activities"))
    sight_policy(op, "record_history", " OR ".join(either), for_="SELECT")
    # Whoever sees a deal or a client sees what was done for it, by anybody.
    seen = (
        owner_in_sight("owner_id"),
        _seen("activities", "deal_id", "deals"),
        _seen("activities", "client_id", "clients"),
    )
    sight_policy(op, "activities", " OR ".join(seen))
