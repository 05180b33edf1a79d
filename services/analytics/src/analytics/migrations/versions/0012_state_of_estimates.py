"""Up to where risks, forecasts and projections know the facts: they are committed after the odds.

What an earlier version wrote knows what the odds know.
"""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute("ALTER TABLE editions ADD COLUMN rest_as_of timestamptz")
    op.execute("ALTER TABLE editions ADD COLUMN rest_version bigint")
