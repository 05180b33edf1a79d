"""Links in mails that end mails of their kind."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Mails that wait have none."""
    op.execute("ALTER TABLE mails ADD COLUMN unsubscribe text NOT NULL DEFAULT ''")
