"""Answers kept by idempotency key: a report asked for twice is made once."""

from alembic import op

from kit.idempotency import idempotency_keys
from kit.migrations import kit_tables

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    kit_tables(op, idempotency_keys)
