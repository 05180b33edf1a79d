"""Saved views, what each person sees first, and the colours of tags."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from crm.adapters.tables.base import instant, metadata, recorded

views = Table(
    "views",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("resource", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("owner_id", Uuid, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("settings", JSONB, nullable=False),
    instant("updated_at", nullable=False),
    recorded(),
    PrimaryKeyConstraint("workspace_id", "id"),
    CheckConstraint("resource IN ('deals', 'clients', 'activities')", name="ck_views_resource"),
)
Index("ix_views_list", views.c.workspace_id, views.c.resource, views.c.owner_id)

view_choices = Table(
    "view_choices",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("resource", Text, nullable=False),
    Column("view_id", Uuid, nullable=False),
    PrimaryKeyConstraint("workspace_id", "user_id", "resource"),
    ForeignKeyConstraint(
        ["workspace_id", "view_id"], ["views.workspace_id", "views.id"], ondelete="CASCADE"
    ),
)

# Which tags there are is said by the records that carry them.
tags = Table(
    "tags",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("color", Text, nullable=False),
    recorded(),
    PrimaryKeyConstraint("workspace_id", "name"),
)
