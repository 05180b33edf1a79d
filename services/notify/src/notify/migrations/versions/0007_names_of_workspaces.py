"""What workspaces are called."""

from alembic import op

from kit.migrations import grant

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """The names are asked for, as is all of those whose settings were told too long ago."""
    op.execute("ALTER TABLE workspaces ADD COLUMN name text NOT NULL DEFAULT ''")
    grant(op, "recipients", system="SELECT")
    grant(op, "workspaces", system="SELECT")
