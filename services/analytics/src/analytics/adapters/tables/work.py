"""What is still to be computed, what waits, and what is not to come back."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
)
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
    instant("replay_due_at", optional=True),
    instant("replay_at", optional=True),
    Column("replayed", Integer, nullable=False, server_default="0"),
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

# Of what is gone for good nothing but the id: an event of it that comes late brings nothing back.
purged_records = Table(
    "purged_records",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("record_id", Uuid, primary_key=True),
)

# A workspace whose facts are being built anew; what is told meanwhile waits beside it.
rebuilds = Table(
    "rebuilds", metadata, Column("workspace_id", Uuid, primary_key=True), instant("begun_at")
)
held_events = Table(
    "held_events",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("event_id", Uuid, primary_key=True),
    Column("number", BigInteger, Identity(always=True)),
    Column("headers", JSONB, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

Index("ix_rescoring_due", rescoring.c.due_at, postgresql_where=rescoring.c.due_at.is_not(None))
Index(
    "ix_rescoring_refit",
    rescoring.c.refit_due_at,
    postgresql_where=rescoring.c.refit_due_at.is_not(None),
)
Index(
    "ix_rescoring_replay",
    rescoring.c.replay_due_at,
    postgresql_where=rescoring.c.replay_due_at.is_not(None),
)
