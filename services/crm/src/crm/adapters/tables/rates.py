"""What other currencies are worth, from which day on."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)

from crm.adapters.tables.base import instant, metadata, recorded

# A rate that was taken away stays without a value: its version goes on counting.
currency_rates = Table(
    "currency_rates",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("base", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("version", Integer, nullable=False),
    Column("rate", Numeric),
    # The same from minor unit to minor unit: what sums are multiplied with.
    Column("factor", Numeric),
    instant("updated_at", nullable=False),
    recorded(),
    PrimaryKeyConstraint("workspace_id", "base", "currency", "valid_from"),
    CheckConstraint("(rate IS NULL) = (factor IS NULL)", name="ck_currency_rates_factor"),
)
