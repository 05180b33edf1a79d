"""Where a stage stands on the board, which says what counts as a step on.

One that was told before has no place until it is told again, or its workspace is rebuilt: until
then the order in which stages were first used stands in for it.
"""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute("ALTER TABLE stages ADD COLUMN position integer")
    op.execute("ALTER TABLE stages ADD COLUMN placed_version integer NOT NULL DEFAULT 0")
