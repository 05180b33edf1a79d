"""Who can be told, what they were told, and the mails on their way."""

from alembic import op

from kit.dead_letters import dead_letters
from kit.inbox import inbox
from kit.migrations import grant, kit_tables, tenant_table
from kit.outbox import outbox

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE recipients (
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    version integer NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    locale text NOT NULL,
    removed_at timestamptz,
    PRIMARY KEY (workspace_id, user_id)
);

CREATE TABLE notifications (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    target_kind text NOT NULL,
    target_id uuid,
    created_at timestamptz NOT NULL,
    read_at timestamptz,
    PRIMARY KEY (id)
);
CREATE INDEX ix_notifications_inbox ON notifications (workspace_id, user_id, id);

CREATE TABLE mails (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    to_address text NOT NULL,
    to_name text NOT NULL,
    subject text NOT NULL,
    text text NOT NULL,
    html text NOT NULL,
    status text NOT NULL,
    attempts integer NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    error text,
    queued_at timestamptz NOT NULL,
    sent_at timestamptz,
    PRIMARY KEY (id)
);
CREATE INDEX ix_mails_due ON mails (status, next_attempt_at);
"""


def upgrade() -> None:
    kit_tables(op, outbox, inbox, dead_letters)
    op.execute(TABLES)
    for table in ("recipients", "notifications", "mails"):
        tenant_table(op, table)
    grant(op, "recipients", app="SELECT, INSERT, UPDATE")
    grant(op, "notifications", app="SELECT, INSERT, UPDATE")
    # The app role queues mails and never reads them; the sender works for all workspaces.
    grant(op, "mails", app="INSERT", system="SELECT, UPDATE, DELETE")
