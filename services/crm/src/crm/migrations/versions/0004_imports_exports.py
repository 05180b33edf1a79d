"""Imports, exports, merges."""

from alembic import op

from kit.migrations import grant, sight_policy, tenant_table

revision = "0004"
down_revision = "0003"

TABLES = """
ALTER TABLE imports
    ADD COLUMN updated_rows INTEGER DEFAULT 0 NOT NULL,
    ADD COLUMN settings JSONB DEFAULT '{}' NOT NULL,
    ADD COLUMN columns JSONB DEFAULT '[]' NOT NULL,
    ADD COLUMN fields TEXT[] DEFAULT '{}' NOT NULL,
    ADD COLUMN checked JSONB,
    ADD COLUMN reverted_records INTEGER DEFAULT 0 NOT NULL,
    ADD COLUMN kept_records INTEGER DEFAULT 0 NOT NULL;
ALTER TABLE import_errors ADD COLUMN value TEXT DEFAULT '' NOT NULL;

CREATE TABLE import_rows (
    workspace_id UUID NOT NULL,
    import_id UUID NOT NULL,
    row INTEGER NOT NULL,
    kind TEXT NOT NULL,
    action TEXT NOT NULL,
    record_id UUID NOT NULL,
    version INTEGER NOT NULL,
    matched_by TEXT NOT NULL,
    name TEXT NOT NULL,
    before JSONB,
    PRIMARY KEY (workspace_id, import_id, row, kind),
    FOREIGN KEY(workspace_id, import_id) REFERENCES imports (workspace_id, id)
);
CREATE INDEX ix_import_rows_record ON import_rows (workspace_id, import_id, record_id);

ALTER TABLE clients ADD COLUMN match_keys TEXT[] DEFAULT '{}' NOT NULL;
CREATE TABLE client_keys (
    workspace_id UUID NOT NULL,
    key TEXT NOT NULL,
    client_id UUID NOT NULL,
    PRIMARY KEY (workspace_id, key, client_id),
    FOREIGN KEY(workspace_id, client_id) REFERENCES clients (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX ix_client_keys_client ON client_keys (workspace_id, client_id);

CREATE TABLE exports (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    resource TEXT NOT NULL,
    format TEXT NOT NULL,
    request JSONB NOT NULL,
    columns TEXT[] NOT NULL,
    raw BOOLEAN NOT NULL,
    file_name TEXT NOT NULL,
    total_rows INTEGER NOT NULL,
    rows INTEGER DEFAULT 0 NOT NULL,
    size BIGINT DEFAULT 0 NOT NULL,
    job_id UUID NOT NULL,
    file_id UUID,
    sight TEXT NOT NULL,
    created_by UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    expires_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX ix_exports_list ON exports (workspace_id, created_by, created_at DESC, id DESC);

CREATE TABLE merges (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    client_id UUID NOT NULL,
    client_name TEXT NOT NULL,
    other_id UUID NOT NULL,
    other_name TEXT NOT NULL,
    before JSONB NOT NULL,
    after JSONB NOT NULL,
    moved JSONB NOT NULL,
    deals INTEGER NOT NULL,
    activities INTEGER NOT NULL,
    people INTEGER NOT NULL,
    created_by UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    undone_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX ix_merges_list ON merges (workspace_id, created_at DESC, id DESC);

CREATE TABLE known_as_two (
    workspace_id UUID NOT NULL,
    one_id UUID NOT NULL,
    other_id UUID NOT NULL,
    created_by UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (workspace_id, one_id, other_id)
);
"""
GRANTS = {
    "import_rows": ("SELECT, INSERT, UPDATE, DELETE", "SELECT"),
    "exports": ("SELECT, INSERT, UPDATE", "SELECT"),
    "merges": ("SELECT, INSERT, UPDATE", "SELECT"),
    "known_as_two": ("SELECT, INSERT", "SELECT"),
    "client_keys": ("SELECT, INSERT, DELETE", "SELECT, INSERT, DELETE"),
}

# Keeps client_keys equal to clients.match_keys, whoever writes a client.
KEYS = """
CREATE FUNCTION spread_client_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO client_keys (workspace_id, key, client_id)
        SELECT a.workspace_id, unnest(a.match_keys), a.id FROM after_rows a;
        RETURN NULL;
    END IF;
    DELETE FROM client_keys k USING before_rows b, after_rows a
    WHERE k.workspace_id = b.workspace_id AND k.client_id = b.id
        AND a.workspace_id = b.workspace_id AND a.id = b.id AND a.match_keys <> b.match_keys;
    INSERT INTO client_keys (workspace_id, key, client_id)
    SELECT a.workspace_id, unnest(a.match_keys), a.id FROM after_rows a, before_rows b
    WHERE a.workspace_id = b.workspace_id AND a.id = b.id AND a.match_keys <> b.match_keys;
    RETURN NULL;
END $$;
CREATE TRIGGER client_keys_of_inserts AFTER INSERT ON clients
    REFERENCING NEW TABLE AS after_rows
    FOR EACH STATEMENT EXECUTE FUNCTION spread_client_keys();
CREATE TRIGGER client_keys_of_updates AFTER UPDATE ON clients
    REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows
    FOR EACH STATEMENT EXECUTE FUNCTION spread_client_keys();
"""


def upgrade() -> None:
    """Add to what 0001 made, with policies and grants."""
    op.execute(TABLES)
    for table, (app, system) in GRANTS.items():
        tenant_table(op, table)
        grant(op, table, app=app, system=system)
    grant(op, "import_errors", app="DELETE")
    op.execute(KEYS)
    # Whoever sees the client that stayed hears of the one that went: its own policy decides.
    seen = (
        "EXISTS (SELECT FROM clients seen "
        "WHERE seen.workspace_id = merges.workspace_id AND seen.id = merges.client_id)"
    )
    sight_policy(op, "merges", seen, for_="SELECT")
