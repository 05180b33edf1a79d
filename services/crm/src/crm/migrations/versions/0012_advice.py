"""What a deal's odds deserve and rest on, as analytics tells it with them."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute("ALTER TABLE deals ADD COLUMN advice text, ADD COLUMN odds_evidence text")
