"""Workspaces make roles of their own, each a built-in one with less."""

from alembic import op

from kit.migrations import grant, tenant_table

revision = "0012"
down_revision = "0011"

TABLE = """
CREATE TABLE custom_roles (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    version integer NOT NULL,
    name text NOT NULL,
    base text NOT NULL,
    permissions text[] NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY(workspace_id) REFERENCES workspaces (workspace_id)
);
CREATE UNIQUE INDEX ix_custom_roles_name ON custom_roles (workspace_id, lower(name));
"""
# NULL for a built-in role: nobody has another one yet, so nothing is checked.
COLUMNS = """
ALTER TABLE {table} ADD COLUMN custom_role_id uuid;
ALTER TABLE {table} ADD CONSTRAINT fk_{table}_custom_role FOREIGN KEY (workspace_id, custom_role_id)
    REFERENCES custom_roles (workspace_id, id);
CREATE INDEX ix_{table}_custom_role ON {table} (workspace_id, custom_role_id)
    WHERE custom_role_id IS NOT NULL;
"""


def upgrade() -> None:
    op.execute(TABLE)
    tenant_table(op, "custom_roles")
    # The system role holds a role while somebody comes in with it.
    rights = "SELECT, UPDATE, DELETE"
    grant(op, "custom_roles", app=f"INSERT, {rights}", system=rights)
    for table in ("members", "invitations"):
        op.execute(COLUMNS.format(table=table))
    # An open invitation into a role that goes leads into another one.
    op.execute("GRANT UPDATE (role, custom_role_id) ON invitations TO auth_app")
