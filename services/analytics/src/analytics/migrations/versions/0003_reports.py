"""Reports: files to fetch, and rows that are seen by those who may see their owner."""

from alembic import op

from kit.files import file_chunks, files
from kit.migrations import kit_tables, sight_policy

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    kit_tables(op, files, file_chunks)
    # States of deals are read by consumers and through the newest of each deal only: a policy on
    # them would show an older owner an older state as if it were the newest.
    for table in ("deals", "deal_scores", "clients", "forecasts", "projections", "velocities"):
        sight_policy(op, table)
