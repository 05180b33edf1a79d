"""Everything that kit brings along, and one tenant's table."""

import sqlalchemy as sa
from alembic import op

from kit.closures import closures
from kit.dead_letters import dead_letters
from kit.erasure import erasures
from kit.files import file_chunks, files
from kit.idempotency import idempotency_keys
from kit.inbox import inbox
from kit.jobs.table import jobs
from kit.migrations import grant, kit_tables, tenant_table
from kit.outbox import outbox

revision = "0001"
down_revision = None


def upgrade() -> None:
    kit_tables(op, outbox, inbox, idempotency_keys, dead_letters, files, file_chunks, jobs)
    kit_tables(op, erasures, closures)
    op.create_table(
        "notes",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("workspace_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    tenant_table(op, "notes")
    grant(op, "notes", app="SELECT, INSERT, UPDATE, DELETE", system="SELECT, DELETE")
