"""Calendars that other programs subscribe to."""

from sqlalchemy import Column, LargeBinary, PrimaryKeyConstraint, Table, UniqueConstraint, Uuid

from crm.adapters.tables.base import instant, metadata

# Of a secret only its hash is kept: whoever reads the table cannot read the calendars.
calendar_feeds = Table(
    "calendar_feeds",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    instant("created_at", nullable=False),
    PrimaryKeyConstraint("workspace_id", "user_id"),
    UniqueConstraint("token_hash"),
)
