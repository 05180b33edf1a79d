"""Clients and activities as their newest events tell them.

Values and presence have a version each: of values and deletion, whichever comes later wins, in
whatever order the events arrive.
"""

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text, Uuid

from analytics.adapters.tables.base import instant, metadata

clients = Table(
    "clients",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("client_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),  # 0 while only the deletion is known
    Column("presence_version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("parent_id", Uuid),
    Column("owner_id", Uuid),
    instant("created_at", optional=True),
    instant("deleted_at", optional=True),
)

activities = Table(
    "activities",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("activity_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("presence_version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("client_id", Uuid),
    Column("deal_id", Uuid),
    Column("owner_id", Uuid),
    instant("due_at", optional=True),
    instant("done_at", optional=True),
    instant("created_at", optional=True),
    instant("deleted_at", optional=True),
)
# One row per event of an activity, as for deals: a merge of clients moves a call, not its past.
activity_states = Table(
    "activity_states",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("activity_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True),
    instant("happened_at"),
    Column("kind", Text, nullable=False),
    Column("client_id", Uuid),
    Column("deal_id", Uuid),
    Column("owner_id", Uuid),
    instant("due_at", optional=True),
    instant("done_at", optional=True),
    Column("deleted", Boolean, nullable=False),
)
_there = activities.c.deleted_at.is_(None)
_ours = activities.c.workspace_id
Index("ix_activities_deal", _ours, activities.c.deal_id, postgresql_where=_there)
Index("ix_activities_client", _ours, activities.c.client_id, postgresql_where=_there)
