"""Which reports there are: how each is asked for, and how its answer is written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from freelanceflow.analytics.v1 import analytics_service_pb2 as pb
from freelanceflow.analytics.v1 import figures_service_pb2 as fig
from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from gateway.entrypoints.api import analytics_json as said
from gateway.entrypoints.api import analytics_tables as tables
from gateway.entrypoints.api import figures_json as counted
from gateway.entrypoints.api.operations import Parameter
from gateway.entrypoints.api.requests import PAGING, read_flag, read_number, read_page
from gateway.entrypoints.errors import HttpProblem

Query = Mapping[str, str]
Table = Callable[[Any], tables.Table]

_PEERS = {
    "AnalyticsService": "analytics",
    "FiguresService": "figures",
    "PredictionService": "predictions",
}
_TEXT = {"type": "string"}
_DAY = {"type": "string", "format": "date"}
FORMAT = Parameter(
    "format",
    "query",
    "`csv` for a table that spreadsheets read.",
    {"type": "string", "enum": ["json", "csv"], "default": "json"},
)
OWNER = Parameter("owner_id", "query", "Only this owner's deals.", _TEXT)
PERIOD = (
    Parameter("from", "query", "First day; 90 days before `to`.", _DAY),
    Parameter("to", "query", "Last day; today.", _DAY),
)
SCOPE = (*PERIOD, OWNER, Parameter("source", "query", "Only deals from this source.", _TEXT))
LONGEST = 24  # months of a forecast
FORECAST = (
    Parameter(
        "metric",
        "query",
        "What is forecast.",
        {"type": "string", "enum": ["won_value", "pipeline_value", "deals_won"]},
    ),
    Parameter(
        "horizon",
        "query",
        "Months, the running one included.",
        {"type": "integer", "minimum": 1, "maximum": LONGEST, "default": 6},
    ),
    Parameter("from", "query", "First day of another range.", _DAY),
    Parameter("to", "query", "Last day of that range.", _DAY),
    Parameter(
        "interval", "query", "0.8, 0.9 or 0.95.", {"type": "number", "enum": [0.8, 0.9, 0.95]}
    ),
    Parameter(
        "line",
        "query",
        "A second line beside it.",
        {"type": "string", "enum": ["linear", "prophet", "seasonal_naive"]},
    ),
    Parameter("scenario", "query", "`without:` and ids of open deals to leave out.", _TEXT),
    OWNER,
)


@dataclass(frozen=True, kw_only=True)
class Report:
    """One report. `path` may hold an id; `table` makes the rows of its CSV.

    What is asked of it is a scope, unless `request` says otherwise.
    """

    name: str
    path: str
    rpc: MethodDescriptor
    summary: str
    told: str
    json: Callable[[Any], dict[str, Any]]
    request: Callable[[Query, str], Any] | None = None
    parameters: tuple[Parameter, ...] = SCOPE
    table: Table | None = None
    of_days: bool = True
    problems: tuple[int, ...] = (422,)

    @property
    def peer(self) -> str:
        """Who is asked, by its name among the clients."""
        return _PEERS[self.rpc.containing_service.name]

    def message(self, query: Query, day: str) -> Any:
        """What is asked. Raises HttpProblem 400."""
        if self.request is not None:
            return self.request(query, day)
        return GetMessageClass(self.rpc.input_type)(scope=_scope(query, day))


def page_of(query: Query) -> dict[str, Any]:
    """Raises HttpProblem 400."""
    size, token = read_page(query)
    return {"page_size": size, "page_token": token}


def _forecast(query: Query, day: str) -> pre.GetForecastRequest:
    return pre.GetForecastRequest(
        metric=query.get("metric", ""),
        horizon=read_number(query, "horizon", most=LONGEST, reason="NUMBER_INVALID"),
        start_date=query.get("from", ""),
        end_date=query.get("to", ""),
        interval_percent=_percent(query.get("interval", "0.8")),
        line=query.get("line", ""),
        without_deal_ids=_without(query.get("scenario", "")),
        owner_id=query.get("owner_id", ""),
        as_of_date=day,
    )


def _percent(text: str) -> int:
    known = {"0.8": 80, "0.80": 80, "0.9": 90, "0.90": 90, "0.95": 95}
    if text not in known:
        said = "interval is 0.8, 0.9 or 0.95."
        raise HttpProblem(400, "INTERVAL_INVALID", said, fields={"interval": said})
    return known[text]


def _without(text: str) -> list[str]:
    kind, _, ids = text.partition(":")
    if text and kind != "without":
        said = "scenario is `without:` and ids of deals, separated by commas."
        raise HttpProblem(400, "SCENARIO_UNKNOWN", said, fields={"scenario": said})
    return [deal_id for deal_id in ids.split(",") if deal_id]


def _scope(query: Query, day: str) -> fig.Scope:
    return fig.Scope(
        start_date=query.get("from", ""),
        end_date=query.get("to", ""),
        owner_id=query.get("owner_id", ""),
        source=query.get("source", ""),
        as_of_date=day,
    )


_ANALYTICS = pb.DESCRIPTOR.services_by_name["AnalyticsService"].methods_by_name
_FIGURES = fig.DESCRIPTOR.services_by_name["FiguresService"].methods_by_name
PREDICTIONS = pre.DESCRIPTOR.services_by_name["PredictionService"].methods_by_name

REPORTS = (
    Report(
        name="summary",
        path="/summary",
        rpc=_FIGURES["GetSummary"],
        summary="The key figures",
        told="Each with its change against the period before, and with what it rests on.",
        json=said.summary_json,
        table=tables.summary_table,
    ),
    Report(
        name="forecast",
        path="/forecast",
        rpc=PREDICTIONS["GetForecast"],
        summary="What will come in",
        told="History and coming months, the sum of the range told apart by what it comes from, "
        "the method with its reasons, and how it did on this workspace's own past.",
        request=_forecast,
        json=said.forecast_json,
        parameters=FORECAST,
        table=tables.forecast_table,
    ),
    Report(
        name="client_risks",
        path="/churn",
        rpc=PREDICTIONS["ListClientRisks"],
        summary="Clients at risk",
        told="By risk times value at stake. Clients a person has answered for are left out unless "
        "`with_answered=true`.",
        request=lambda q, day: pre.ListClientRisksRequest(
            **page_of(q),
            level=q.get("level", ""),
            owner_id=q.get("owner_id", ""),
            with_answered=read_flag(q, "with_answered"),
            as_of_date=day,
        ),
        json=said.risks_json,
        parameters=(
            *PAGING,
            Parameter(
                "level",
                "query",
                "Only this level; `leaving` for the graver three.",
                {"type": "string", "enum": ["low", "watch", "high", "critical", "leaving"]},
            ),
            OWNER,
            Parameter("with_answered", "query", "With answered ones.", {"type": "boolean"}),
        ),
        table=tables.risks_table,
    ),
    Report(
        name="client_risk",
        path="/churn/{client_id}",
        rpc=PREDICTIONS["GetClientRisk"],
        summary="One client's risk",
        told="With reasons for and against, its own rhythm, and what is at stake.",
        request=lambda q, day: pre.GetClientRiskRequest(client_id=q["client_id"], as_of_date=day),
        json=said.risk_json,
        parameters=(),
        problems=(404,),
    ),
    Report(
        name="deal_odds",
        path="/deals",
        rpc=PREDICTIONS["ListDealOdds"],
        summary="Odds of open deals",
        told="By priority: which deal deserves time first.",
        request=lambda q, day: pre.ListDealOddsRequest(
            **page_of(q),
            recommendation=q.get("recommendation", ""),
            owner_id=q.get("owner_id", ""),
            as_of_date=day,
        ),
        json=said.odds_json,
        parameters=(
            *PAGING,
            Parameter(
                "recommendation",
                "query",
                "Only this advice.",
                {"type": "string", "enum": ["focus", "review", "reconsider"]},
            ),
            OWNER,
        ),
        table=tables.odds_table,
    ),
    Report(
        name="deal_insight",
        path="/deals/{deal_id}",
        rpc=_ANALYTICS["GetDealInsight"],
        summary="A deal's odds",
        told="Where it has stood and for how long; its odds, reasons and next best step.",
        request=lambda q, day: pb.GetDealInsightRequest(deal_id=q["deal_id"]),
        json=said.insight_json,
        parameters=(),
        of_days=False,
        problems=(404,),
    ),
    Report(
        name="velocity",
        path="/velocity",
        rpc=_ANALYTICS["GetVelocity"],
        summary="Sales velocity",
        told="Opportunities × mean value × win rate ÷ cycle, per day: a pace, with what each part "
        "means; and what the next 30 days will bring, which is a forecast.",
        request=lambda q, day: pb.GetVelocityRequest(
            start_date=q.get("from", ""),
            end_date=q.get("to", ""),
            owner_id=q.get("owner_id", ""),
            as_of_date=day,
        ),
        json=counted.velocity_json,
        parameters=(*PERIOD, OWNER),
        table=tables.velocity_table,
    ),
    Report(
        name="pipeline",
        path="/pipeline",
        rpc=_ANALYTICS["GetPipeline"],
        summary="The pipeline by stage",
        told="Number, value and age of the deals that stand in each stage.",
        request=lambda q, day: pb.GetPipelineRequest(
            owner_id=q.get("owner_id", ""), as_of_date=day
        ),
        json=counted.pipeline_json,
        parameters=(OWNER,),
        table=tables.pipeline_table,
    ),
    Report(
        name="health",
        path="/health",
        rpc=_FIGURES["GetHealth"],
        summary="How the pipeline is",
        told="Coverage, stalled deals, ages, concentration, inflow and outflow.",
        json=counted.health_json,
        table=tables.health_table,
    ),
    Report(
        name="conversion",
        path="/conversion",
        rpc=_FIGURES["GetConversion"],
        summary="From stage to stage",
        told="How many deals go on, how long they stay, and why they are lost.",
        json=counted.conversion_json,
        table=tables.conversion_table,
    ),
    Report(
        name="client_figures",
        path="/clients",
        rpc=_FIGURES["GetClients"],
        summary="Where the money comes from",
        told="Clients and sources by what was won in the period.",
        json=counted.clients_json,
        table=tables.clients_table,
    ),
    Report(
        name="activity_figures",
        path="/activity",
        rpc=_FIGURES["GetActivity"],
        summary="What was done",
        told="Activities by kind, and what each owner's deals came to.",
        json=counted.activity_json,
        table=tables.owners_table,
    ),
    Report(
        name="accuracy",
        path="/accuracy",
        rpc=PREDICTIONS["GetAccuracy"],
        summary="What was said against what happened",
        told="Brier score, calibration, interval coverage and forecast error; what was published "
        "and what was replayed over the past are told apart.",
        request=lambda q, day: pre.GetAccuracyRequest(),
        json=said.accuracy_json,
        parameters=(),
        table=tables.accuracy_table,
        of_days=False,
    ),
)
