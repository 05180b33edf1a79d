"""Settings of a workspace: stages and lost reasons that can be edited."""

from alembic import op

from kit.migrations import grant, tenant_table

revision = "0002"
down_revision = "0001"

# Frozen as they were.
TABLES = """
ALTER TABLE stages ADD COLUMN color TEXT DEFAULT '' NOT NULL;

CREATE TABLE removed_stages (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (workspace_id, id)
);

ALTER TABLE lost_reasons ADD COLUMN version INTEGER DEFAULT 1 NOT NULL;
ALTER TABLE lost_reasons ADD COLUMN removed_at TIMESTAMP WITH TIME ZONE;
"""
GRANTS = {
    "removed_stages": ("SELECT, INSERT", "SELECT"),
}


def upgrade() -> None:
    """Make them, with their policies and grants."""
    op.execute(TABLES)
    for table, (app, system) in GRANTS.items():
        tenant_table(op, table)
        grant(op, table, app=app, system=system)
    grant(op, "stages", app="DELETE")  # a stage goes; the foreign keys of deals hold it
