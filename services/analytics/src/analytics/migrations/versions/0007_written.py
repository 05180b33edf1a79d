"""How often scores were written: what tells the answers of reports apart."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("ALTER TABLE editions ADD COLUMN written bigint NOT NULL DEFAULT 0")
