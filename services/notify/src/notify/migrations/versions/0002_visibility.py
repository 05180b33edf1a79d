"""Whose records a member sees, and so may be told of."""

from alembic import op

revision = "0002"
down_revision = "0001"

COLUMNS = """
ALTER TABLE recipients
    ADD COLUMN visibility text NOT NULL DEFAULT 'all',
    ADD COLUMN team text NOT NULL DEFAULT '';
"""


def upgrade() -> None:
    """Everybody sees everything until auth tells otherwise."""
    op.execute(COLUMNS)
