"""Workspaces can be erased, and people can leave for good."""

from alembic import op

from kit.erasure import erasures
from kit.migrations import grant, kit_tables, tenant_table

revision = "0010"
down_revision = "0009"

TABLES = ("workspaces", "members", "invitations", "sessions", "api_keys", "audit_entries")
FORMER_MEMBERS = """
CREATE TABLE former_members (
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    deleted_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
)
"""


def upgrade() -> None:
    """The system role deletes what is left, and takes out of the audit log what names somebody."""
    kit_tables(op, erasures)
    for table in TABLES:
        grant(op, table, system="SELECT, DELETE")
    op.execute(FORMER_MEMBERS)
    tenant_table(op, "former_members")
    grant(op, "former_members", system="SELECT, INSERT, DELETE")
    op.execute("GRANT UPDATE (address, detail) ON audit_entries TO auth_system")
