"""From where it was done, and what to say of it."""

from alembic import op

revision = "0004"
down_revision = "0003"

COLUMNS = """
ALTER TABLE audit_entries
    ADD COLUMN address text NOT NULL DEFAULT '',
    ADD COLUMN detail text NOT NULL DEFAULT '';
"""


def upgrade() -> None:
    """Of earlier entries nobody knows."""
    op.execute(COLUMNS)
