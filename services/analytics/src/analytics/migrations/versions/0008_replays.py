"""A workspace's past is replayed in parts, when nobody waits for anything else."""

from alembic import op

revision = "0008"
down_revision = "0007"

COLUMNS = """
ALTER TABLE rescoring
    ADD COLUMN replay_due_at timestamptz,
    ADD COLUMN replay_at timestamptz,
    ADD COLUMN replayed integer NOT NULL DEFAULT 0;
CREATE INDEX ix_rescoring_replay ON rescoring (replay_due_at) WHERE replay_due_at IS NOT NULL;
"""


def upgrade() -> None:
    op.execute(COLUMNS)
