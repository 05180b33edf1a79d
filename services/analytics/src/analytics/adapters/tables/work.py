"""What is still to be computed."""

from sqlalchemy import BigInteger, Column, Date, Index, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from analytics.adapters.tables.base import instant, metadata

rescoring = Table(
    "rescoring",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    instant("dirty_since", optional=True),
    instant("due_at", optional=True),
    instant("refit_due_at", optional=True),
    Column("job_id", Uuid),
    Column("runs", BigInteger, nullable=False, server_default="0"),
    Column("scored_version", BigInteger, nullable=False, server_default="0"),
    Column("fitted_on", Date),
    Column("backtested_on", Date),
)

answers = Table(
    "answers",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("question", Text, primary_key=True),
    Column("args", JSONB, nullable=False),
    Column("data_version", BigInteger, nullable=False),
    instant("asked_at"),
    Column("job_id", Uuid, nullable=False),
    instant("computed_at", optional=True),
    Column("answer", JSONB),
    Column("error", Text),
)

Index("ix_rescoring_due", rescoring.c.due_at, postgresql_where=rescoring.c.due_at.is_not(None))
Index(
    "ix_rescoring_refit",
    rescoring.c.refit_due_at,
    postgresql_where=rescoring.c.refit_due_at.is_not(None),
)
