"""What is part of something large waits behind single changes, see kit.relay."""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """The order in which facts leave."""
    op.execute("DROP INDEX ix_outbox_unsent")
    op.execute(
        "CREATE INDEX ix_outbox_unsent ON outbox ((headers ? 'ce-bulkid'), number)"
        " WHERE sent_at IS NULL"
    )
