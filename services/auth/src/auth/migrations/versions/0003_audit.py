"""Who did what."""

from alembic import op

from kit.migrations import grant, tenant_table

revision = "0003"
down_revision = "0002"

TABLE = """
CREATE TABLE audit_entries (
    workspace_id uuid NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    subject_id uuid NOT NULL,
    actor_id uuid,
    version integer NOT NULL,
    bulk_id uuid,
    happened_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, event_id)
);
CREATE INDEX ix_audit_entries_actor ON audit_entries (workspace_id, actor_id, event_id);
CREATE INDEX ix_audit_entries_subject ON audit_entries (workspace_id, subject_id, event_id);
"""


def upgrade() -> None:
    """Written by the consumer of what all services tell, read by who may; never changed."""
    op.execute(TABLE)
    tenant_table(op, "audit_entries")
    grant(op, "audit_entries", app="SELECT, INSERT", system="SELECT, INSERT")
    grant(op, "inbox", system="INSERT")
