"""Who is told of what they did themselves."""

from alembic import op

from kit.migrations import grant, tenant_table

revision = "0006"
down_revision = "0005"

TABLE = """
CREATE TABLE own_changes (
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    muted boolean NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
);
"""


def upgrade() -> None:
    """Nobody, until they choose so."""
    op.execute(TABLE)
    tenant_table(op, "own_changes")
    grant(op, "own_changes", app="SELECT, INSERT, UPDATE")
