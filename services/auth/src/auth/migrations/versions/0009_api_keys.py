"""Keys for programs."""

from alembic import op

from kit.migrations import grant, tenant_table

revision = "0009"
down_revision = "0008"

TABLES = """
CREATE TABLE api_keys (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    secret_hash bytea NOT NULL,
    read_only boolean NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    PRIMARY KEY (id),
    FOREIGN KEY(workspace_id) REFERENCES workspaces (workspace_id),
    FOREIGN KEY(user_id) REFERENCES users (id),
    UNIQUE (secret_hash)
);
CREATE INDEX ix_api_keys_owner ON api_keys (workspace_id, user_id, id);
CREATE INDEX ix_api_keys_expires_at ON api_keys (expires_at);

ALTER TABLE sessions ADD COLUMN api_key_id uuid;
CREATE INDEX ix_sessions_api_key_id ON sessions (api_key_id) WHERE api_key_id IS NOT NULL;
"""


def upgrade() -> None:
    """A key is looked for before its workspace is known: that is for the system role."""
    op.execute(TABLES)
    tenant_table(op, "api_keys")
    grant(op, "api_keys", app="SELECT, INSERT, DELETE", system="SELECT, INSERT, UPDATE, DELETE")
