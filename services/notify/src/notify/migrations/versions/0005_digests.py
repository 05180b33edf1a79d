"""What is collected for the morning, whose digests are made, and where workspaces' clocks stand."""

from alembic import op

from kit.migrations import grant, tenant_table

revision = "0005"
down_revision = "0004"

TABLES = """
ALTER TABLE preferences ADD COLUMN digest boolean NOT NULL DEFAULT false;

CREATE TABLE workspaces (
    workspace_id uuid NOT NULL,
    version integer NOT NULL,
    time_zone text NOT NULL,
    PRIMARY KEY (workspace_id)
);

CREATE TABLE digest_items (
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    page text NOT NULL,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, user_id, id)
);
CREATE INDEX ix_digest_items_due ON digest_items (due_at);

CREATE TABLE digests (
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    day date NOT NULL,
    PRIMARY KEY (workspace_id, user_id, day)
);
"""


def upgrade() -> None:
    """Whoever is told by mail is told at once, as before."""
    op.execute(TABLES)
    for table in ("workspaces", "digest_items", "digests"):
        tenant_table(op, table)
    grant(op, "workspaces", app="SELECT, INSERT, UPDATE")
    # The system role looks in which workspaces something is due, and forgets what was long ago.
    grant(op, "digest_items", app="SELECT, INSERT, UPDATE, DELETE", system="SELECT")
    grant(op, "digests", app="SELECT, INSERT", system="SELECT, DELETE")
