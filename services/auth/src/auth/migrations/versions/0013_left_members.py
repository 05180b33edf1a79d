"""Whoever comes back into a workspace goes on behind the versions of before."""

from alembic import op

from kit.migrations import grant, tenant_table

revision = "0013"
down_revision = "0012"

TABLE = """
CREATE TABLE left_members (
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    version integer NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
)
"""
# Whoever has come back since is told of anew with the next change of their rights.
BEFORE = """
INSERT INTO left_members
SELECT workspace_id, subject_id, max(version) FROM audit_entries
WHERE type = 'auth.member.v1.removed' GROUP BY workspace_id, subject_id;
UPDATE members SET version = members.version + left_members.version FROM left_members
WHERE left_members.workspace_id = members.workspace_id
    AND left_members.user_id = members.user_id AND members.version <= left_members.version;
"""


def upgrade() -> None:
    """Written by whoever removes them, read when they come in."""
    op.execute(TABLE)
    op.execute(BEFORE)
    tenant_table(op, "left_members")
    grant(op, "left_members", app="SELECT, INSERT, UPDATE", system="SELECT, DELETE")
