"""What analytics answers to pages: one lively workspace, and one that knows nothing yet."""

from types import SimpleNamespace

from freelanceflow.analytics.v1 import figures_service_pb2 as fig
from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from services.gateway.tests.unit.pages.analytics_factories import (
    make_accuracy,
    make_activity,
    make_basis,
    make_conversion,
    make_forecast,
    make_health,
    make_odds_list,
    make_risk,
    make_risks,
    make_shares,
    make_summary,
)


def lively() -> SimpleNamespace:
    """Answers of a workspace with three years of history."""
    return SimpleNamespace(
        reports={},
        figures={
            "GetSummary": make_summary(),
            "GetHealth": make_health(),
            "GetConversion": make_conversion(),
            "GetClients": make_shares(),
            "GetActivity": make_activity(),
        },
        predictions={
            "GetForecast": lambda request: make_forecast(request.horizon or 6),
            "ListClientRisks": make_risks(),
            "GetClientRisk": make_risk(1),
            "AnswerClientRisk": make_risk(1),
            "ListDealOdds": make_odds_list(),
            "GetAccuracy": make_accuracy(),
        },
    )


def empty() -> SimpleNamespace:
    """Answers of a workspace in which nothing has happened."""
    basis = make_basis("There are no deals yet.", evidence="none", sample_size=0)
    basis.ClearField("as_of_time")
    return SimpleNamespace(
        figures={
            "GetSummary": fig.Summary(figures=[fig.KeyFigure(name="won_value")], basis=basis),
            "GetHealth": fig.Health(basis=basis),
            "GetConversion": fig.Conversion(basis=basis),
            "GetClients": fig.ClientFigures(basis=basis),
            "GetActivity": fig.ActivityFigures(basis=basis),
        },
        predictions={
            "GetForecast": pre.Forecast(metric="won_value", currency_code="EUR", basis=basis),
            "ListClientRisks": pre.ListClientRisksResponse(basis=basis),
            "GetClientRisk": pre.ClientRisk(client_id="c-1", basis=basis),
            "AnswerClientRisk": pre.ClientRisk(client_id="c-1", basis=basis),
            "ListDealOdds": pre.ListDealOddsResponse(basis=basis),
            "GetAccuracy": pre.Accuracy(basis=basis),
        },
    )
