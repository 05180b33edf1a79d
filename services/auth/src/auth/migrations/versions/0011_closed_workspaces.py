"""Workspaces are closed for some days before they are erased."""

from alembic import op

revision = "0011"
down_revision = "0010"

COLUMNS = """
ALTER TABLE workspaces ADD COLUMN erase_at timestamptz, ADD COLUMN warned_at timestamptz;
CREATE INDEX ix_workspaces_erase_at ON workspaces (erase_at) WHERE erase_at IS NOT NULL;
"""


def upgrade() -> None:
    """NULL for one that is open."""
    op.execute(COLUMNS)
