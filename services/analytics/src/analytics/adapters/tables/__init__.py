"""The tables of analytics, a module per kind: for migrations, and to write statements with."""

from analytics.adapters.tables.accuracy import accuracies, said_forecasts, said_odds
from analytics.adapters.tables.base import metadata
from analytics.adapters.tables.deals import (
    alive,
    close_date_changes,
    deal_states,
    deals,
    stage_entries,
    stages,
    workspaces,
)
from analytics.adapters.tables.people import activities, clients
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
from analytics.adapters.tables.work import answers, rescoring

__all__ = [
    "accuracies",
    "activities",
    "alive",
    "answers",
    "churn_feedback",
    "churn_scores",
    "clients",
    "close_date_changes",
    "deal_scores",
    "deal_states",
    "deals",
    "editions",
    "forecasts",
    "metadata",
    "models",
    "projections",
    "rescoring",
    "said_forecasts",
    "said_odds",
    "stage_entries",
    "stages",
    "velocities",
    "workspaces",
]
