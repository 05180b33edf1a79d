"""Workspaces can be erased."""

from alembic import op

from kit.erasure import erasures
from kit.migrations import grant, kit_tables

revision = "0013"
down_revision = "0012"

TABLES = (
    "accuracies",
    "activities",
    "activity_states",
    "answers",
    "churn_feedback",
    "churn_scores",
    "clients",
    "close_date_changes",
    "currency_rates",
    "deal_scores",
    "deal_states",
    "deals",
    "editions",
    "forecasts",
    "held_events",
    "models",
    "projections",
    "purged_records",
    "rebuilds",
    "rescoring",
    "said_forecasts",
    "said_odds",
    "stage_entries",
    "stages",
    "velocities",
    "workspaces",
)


def upgrade() -> None:
    """The system role deletes what is left of a workspace, some rows at a time."""
    kit_tables(op, erasures)
    for table in TABLES:
        grant(op, table, system="SELECT, DELETE")
