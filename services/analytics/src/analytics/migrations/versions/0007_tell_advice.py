"""Odds are told once more: crm keeps the advice and the evidence that come with them since."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("UPDATE deal_scores SET told_probability = NULL WHERE edition = 'now'")
