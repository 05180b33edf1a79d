"""What a workspace settles once: stages, lost reasons, and who may own."""

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from crm.adapters.tables.base import instant, metadata, recorded

workspaces = Table(
    "workspaces",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
)

stages = Table(
    "stages",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("rotting_days", Integer, nullable=False),
    Column("default_probability", Double, nullable=False),
    Column("color", Text, nullable=False, server_default=text("''")),
    PrimaryKeyConstraint("workspace_id", "id"),
    UniqueConstraint("workspace_id", "name"),
    CheckConstraint("type IN ('open', 'won', 'lost')", name="ck_stages_type"),
)

# What removed stages were called: history knows stages by their id only, and is not rewritten.
removed_stages = Table(
    "removed_stages",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    recorded(),
    PrimaryKeyConstraint("workspace_id", "id"),
)

# A removed one stays: deals were lost for it.
lost_reasons = Table(
    "lost_reasons",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("version", Integer, nullable=False, server_default=text("1")),
    instant("removed_at"),
    PrimaryKeyConstraint("workspace_id", "id"),
    UniqueConstraint("workspace_id", "name"),
)

# Members (their id is the person's) and labels that came with an import.
owners = Table(
    "owners",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("user_id", Uuid),
    instant("removed_at"),
    Column("permissions", ARRAY(Text)),
    PrimaryKeyConstraint("workspace_id", "id"),
)
Index(
    "ux_owners_label",
    owners.c.workspace_id,
    owners.c.name,
    unique=True,
    postgresql_where=owners.c.user_id.is_(None),
)
