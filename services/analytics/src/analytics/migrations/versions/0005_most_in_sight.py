"""The planner learns that most callers see nearly everything."""

from alembic import op

from kit.migrations import expect_most_in_sight

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    expect_most_in_sight(op)
