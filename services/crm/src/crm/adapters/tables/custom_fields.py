"""Fields that a workspace adds to its clients and deals; the values lie in the records."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY

from crm.adapters.tables.base import instant, metadata, recorded

# A removed one stays: its key is not given to a field of another type.
custom_fields = Table(
    "custom_fields",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("resource", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("options", ARRAY(Text), nullable=False),
    Column("position", Integer, nullable=False),
    instant("removed_at"),
    recorded(),
    PrimaryKeyConstraint("workspace_id", "id"),
    CheckConstraint("resource IN ('clients', 'deals')", name="ck_custom_fields_resource"),
)
Index(
    "ux_custom_fields_key",
    custom_fields.c.workspace_id,
    custom_fields.c.resource,
    custom_fields.c.key,
    unique=True,
)
