"""Clients that became one, and those that are known to be two."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from crm.adapters.tables.base import instant, metadata

# `before` and `after` are the fields of the client that stayed, `moved` the ids of what the other
# had: an undo needs no more.
merges = Table(
    "merges",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("client_name", Text, nullable=False),
    Column("other_id", Uuid, nullable=False),
    Column("other_name", Text, nullable=False),
    Column("before", JSONB, nullable=False),
    Column("after", JSONB, nullable=False),
    Column("moved", JSONB, nullable=False),
    Column("deals", Integer, nullable=False),
    Column("activities", Integer, nullable=False),
    Column("people", Integer, nullable=False),
    Column("created_by", Uuid, nullable=False),
    instant("created_at", nullable=False),
    instant("undone_at"),
    PrimaryKeyConstraint("workspace_id", "id"),
)
Index("ix_merges_list", merges.c.workspace_id, merges.c.created_at.desc(), merges.c.id.desc())

# The smaller id comes first.
known_as_two = Table(
    "known_as_two",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("one_id", Uuid, nullable=False),
    Column("other_id", Uuid, nullable=False),
    Column("created_by", Uuid, nullable=False),
    instant("created_at", nullable=False),
    PrimaryKeyConstraint("workspace_id", "one_id", "other_id"),
)
