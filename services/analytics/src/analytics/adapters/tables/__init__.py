"""The tables of analytics, a module per kind: for migrations, and to write statements with."""

from analytics.adapters.tables.accuracy import accuracies, said_forecasts, said_odds
from analytics.adapters.tables.base import metadata
from analytics.adapters.tables.deals import (
    alive,
    close_date_changes,
    currency_rates,
    deal_states,
    deals,
    stage_entries,
    stages,
    workspaces,
)
from analytics.adapters.tables.people import activities, activity_states, clients
from analytics.adapters.tables.scores import (
    churn_feedback,
    churn_scores,
    deal_scores,
    editions,
    forecasts,
    models,
    projections,
    velocities,
)
from analytics.adapters.tables.work import answers, held_events, purged_records, rebuilds, rescoring

__all__ = [
    "accuracies",
    "activities",
    "activity_states",
    "alive",
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
    "metadata",
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
]
