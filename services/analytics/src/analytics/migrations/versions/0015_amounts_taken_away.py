"""Deals that lost their amount, or have one in another currency, and still counted what it was."""

from alembic import op

revision = "0015"
down_revision = "0014"

MEND = """
UPDATE deals d SET rated_minor = s.rated_minor, rated_currency = s.rated_currency
FROM deal_states s
WHERE s.workspace_id = d.workspace_id AND s.deal_id = d.deal_id AND s.version = d.version
    AND (d.rated_minor, d.rated_currency) IS DISTINCT FROM (s.rated_minor, s.rated_currency)
"""


def upgrade() -> None:
    """A deal is worth what the state of its newest event is worth."""
    op.execute(MEND)
