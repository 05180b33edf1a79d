"""People, workspaces, members, sessions."""

from alembic import op

from kit.inbox import inbox
from kit.migrations import grant, kit_tables, tenant_table
from kit.outbox import outbox

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE users (
    id uuid NOT NULL,
    version integer NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    password_hash text,
    locale text NOT NULL,
    email_verified_at timestamptz,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (email)
);

CREATE TABLE identities (
    issuer text NOT NULL,
    subject text NOT NULL,
    user_id uuid NOT NULL,
    linked_at timestamptz NOT NULL,
    PRIMARY KEY (issuer, subject),
    FOREIGN KEY(user_id) REFERENCES users (id)
);
CREATE INDEX ix_identities_user_id ON identities (user_id);

CREATE TABLE one_time_tokens (
    secret_hash bytea NOT NULL,
    purpose text NOT NULL,
    user_id uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (secret_hash),
    FOREIGN KEY(user_id) REFERENCES users (id)
);
CREATE INDEX ix_one_time_tokens_user_id ON one_time_tokens (user_id);

CREATE TABLE attempts (
    bucket bytea NOT NULL,
    count integer NOT NULL,
    window_started_at timestamptz NOT NULL,
    PRIMARY KEY (bucket)
);

CREATE TABLE workspaces (
    workspace_id uuid NOT NULL,
    version integer NOT NULL,
    name text NOT NULL,
    currency text NOT NULL,
    time_zone text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id)
);

CREATE TABLE members (
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    version integer NOT NULL,
    role text NOT NULL,
    joined_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, user_id),
    FOREIGN KEY(workspace_id) REFERENCES workspaces (workspace_id),
    FOREIGN KEY(user_id) REFERENCES users (id)
);
CREATE INDEX ix_members_user_id ON members (user_id);

CREATE TABLE invitations (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    email text NOT NULL,
    role text NOT NULL,
    secret_hash bytea NOT NULL,
    invited_by uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    PRIMARY KEY (id),
    FOREIGN KEY(workspace_id) REFERENCES workspaces (workspace_id),
    UNIQUE (secret_hash)
);
CREATE INDEX ix_invitations_workspace_id ON invitations (workspace_id, id);

CREATE TABLE sessions (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    version integer NOT NULL,
    device text NOT NULL,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (id),
    FOREIGN KEY(user_id) REFERENCES users (id)
);
CREATE INDEX ix_sessions_ended_at ON sessions (ended_at);
CREATE INDEX ix_sessions_user_id ON sessions (user_id, id);

CREATE TABLE refresh_tokens (
    secret_hash bytea NOT NULL,
    session_id uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    sealed_successor bytea,
    PRIMARY KEY (secret_hash),
    FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE
);
CREATE INDEX ix_refresh_tokens_session_id ON refresh_tokens (session_id);
"""

# What belongs to no workspace: for the system role only.
GLOBAL = ("users", "identities", "one_time_tokens", "attempts", "refresh_tokens")
OF_A_WORKSPACE = ("workspaces", "members", "invitations", "sessions")

# A workspace sees the people in it, and of them not the password.
COLLEAGUES = """
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
CREATE POLICY colleagues ON users FOR SELECT TO auth_app
    USING (EXISTS (SELECT FROM members WHERE members.user_id = users.id));
CREATE POLICY system ON users TO auth_system USING (true) WITH CHECK (true);
CREATE POLICY owner ON users TO auth_owner USING (true) WITH CHECK (true);
GRANT SELECT (id, email, name, locale) ON users TO auth_app;
"""


def upgrade() -> None:
    kit_tables(op, outbox, inbox)
    op.execute(TABLES)
    for table in (*GLOBAL, *OF_A_WORKSPACE):
        grant(op, table, system="SELECT, INSERT, UPDATE, DELETE")
    for table in OF_A_WORKSPACE:
        tenant_table(op, table)
    grant(op, "workspaces", app="SELECT, UPDATE")
    grant(op, "members", app="SELECT, UPDATE, DELETE")
    grant(op, "invitations", app="SELECT, INSERT")
    grant(op, "sessions", app="SELECT, UPDATE")
    op.execute(COLLEAGUES)
    # Signing in happens before a workspace is known, and is told like everything else.
    grant(op, "outbox", system="INSERT")
