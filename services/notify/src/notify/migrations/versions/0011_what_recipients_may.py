"""What members may do, and so may be told of.

NULL is who is known from before this was kept: their event is heard once more, as far as the stream
reaches back, which is beyond the day on which roles could first be without something to be told of.
"""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """A column."""
    op.execute("ALTER TABLE recipients ADD COLUMN permissions text[]")
