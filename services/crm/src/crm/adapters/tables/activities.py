"""What was done, or is to be done, with clients and deals."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)

from crm.adapters.tables.base import instant, metadata, points_to, recorded

activities = Table(
    "activities",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("client_id", Uuid),
    Column("deal_id", Uuid),
    Column("owner_id", Uuid),
    instant("due_at"),
    instant("remind_at"),
    instant("done_at"),
    instant("created_at", nullable=False),
    instant("updated_at", nullable=False),
    instant("deleted_at"),
    recorded(),
    Column("all_day", Boolean, nullable=False, server_default=text("false")),
    Column("repetition", Text, nullable=False, server_default=text("''")),
    instant("repeats_from"),
    Column("follows", Uuid),
    instant("reminded_for"),  # the value of remind_at that has been told
    PrimaryKeyConstraint("workspace_id", "id"),
    points_to("clients", "client_id"),
    points_to("deals", "deal_id"),
    points_to("owners", "owner_id"),
    CheckConstraint("client_id IS NOT NULL OR deal_id IS NOT NULL", name="ck_activities_target"),
)
for _column in ("deal_id", "client_id"):
    Index(f"ix_activities_{_column}", activities.c.workspace_id, activities.c[_column])
_alive = activities.c.deleted_at.is_(None)
_open = _alive & activities.c.done_at.is_(None)
Index(
    "ix_activities_due",
    activities.c.workspace_id,
    activities.c.due_at,
    activities.c.id,
    postgresql_where=_open,
)
Index(
    "ix_activities_done",
    activities.c.workspace_id,
    activities.c.done_at,
    activities.c.id,
    postgresql_where=_alive & activities.c.done_at.is_not(None),
)
# For the system role, which looks for what is due in all workspaces; what was told is not in it.
UNTOLD = (
    _open
    & activities.c.remind_at.is_not(None)
    & activities.c.reminded_for.is_distinct_from(activities.c.remind_at)
)
Index("ix_activities_reminders", activities.c.remind_at, postgresql_where=UNTOLD)
Index(
    "ix_activities_follows",
    activities.c.workspace_id,
    activities.c.follows,
    postgresql_where=_alive & activities.c.follows.is_not(None),
)
Index(
    "ix_activities_trash",
    activities.c.workspace_id,
    activities.c.deleted_at.desc(),
    activities.c.id.desc(),
    postgresql_where=activities.c.deleted_at.is_not(None),
)
