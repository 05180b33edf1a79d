"""Settings of a workspace: stages, lost reasons, rates, custom fields, tags, views."""

from alembic import op

from kit.migrations import grant, tenant_table

revision = "0002"
down_revision = "0001"

# Frozen as they were.
TABLES = """
ALTER TABLE stages ADD COLUMN color TEXT DEFAULT '' NOT NULL;

CREATE TABLE removed_stages (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (workspace_id, id)
);

ALTER TABLE lost_reasons ADD COLUMN version INTEGER DEFAULT 1 NOT NULL;
ALTER TABLE lost_reasons ADD COLUMN removed_at TIMESTAMP WITH TIME ZONE;

CREATE TABLE currency_rates (
    workspace_id UUID NOT NULL,
    base TEXT NOT NULL,
    currency TEXT NOT NULL,
    valid_from DATE NOT NULL,
    version INTEGER NOT NULL,
    rate NUMERIC,
    factor NUMERIC,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (workspace_id, base, currency, valid_from),
    CONSTRAINT ck_currency_rates_factor CHECK ((rate IS NULL) = (factor IS NULL))
);

CREATE TABLE custom_fields (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    version INTEGER NOT NULL,
    resource TEXT NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    options TEXT[] NOT NULL,
    position INTEGER NOT NULL,
    removed_at TIMESTAMP WITH TIME ZONE,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (workspace_id, id),
    CONSTRAINT ck_custom_fields_resource CHECK (resource IN ('clients', 'deals'))
);
CREATE UNIQUE INDEX ux_custom_fields_key ON custom_fields (workspace_id, resource, key);

CREATE TABLE tags (
    workspace_id UUID NOT NULL,
    name TEXT NOT NULL,
    color TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (workspace_id, name)
);

CREATE TABLE views (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    version INTEGER NOT NULL,
    resource TEXT NOT NULL,
    name TEXT NOT NULL,
    owner_id UUID NOT NULL,
    shared BOOLEAN NOT NULL,
    settings JSONB NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (workspace_id, id),
    CONSTRAINT ck_views_resource CHECK (resource IN ('deals', 'clients', 'activities'))
);
CREATE INDEX ix_views_list ON views (workspace_id, resource, owner_id);

CREATE TABLE view_choices (
    workspace_id UUID NOT NULL,
    user_id UUID NOT NULL,
    resource TEXT NOT NULL,
    view_id UUID NOT NULL,
    PRIMARY KEY (workspace_id, user_id, resource),
    FOREIGN KEY (workspace_id, view_id) REFERENCES views (workspace_id, id) ON DELETE CASCADE
);
"""
GRANTS = {
    "removed_stages": ("SELECT, INSERT", "SELECT"),
    "currency_rates": ("SELECT, INSERT, UPDATE", "SELECT"),
    "custom_fields": ("SELECT, INSERT, UPDATE", "SELECT"),
    "tags": ("SELECT, INSERT, UPDATE, DELETE", "SELECT"),
    "views": ("SELECT, INSERT, UPDATE, DELETE", "SELECT"),
    "view_choices": ("SELECT, INSERT, UPDATE, DELETE", "SELECT"),
}


def upgrade() -> None:
    """Make them, with their policies and grants."""
    op.execute(TABLES)
    for table, (app, system) in GRANTS.items():
        tenant_table(op, table)
        grant(op, table, app=app, system=system)
    grant(op, "stages", app="DELETE")  # a stage goes; the foreign keys of deals hold it
