"""What can be found of clients, deals and activities: written by triggers (migration 0008)."""

from sqlalchemy import CheckConstraint, Column, Index, PrimaryKeyConstraint, Table, Text, Uuid

from crm.adapters.tables.base import instant, metadata

search_index = Table(
    "search_index",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("record_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("owner_id", Uuid),
    Column("deal_id", Uuid),
    Column("client_id", Uuid),
    Column("title", Text(collation="C"), nullable=False),
    Column("words", Text, nullable=False),
    instant("touched_at", nullable=False),
    PrimaryKeyConstraint("workspace_id", "record_id"),
    CheckConstraint("kind IN ('deal', 'client', 'activity')", name="ck_search_index_kind"),
)
Index(
    "ix_search_index_title",
    search_index.c.workspace_id,
    search_index.c.kind,
    search_index.c.title,
)
Index(
    "ix_search_index_words",
    search_index.c.workspace_id,
    search_index.c.words,
    postgresql_using="gin",
    postgresql_ops={"words": "gin_trgm_ops"},
)
