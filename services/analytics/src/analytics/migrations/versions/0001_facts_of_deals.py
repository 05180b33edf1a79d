"""Facts of deals and their stages, as events tell them."""

from alembic import op

from kit.dead_letters import dead_letters
from kit.inbox import inbox
from kit.migrations import grant, kit_tables, tenant_table
from kit.outbox import outbox

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE workspaces (
    workspace_id uuid NOT NULL,
    version integer NOT NULL,
    currency text NOT NULL,
    time_zone text NOT NULL,
    changes bigint NOT NULL,
    as_of timestamptz,
    PRIMARY KEY (workspace_id)
);

CREATE TABLE deals (
    workspace_id uuid NOT NULL,
    deal_id uuid NOT NULL,
    version integer NOT NULL,
    name text NOT NULL,
    client_id uuid,
    owner_id uuid,
    amount_minor bigint,
    currency text NOT NULL,
    stage_id uuid NOT NULL,
    stage_type text NOT NULL,
    source text NOT NULL,
    expected_close_date date,
    created_at timestamptz NOT NULL,
    entered_stage_at timestamptz NOT NULL,
    closed_at timestamptz,
    deleted_at timestamptz,
    PRIMARY KEY (workspace_id, deal_id)
);
CREATE INDEX ix_deals_closed ON deals (workspace_id, closed_at) WHERE deleted_at IS NULL;
CREATE INDEX ix_deals_created ON deals (workspace_id, created_at) WHERE deleted_at IS NULL;
CREATE INDEX ix_deals_pipeline ON deals (workspace_id, stage_id, currency)
    INCLUDE (stage_type, owner_id, amount_minor, entered_stage_at) WHERE deleted_at IS NULL;

CREATE TABLE stages (
    workspace_id uuid NOT NULL,
    stage_id uuid NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    first_used_at timestamptz NOT NULL,
    told_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, stage_id)
);

CREATE TABLE stage_entries (
    workspace_id uuid NOT NULL,
    deal_id uuid NOT NULL,
    version integer NOT NULL,
    stage_id uuid NOT NULL,
    stage_name text NOT NULL,
    stage_type text NOT NULL,
    entered_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, deal_id, version)
);

CREATE TABLE close_date_changes (
    workspace_id uuid NOT NULL,
    deal_id uuid NOT NULL,
    version integer NOT NULL,
    before date,
    after date,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, deal_id, version)
);
"""


def upgrade() -> None:
    kit_tables(op, outbox, inbox, dead_letters)
    op.execute(TABLES)
    for table in ("workspaces", "deals", "stages", "stage_entries", "close_date_changes"):
        tenant_table(op, table)
        grant(op, table, app="SELECT, INSERT, UPDATE")
