"""People, activities, notes."""

from alembic import op

from kit.migrations import grant, sight_policy, tenant_table

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
CREATE INDEX ix_activities_follows ON activities (workspace_id, follows)
    WHERE deleted_at IS NULL AND follows IS NOT NULL;
"""
TIMELINE = """
CREATE INDEX ix_deal_history_latest ON deal_history (workspace_id, happened_at DESC, id DESC);
"""
CONTACTS = """
CREATE TABLE deal_contacts (
    workspace_id UUID NOT NULL,
    deal_id UUID NOT NULL,
    client_id UUID NOT NULL,
    role TEXT NOT NULL,
    added_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (workspace_id, deal_id, client_id),
    FOREIGN KEY(workspace_id, deal_id) REFERENCES deals (workspace_id, id),
    FOREIGN KEY(workspace_id, client_id) REFERENCES clients (workspace_id, id)
);
"""
DEAL_IS_SEEN = (
    "EXISTS (SELECT FROM deals seen WHERE seen.workspace_id = deal_contacts.workspace_id"
    " AND seen.id = deal_contacts.deal_id)"
)
CALENDARS = """
CREATE TABLE calendar_feeds (
    workspace_id UUID NOT NULL,
    user_id UUID NOT NULL,
    token_hash BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (workspace_id, user_id),
    UNIQUE (token_hash)
);
"""
CLIENTS = """
CREATE INDEX ix_clients_parent ON clients (workspace_id, parent_id)
    WHERE parent_id IS NOT NULL;
"""


def upgrade() -> None:
    """Make them, with their policies and grants."""
    op.execute(CLIENTS)
    op.execute(TIMELINE)
    op.execute(CONTACTS)
    tenant_table(op, "deal_contacts")
    grant(op, "deal_contacts", app="SELECT, INSERT, UPDATE, DELETE", system="SELECT, DELETE")
    sight_policy(op, "deal_contacts", DEAL_IS_SEEN)
    op.execute(CALENDARS)
    tenant_table(op, "calendar_feeds")
    grant(op, "calendar_feeds", app="SELECT, INSERT, UPDATE, DELETE", system="SELECT")
    op.execute(ACTIVITIES)
