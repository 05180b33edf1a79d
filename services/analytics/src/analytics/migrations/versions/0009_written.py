"""How often scores were written: what tells the answers of reports apart."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("ALTER TABLE editions ADD COLUMN written bigint NOT NULL DEFAULT 0")
