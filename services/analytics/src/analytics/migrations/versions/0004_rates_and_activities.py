"""Rates, activities as they stood on any day, records that are gone, and facts built anew."""

from alembic import op

from kit.migrations import grant, tenant_table

revision = "0004"
down_revision = "0003"

TABLES = """
CREATE TABLE currency_rates (
    workspace_id uuid NOT NULL,
    base text NOT NULL,
    currency text NOT NULL,
    valid_from date NOT NULL,
    version integer NOT NULL,
    factor numeric,
    PRIMARY KEY (workspace_id, base, currency, valid_from)
);
ALTER TABLE deals
    ADD COLUMN rated_minor bigint,
    ADD COLUMN rated_currency text NOT NULL DEFAULT '';
ALTER TABLE deal_states
    ADD COLUMN rated_minor bigint,
    ADD COLUMN rated_currency text NOT NULL DEFAULT '';

CREATE TABLE activity_states (
    workspace_id uuid NOT NULL,
    activity_id uuid NOT NULL,
    version integer NOT NULL,
    happened_at timestamptz NOT NULL,
    kind text NOT NULL,
    client_id uuid,
    deal_id uuid,
    owner_id uuid,
    due_at timestamptz,
    done_at timestamptz,
    deleted boolean NOT NULL,
    PRIMARY KEY (workspace_id, activity_id, version)
);
-- Of what came before, nothing but the newest is known.
INSERT INTO activity_states
SELECT workspace_id, activity_id, version, coalesce(created_at, done_at, due_at, now()), kind,
    client_id, deal_id, owner_id, due_at, done_at, false
FROM activities WHERE version > 0;
INSERT INTO activity_states
SELECT workspace_id, activity_id, presence_version, deleted_at, '', NULL, NULL, NULL, NULL, NULL,
    true
FROM activities WHERE deleted_at IS NOT NULL AND presence_version > version;

CREATE TABLE purged_records (
    workspace_id uuid NOT NULL,
    record_id uuid NOT NULL,
    PRIMARY KEY (workspace_id, record_id)
);
"""


REBUILDING = """
CREATE TABLE rebuilds (
    workspace_id uuid NOT NULL,
    begun_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id)
);
CREATE TABLE held_events (
    workspace_id uuid NOT NULL,
    event_id uuid NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (workspace_id, event_id)
);
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(REBUILDING)
    for table in ("currency_rates", "activity_states", "purged_records", "rebuilds", "held_events"):
        tenant_table(op, table)
        grant(op, table, app="SELECT, INSERT, UPDATE, DELETE")
    # Stages are told anew like everything else; a rebuilding that was cut off is looked for.
    grant(op, "stages", app="DELETE")
    grant(op, "rebuilds", system="SELECT")
