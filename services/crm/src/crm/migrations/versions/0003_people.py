"""People, activities, notes."""

from alembic import op

revision = "0003"
down_revision = "0002"

# Frozen as they were; a test compares what all migrations make with adapters/tables.
ACTIVITIES = """
ALTER TABLE activities
    ADD COLUMN all_day BOOLEAN DEFAULT false NOT NULL,
    ADD COLUMN repetition TEXT DEFAULT '' NOT NULL,
    ADD COLUMN repeats_from TIMESTAMP WITH TIME ZONE,
    ADD COLUMN follows UUID;
CREATE INDEX ix_activities_due ON activities (workspace_id, due_at, id)
    WHERE deleted_at IS NULL AND done_at IS NULL;
CREATE INDEX ix_activities_done ON activities (workspace_id, done_at, id)
    WHERE deleted_at IS NULL AND done_at IS NOT NULL;
CREATE UNIQUE INDEX ux_activities_follows ON activities (workspace_id, follows)
    WHERE deleted_at IS NULL AND follows IS NOT NULL;
"""
TIMELINE = """
CREATE INDEX ix_deal_history_latest ON deal_history (workspace_id, happened_at DESC, id DESC);
"""
CLIENTS = """
CREATE INDEX ix_clients_parent ON clients (workspace_id, parent_id)
    WHERE parent_id IS NOT NULL;
"""


def upgrade() -> None:
    """Make them, with their policies and grants."""
    op.execute(CLIENTS)
    op.execute(TIMELINE)
    op.execute(ACTIVITIES)
