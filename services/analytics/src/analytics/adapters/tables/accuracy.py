"""What was said, and what came of it."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from analytics.adapters.tables.base import instant, metadata

said_odds = Table(
    "said_odds",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("subject_id", Uuid, primary_key=True),
    Column("said_at", DateTime(timezone=True), primary_key=True),
    Column("probability", Double, nullable=False),
    Column("lower", Double),
    Column("upper", Double),
    Column("base_rate", Double, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("version", Text, nullable=False),
    instant("due_at", optional=True),
    Column("outcome", Boolean),
    instant("judged_at", optional=True),
    CheckConstraint("kind IN ('win', 'churn')", name="said_odds_kind_check"),
    CheckConstraint("source IN ('published', 'backtest')", name="said_odds_source_check"),
)

said_forecasts = Table(
    "said_forecasts",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("metric", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("origin", Date, primary_key=True),
    Column("month", Date, primary_key=True),
    instant("said_at"),
    Column("mean", Double, nullable=False),
    Column("lower80", Double, nullable=False),
    Column("upper80", Double, nullable=False),
    Column("method", Text, nullable=False),
    Column("actual", Double),
    instant("judged_at", optional=True),
    CheckConstraint("source IN ('published', 'backtest')", name="said_forecasts_source_check"),
)

accuracies = Table(
    "accuracies",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    instant("measured_at"),
    Column("n", Integer, nullable=False),
    Column("first_on", Date),
    Column("last_on", Date),
    Column("brier", Double),
    Column("base_brier", Double),
    Column("calibration_error", Double),
    Column("bins", JSONB, nullable=False),
    Column("coverage80", Double),
    Column("mean_error", Double),
    Column("wape", Double),
    Column("bias", Double),
    Column("by_month", JSONB, nullable=False),
    Column("words", Text, nullable=False),
    CheckConstraint("source IN ('published', 'backtest')", name="accuracies_source_check"),
)

Index(
    "ix_said_odds_open",
    said_odds.c.workspace_id,
    said_odds.c.kind,
    postgresql_where=said_odds.c.outcome.is_(None),
)
