"""Nothing is done for a closed workspace."""

from alembic import op

from kit.closures import closures
from kit.migrations import kit_tables

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """None is."""
    kit_tables(op, closures)
