"""Deals: as they stand, and as they stood after each of their events."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    Uuid,
    text,
)

from analytics.adapters.tables.base import instant, metadata

workspaces = Table(
    "workspaces",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),  # 0 until auth has told of it
    Column("currency", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("changes", BigInteger, nullable=False),
    instant("as_of", optional=True),
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
    instant("created_at"),
    instant("entered_stage_at"),
    instant("closed_at", optional=True),
    instant("deleted_at", optional=True),
    # Empty, and here for versions before this one alone: clients tell their names themselves.
    Column("client_name", Text, nullable=False, server_default=""),
    Column("owner_name", Text, nullable=False, server_default=""),
    # In what the workspace added up in, at the day's rate; null where crm knew no rate.
    Column("base_minor", BigInteger),
    Column("base_currency", Text, nullable=False, server_default=""),
    # The same at the rates that are known here, see adapters.rates; counts before the above.
    Column("rated_minor", BigInteger),
    Column("rated_currency", Text, nullable=False, server_default=""),
    Column("next_step", Text, nullable=False, server_default=""),
    Column("next_step_due_date", Date),
    Column("lost_reason_id", Uuid),
    Column("lost_reason", Text, nullable=False, server_default=""),
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

Index("ix_deals_client", deals.c.workspace_id, deals.c.client_id, postgresql_where=alive)

# One row per event of a deal, so that any past day can be told: the state on a day is the row of
# the highest version that had happened by then. Rows are only ever added; what they are worth in
# the workspace's currency follows the rates, whenever those are entered.
deal_states = Table(
    "deal_states",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("deal_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True),
    instant("happened_at"),
    instant("told_at"),  # when it was learnt: an import tells of a past it knows the end of
    Column("client_id", Uuid),
    Column("owner_id", Uuid),
    Column("amount_minor", BigInteger),
    Column("currency", Text, nullable=False),
    Column("base_minor", BigInteger),
    Column("base_currency", Text, nullable=False),
    Column("rated_minor", BigInteger),
    Column("rated_currency", Text, nullable=False, server_default=""),
    Column("stage_id", Uuid, nullable=False),
    Column("stage_type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("expected_close_date", Date),
    Column("has_next_step", Boolean, nullable=False),
    instant("created_at"),
    instant("entered_stage_at"),
    instant("closed_at", optional=True),
    Column("deleted", Boolean, nullable=False),
)

stages = Table(
    "stages",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("stage_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    instant("first_used_at"),
    instant("told_at"),
    # Its place on the board, and the stage's version that told it; deals tell no place.
    Column("position", Integer),
    Column("placed_version", Integer, nullable=False, server_default=text("0")),
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
    instant("entered_at"),
)

close_date_changes = Table(
    "close_date_changes",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("deal_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("before", Date),
    Column("after", Date),
    instant("changed_at"),
)

# What one minor unit of a currency buys of the base's from a day on; none once it was taken away.
currency_rates = Table(
    "currency_rates",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("base", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("valid_from", Date, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("factor", Numeric),
)
