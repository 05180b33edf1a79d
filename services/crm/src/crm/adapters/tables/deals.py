"""Deals, what happened to them, and what they add up to."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    Double,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    and_,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from crm.adapters.tables.base import instant, metadata, points_to, recorded

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
    Column("advice", Text),
    Column("odds_evidence", Text),
    Column("scoring", BigInteger, nullable=False, server_default="0"),
    instant("entered_stage_at", nullable=False),
    instant("created_at", nullable=False),
    instant("updated_at", nullable=False),
    instant("closed_at"),
    Column("lost_reason_id", Uuid),
    instant("deleted_at"),
    recorded(),
    Column("sort_name", Text, Computed("lower(name)", persisted=True), nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
    points_to("clients", "client_id"),
    points_to("stages", "stage_id"),
    points_to("owners", "owner_id"),
    points_to("lost_reasons", "lost_reason_id"),
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
    "ix_deals_of_nobody",
    deals.c.workspace_id,
    deals.c.sort_name,
    postgresql_where=and_(deals.c.client_id.is_(None), _alive),
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
    instant("happened_at", nullable=False),
    recorded(),
    Column("changes", JSONB, nullable=False),
    Column("from_stage_id", Uuid),
    Column("to_stage_id", Uuid),
    Column("days_in_stage", Double),
    PrimaryKeyConstraint("workspace_id", "deal_id", "version"),
    points_to("deals", "deal_id"),
)
Index(
    "ix_deal_history_latest",
    deal_history.c.workspace_id,
    deal_history.c.happened_at.desc(),
    deal_history.c.id.desc(),
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
Index(
    "ix_deals_trash",
    deals.c.workspace_id,
    deals.c.deleted_at.desc(),
    deals.c.id.desc(),
    postgresql_where=deals.c.deleted_at.is_not(None),
)
