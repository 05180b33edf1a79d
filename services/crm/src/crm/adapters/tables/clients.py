"""Clients, companies and people alike."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from crm.adapters.tables.base import instant, metadata, points_to, recorded

clients = Table(
    "clients",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    # lower() is not leakproof, so no index condition may call it; a plain column may be one.
    Column("sort_name", Text, Computed("lower(name)", persisted=True), nullable=False),
    Column("parent_id", Uuid),
    Column("emails", ARRAY(Text), nullable=False),
    Column("phones", ARRAY(Text), nullable=False),
    Column("address", Text, nullable=False),
    Column("website", Text, nullable=False),
    Column("owner_id", Uuid),
    Column("tags", ARRAY(Text), nullable=False),
    Column("custom_fields", JSONB, nullable=False),
    Column("notes", Text, nullable=False),
    Column("external_id", Text),
    instant("created_at", nullable=False),
    instant("updated_at", nullable=False),
    instant("deleted_at"),
    recorded(),
    # What domain.matching recognises the client by; a trigger keeps client_keys equal to it.
    Column("match_keys", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    PrimaryKeyConstraint("workspace_id", "id"),
    points_to("clients", "parent_id"),
    points_to("owners", "owner_id"),
    CheckConstraint("kind IN ('company', 'person')", name="ck_clients_kind"),
)
Index(
    "ux_clients_external_id",
    clients.c.workspace_id,
    clients.c.external_id,
    unique=True,
    postgresql_where=clients.c.external_id.is_not(None),
)
Index(
    "ix_clients_list",
    clients.c.workspace_id,
    clients.c.sort_name,
    clients.c.id,
    postgresql_where=clients.c.deleted_at.is_(None),
)
Index(
    "ix_clients_parent",
    clients.c.workspace_id,
    clients.c.parent_id,
    postgresql_where=clients.c.parent_id.is_not(None),
)
Index(
    "ix_clients_trash",
    clients.c.workspace_id,
    clients.c.deleted_at.desc(),
    clients.c.id.desc(),
    postgresql_where=clients.c.deleted_at.is_not(None),
)

# A key per row: equality is all that an index can do under row-level security. Keys of what is in
# the trash stay here; whoever looks joins with the clients.
client_keys = Table(
    "client_keys",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("key", Text, nullable=False),
    Column("client_id", Uuid, nullable=False),
    PrimaryKeyConstraint("workspace_id", "key", "client_id"),
    ForeignKeyConstraint(
        ["workspace_id", "client_id"],
        ["clients.workspace_id", "clients.id"],
        ondelete="CASCADE",
    ),
)
Index("ix_client_keys_client", client_keys.c.workspace_id, client_keys.c.client_id)
