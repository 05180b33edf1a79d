"""What can be found of clients, deals and activities: written by triggers (migration 0008)."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    literal_column,
)

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
# Whoever sees a few records of many is led by these.
Index("ix_search_index_owner", search_index.c.workspace_id, search_index.c.owner_id)
for _parent in ("deal", "client"):
    _key = search_index.c[f"{_parent}_id"]
    Index(
        f"ix_search_index_on_{_parent}",
        search_index.c.workspace_id,
        _key,
        postgresql_where=(search_index.c.kind == literal_column("'activity'")) & _key.is_not(None),
    )
for _kind, _name in (("client", "clients"), ("deal", "deals"), ("activity", "activities")):
    Index(
        f"ix_search_index_{_name}",
        search_index.c.workspace_id,
        search_index.c.words,
        postgresql_using="gin",
        postgresql_ops={"words": "gin_trgm_ops"},
        postgresql_where=search_index.c.kind == literal_column(f"'{_kind}'"),
    )

# The different words of a workspace, for typing errors.
search_terms = Table(
    "search_terms",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("word", Text(collation="C"), nullable=False),
)
Index("ix_search_terms_word", search_terms.c.workspace_id, search_terms.c.word)
Index(
    "ix_search_terms_like",
    search_terms.c.workspace_id,
    search_terms.c.word,
    postgresql_using="gin",
    postgresql_ops={"word": "gin_trgm_ops"},
    postgresql_with={"fastupdate": "off"},
)
