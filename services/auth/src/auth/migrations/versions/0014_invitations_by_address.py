"""Whoever signs in sees where they are invited to."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Found by the address; deleting an account looks there too."""
    op.execute("CREATE INDEX ix_invitations_email ON invitations (email)")
