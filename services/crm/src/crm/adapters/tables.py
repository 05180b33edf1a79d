"""The tables of crm: for migrations, and to write statements with.

The workspace comes first in every key. With it in the foreign keys, too, nothing can point into
another tenant, whatever the code does.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()


def _instant(name: str, **options: Any) -> Column[Any]:
    return Column(name, DateTime(timezone=True), **options)


def _recorded() -> Column[Any]:
    """When we learnt it; business time is another column."""
    return _instant("recorded_at", nullable=False, server_default=func.now())


def _points_to(table: str, column: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["workspace_id", column], [f"{table}.workspace_id", f"{table}.id"])


workspaces = Table(
    "workspaces",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
)

stages = Table(
    "stages",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("rotting_days", Integer, nullable=False),
    Column("default_probability", Double, nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
    UniqueConstraint("workspace_id", "name"),
    CheckConstraint("type IN ('open', 'won', 'lost')", name="ck_stages_type"),
)

lost_reasons = Table(
    "lost_reasons",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("position", Integer, nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
    UniqueConstraint("workspace_id", "name"),
)

# Members (their id is the person's) and labels that came with an import.
owners = Table(
    "owners",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("user_id", Uuid),
    _instant("removed_at"),
    PrimaryKeyConstraint("workspace_id", "id"),
)
Index(
    "ux_owners_label",
    owners.c.workspace_id,
    owners.c.name,
    unique=True,
    postgresql_where=owners.c.user_id.is_(None),
)

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
    _instant("created_at", nullable=False),
    _instant("updated_at", nullable=False),
    _instant("deleted_at"),
    _recorded(),
    PrimaryKeyConstraint("workspace_id", "id"),
    _points_to("clients", "parent_id"),
    _points_to("owners", "owner_id"),
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

deals = Table(
    "deals",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("client_id", Uuid),
    Column("amount_minor", BigInteger),
    Column("currency", Text),
    Column("stage_id", Uuid, nullable=False),
    Column("position", Text(collation="C"), nullable=False),
    Column("expected_close_date", Date),
    Column("owner_id", Uuid),
    Column("source", Text, nullable=False),
    Column("next_step", Text, nullable=False),
    Column("next_step_due_date", Date),
    Column("tags", ARRAY(Text), nullable=False),
    Column("custom_fields", JSONB, nullable=False),
    Column("external_id", Text),
    # Told by analytics; it is not part of what a person changes and leaves the version alone.
    Column("win_probability", Double),
    _instant("entered_stage_at", nullable=False),
    _instant("created_at", nullable=False),
    _instant("updated_at", nullable=False),
    _instant("closed_at"),
    Column("lost_reason_id", Uuid),
    _instant("deleted_at"),
    _recorded(),
    PrimaryKeyConstraint("workspace_id", "id"),
    _points_to("clients", "client_id"),
    _points_to("stages", "stage_id"),
    _points_to("owners", "owner_id"),
    _points_to("lost_reasons", "lost_reason_id"),
    CheckConstraint("(amount_minor IS NULL) = (currency IS NULL)", name="ck_deals_money"),
)
_alive = deals.c.deleted_at.is_(None)
Index(
    "ix_deals_list",
    deals.c.workspace_id,
    deals.c.created_at.desc(),
    deals.c.id.desc(),
    postgresql_where=_alive,
)
Index(
    "ix_deals_board",
    deals.c.workspace_id,
    deals.c.stage_id,
    deals.c.position,
    deals.c.id,
    postgresql_where=_alive,
)
Index(
    "ix_deals_client",
    deals.c.workspace_id,
    deals.c.client_id,
    postgresql_where=deals.c.client_id.is_not(None),
)
Index(
    "ux_deals_external_id",
    deals.c.workspace_id,
    deals.c.external_id,
    unique=True,
    postgresql_where=deals.c.external_id.is_not(None),
)

# A version happens once: the key is the order of what happened, and lists it without a sort.
deal_history = Table(
    "deal_history",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("deal_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor_id", Uuid),
    _instant("happened_at", nullable=False),
    _recorded(),
    Column("changes", JSONB, nullable=False),
    Column("from_stage_id", Uuid),
    Column("to_stage_id", Uuid),
    Column("days_in_stage", Double),
    PrimaryKeyConstraint("workspace_id", "deal_id", "version"),
    _points_to("deals", "deal_id"),
)

# What the columns of the board add up to, in addends: every statement that writes deals appends
# its differences here (migration 0001), so that two moves never wait for one row of sums. Sums are
# taken at the read; a background loop replaces many addends by one. Nobody is the nil UUID, no
# currency is '': equality finds them.
board_totals = Table(
    "board_totals",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("stage_id", Uuid, nullable=False),
    Column("owner_id", Uuid, nullable=False),
    Column("currency", Text, nullable=False),
    Column("deals", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    # Weighted with the deals' own probabilities; the rest takes the stage's default at the read.
    Column("weighted_minor", BigInteger, nullable=False),
    Column("unscored_minor", BigInteger, nullable=False),
    Column("compacted", Boolean, nullable=False, server_default=text("false")),
)
Index("ix_board_totals", board_totals.c.workspace_id, board_totals.c.owner_id)
Index(
    "ix_board_totals_new",
    board_totals.c.workspace_id,
    postgresql_where=text("NOT compacted"),
)

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
    _instant("due_at"),
    _instant("remind_at"),
    _instant("done_at"),
    _instant("created_at", nullable=False),
    _instant("updated_at", nullable=False),
    _instant("deleted_at"),
    _recorded(),
    PrimaryKeyConstraint("workspace_id", "id"),
    _points_to("clients", "client_id"),
    _points_to("deals", "deal_id"),
    _points_to("owners", "owner_id"),
    CheckConstraint("client_id IS NOT NULL OR deal_id IS NOT NULL", name="ck_activities_target"),
)
for _column in ("deal_id", "client_id"):
    Index(f"ix_activities_{_column}", activities.c.workspace_id, activities.c[_column])

imports = Table(
    "imports",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("resource", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("file_id", Uuid, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("total_rows", Integer, nullable=False),
    Column("done_rows", Integer, nullable=False, server_default=text("0")),
    Column("created_rows", Integer, nullable=False, server_default=text("0")),
    Column("skipped_rows", Integer, nullable=False, server_default=text("0")),
    Column("failed_rows", Integer, nullable=False, server_default=text("0")),
    Column("job_id", Uuid),
    Column("error", Text, nullable=False, server_default=text("''")),
    Column("created_by", Uuid, nullable=False),
    _instant("created_at", nullable=False),
    _instant("finished_at"),
    PrimaryKeyConstraint("workspace_id", "id"),
)
Index("ix_imports_list", imports.c.workspace_id, imports.c.created_at.desc(), imports.c.id.desc())

import_errors = Table(
    "import_errors",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("import_id", Uuid, nullable=False),
    Column("row", Integer, nullable=False),
    Column("column", Text, nullable=False),
    Column("message", Text, nullable=False),
    PrimaryKeyConstraint("workspace_id", "import_id", "row", "column"),
    _points_to("imports", "import_id"),
)
