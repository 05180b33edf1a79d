"""What each person wants to be told, and how."""

from alembic import op

from kit.migrations import grant, tenant_table

revision = "0003"
down_revision = "0002"

TABLE = """
CREATE TABLE preferences (
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    in_app boolean NOT NULL,
    by_mail boolean NOT NULL,
    PRIMARY KEY (workspace_id, user_id, kind)
);
"""


def upgrade() -> None:
    """Whoever has chosen nothing is told everything."""
    op.execute(TABLE)
    tenant_table(op, "preferences")
    grant(op, "preferences", app="SELECT, INSERT, UPDATE")
