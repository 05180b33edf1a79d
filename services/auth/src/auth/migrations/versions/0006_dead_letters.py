"""What the audit log could not take in, kept with the reason."""

from alembic import op

from kit.dead_letters import dead_letters
from kit.migrations import kit_tables

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """auth hears events since 0003; until now one that it could not handle ended the process."""
    kit_tables(op, dead_letters)
