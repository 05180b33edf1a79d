"""What members may do, for what is served to them without a token: their calendars.

NULL is who is known from before this was told; every role could read activities and deals then.
"""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """A column."""
    op.execute("ALTER TABLE owners ADD COLUMN permissions TEXT[]")
