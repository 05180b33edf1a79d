"""Whose records a member sees."""

from alembic import op

revision = "0002"
down_revision = "0001"

COLUMNS = """
ALTER TABLE members
    ADD COLUMN visibility text NOT NULL DEFAULT 'all',
    ADD COLUMN team text NOT NULL DEFAULT '',
    ADD CONSTRAINT ck_members_visibility CHECK (visibility IN ('own', 'team', 'all'));
"""


def upgrade() -> None:
    """Everybody sees everything until somebody says otherwise."""
    op.execute(COLUMNS)
