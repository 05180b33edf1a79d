"""Which reminder of an activity has been told."""

from alembic import op

revision = "0009"
down_revision = "0008"

COLUMN = """
ALTER TABLE activities ADD COLUMN reminded_for timestamptz;
UPDATE activities SET reminded_for = remind_at WHERE remind_at < now();
CREATE INDEX ix_activities_reminders ON activities (remind_at)
    WHERE deleted_at IS NULL AND done_at IS NULL AND remind_at IS NOT NULL
        AND reminded_for IS DISTINCT FROM remind_at;
"""


def upgrade() -> None:
    """Nobody is reminded of what was due before there were reminders."""
    op.execute(COLUMN)
