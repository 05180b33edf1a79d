"""What happened to clients and activities; deals have a history of their own, with their stages."""

from sqlalchemy import CheckConstraint, Column, Integer, PrimaryKeyConstraint, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from crm.adapters.tables.base import instant, metadata, recorded

record_history = Table(
    "record_history",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("record_kind", Text, nullable=False),
    Column("record_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor_id", Uuid),
    instant("happened_at", nullable=False),
    recorded(),
    Column("changes", JSONB, nullable=False),
    PrimaryKeyConstraint("workspace_id", "record_id", "version", "id"),
    CheckConstraint("record_kind IN ('client', 'activity')", name="ck_record_history_record_kind"),
)
