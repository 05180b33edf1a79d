"""The tables of analytics: for migrations, and to write statements with."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
)

metadata = MetaData()


def _instant(name: str, *, optional: bool = False) -> "Column[object]":
    return Column(name, DateTime(timezone=True), nullable=optional)


workspaces = Table(
    "workspaces",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),  # 0 until auth has told of it
    Column("currency", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("changes", BigInteger, nullable=False),
    _instant("as_of", optional=True),
)

# A deal as its newest event tells it.
deals = Table(
    "deals",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("deal_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("client_id", Uuid),
    Column("owner_id", Uuid),
    Column("amount_minor", BigInteger),
    Column("currency", Text, nullable=False),  # '' without an amount
    Column("stage_id", Uuid, nullable=False),
    Column("stage_type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("expected_close_date", Date),
    _instant("created_at"),
    _instant("entered_stage_at"),
    _instant("closed_at", optional=True),
    _instant("deleted_at", optional=True),
)
alive = deals.c.deleted_at.is_(None)
Index(
    "ix_deals_pipeline",
    deals.c.workspace_id,
    deals.c.stage_id,
    deals.c.currency,
    postgresql_include=["stage_type", "owner_id", "amount_minor", "entered_stage_at"],
    postgresql_where=alive,
)
Index("ix_deals_closed", deals.c.workspace_id, deals.c.closed_at, postgresql_where=alive)
Index("ix_deals_created", deals.c.workspace_id, deals.c.created_at, postgresql_where=alive)

stages = Table(
    "stages",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("stage_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    _instant("first_used_at"),
    _instant("told_at"),
)

# Every time a deal came into a stage, by the version at which it did: rows are only ever added, so
# neither order nor repetition of events matters. A stay ends where the next one begins.
stage_entries = Table(
    "stage_entries",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("deal_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("stage_id", Uuid, nullable=False),
    Column("stage_name", Text, nullable=False),
    Column("stage_type", Text, nullable=False),
    _instant("entered_at"),
)

close_date_changes = Table(
    "close_date_changes",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("deal_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("before", Date),
    Column("after", Date),
    _instant("changed_at"),
)
