"""Which scoring a deal's odds come from."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Zero: none yet."""
    op.execute("ALTER TABLE deals ADD COLUMN scoring bigint NOT NULL DEFAULT 0")
