"""Workspaces can be erased."""

from alembic import op

from kit.erasure import erasures
from kit.migrations import grant, kit_tables

revision = "0009"
down_revision = "0008"

TABLES = (
    "digest_items",
    "digests",
    "mails",
    "notifications",
    "own_changes",
    "preferences",
    "recipients",
    "workspaces",
)


def upgrade() -> None:
    """The system role deletes what is left of a workspace, the app role what was a person's."""
    kit_tables(op, erasures)
    for table in TABLES:
        grant(op, table, system="SELECT, DELETE")
    for table in ("preferences", "own_changes", "notifications", "digests"):
        grant(op, table, app="DELETE")
