"""The people one speaks with about a deal."""

from sqlalchemy import Column, PrimaryKeyConstraint, Table, Text, Uuid

from crm.adapters.tables.base import instant, metadata, points_to, recorded

deal_contacts = Table(
    "deal_contacts",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("deal_id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("role", Text, nullable=False),
    instant("added_at", nullable=False),
    recorded(),
    PrimaryKeyConstraint("workspace_id", "deal_id", "client_id"),
    points_to("deals", "deal_id"),
    points_to("clients", "client_id"),
)
