"""Analytics: what will come in, which client is leaving, which deal deserves time."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from freelanceflow.analytics.v1 import analytics_service_pb2 as pb
from freelanceflow.analytics.v1 import figures_service_pb2 as fig
from freelanceflow.analytics.v1 import prediction_service_pb2 as pre
from gateway.entrypoints.pages import analytics_words as words
from gateway.entrypoints.pages.board_query import asker_of
from gateway.entrypoints.pages.calls import (
    EXTRA_TIMEOUT,
    clients_of,
    identity_of,
    if_there,
    needs,
    signed_in,
    together,
    viewer_of,
)
from gateway.entrypoints.pages.forms import values_of
from gateway.entrypoints.pages.named_filters import settled
from gateway.entrypoints.pages.owners import Owners, names_of, owners_of
from gateway.entrypoints.pages.rendering import is_htmx, rendering_of, targets
from kit.ids import new_id
from kit.years import is_plausible

TOP = 5
PERIODS = {"30": "30 days", "90": "90 days", "365": "12 months"}
LONGEST = "365"
HORIZONS = ("3", "6", "12", "24")
LINES = {
    "": "No second line",
    "linear": "Linear regression",
    "prophet": "Prophet",
    "seasonal_naive": "As last year",
}
LEVELS = ("leaving", "critical", "high", "watch", "low")
ADVICE = ("focus", "review", "reconsider")

READERS = [needs("analytics.read")]

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class AnalyticsQuery:
    """What is shown, as the address says it; what makes no sense falls back to the usual."""

    period: str = "90"
    horizon: str = "6"
    metric: str = "won_value"
    line: str = ""
    owner: str = ""
    day: str = ""
    view: str = "chart"
    level: str = ""
    advice: str = ""
    page_token: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "AnalyticsQuery":
        """From query parameters."""
        return cls(
            period=_one_of(given.get("period", ""), PERIODS, "90"),
            horizon=_one_of(given.get("horizon", ""), HORIZONS, "6"),
            metric=_one_of(given.get("metric", ""), words.METRICS, "won_value"),
            line=_one_of(given.get("line", ""), LINES, ""),
            owner=given.get("owner", "").strip()[:64],
            day=_day(given.get("day", "")),
            view=_one_of(given.get("view", ""), ("chart", "table"), "chart"),
            level=_one_of(given.get("level", ""), LEVELS, ""),
            advice=_one_of(given.get("advice", ""), ADVICE, ""),
            page_token=given.get("page_token", "")[:500],
        )

    def with_(self, **other: str) -> str:
        """The same as part of an address, with what is different."""
        changed, usual = replace(self, **other), AnalyticsQuery()
        names = self.__dataclass_fields__
        given = {name: getattr(changed, name) for name in names}
        return urlencode({n: v for n, v in given.items() if v != getattr(usual, n)})

    def export(self, today: date, **more: str) -> str:
        """The same for the API, which writes the tables; below a past day when there is one."""
        first, last = self.days(today)
        given = {"owner_id": self.owner, "from": first, "to": last, "format": "csv", **more}
        return urlencode({name: value for name, value in given.items() if value})

    def days(self, today: date) -> tuple[str, str]:
        """First and last day of the period."""
        last = date.fromisoformat(self.day) if self.day else today
        return (last - timedelta(days=int(self.period) - 1)).isoformat(), last.isoformat()


def _one_of(value: str, allowed: Any, usual: str) -> str:
    return value if value in allowed else usual


def _day(text: str) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return ""
    return day.isoformat() if is_plausible(day) else ""


def query_of(request: Request) -> AnalyticsQuery:
    """What the address asks for; of a day that has not come anywhere it is told as it is now."""
    query = AnalyticsQuery.of(request.query_params)
    latest = rendering_of(request).now().date() + timedelta(days=1)
    return replace(query, day="") if query.day > latest.isoformat() else query


class Asking:
    """The questions of one page, all of the same scope."""

    def __init__(self, request: Request, query: AnalyticsQuery) -> None:
        signed_in(request)
        self._clients, self._identity = clients_of(request), identity_of(request)
        self._query = query
        # Without dates the service counts to today in the workspace's own time zone.
        first, last = query.days(asker_of(request).today)
        period = {"start_date": first, "end_date": last} if query.day else {}
        days = int(query.period)
        if not query.day and days != 90:
            period = {"start_date": first}
        self._period = period
        self._scope = fig.Scope(owner_id=query.owner, as_of_date=query.day, **period)

    async def summary(self) -> Any:
        """The key figures."""
        return await self._ask("figures", "GetSummary", fig.GetSummaryRequest(scope=self._scope))

    async def health(self) -> Any:
        """How the pipeline is."""
        return await self._ask("figures", "GetHealth", fig.GetHealthRequest(scope=self._scope))

    async def conversion(self) -> Any:
        """From stage to stage."""
        asked = fig.GetConversionRequest(scope=self._scope)
        return await self._ask("figures", "GetConversion", asked)

    async def clients(self) -> Any:
        """Where the money comes from."""
        return await self._ask("figures", "GetClients", fig.GetClientsRequest(scope=self._scope))

    async def activity(self) -> Any:
        """What was done."""
        asked = fig.GetActivityRequest(scope=self._scope)
        return await self._ask("figures", "GetActivity", asked)

    async def velocity(self) -> Any:
        """The pace and the projection."""
        query = self._query
        asked = pb.GetVelocityRequest(owner_id=query.owner, as_of_date=query.day, **self._period)
        return await self._ask("analytics", "GetVelocity", asked)

    async def forecast(self) -> Any:
        """The forecast."""
        query = self._query
        asked = pre.GetForecastRequest(
            metric=query.metric,
            horizon=int(query.horizon),
            line=query.line,
            owner_id=query.owner,
            as_of_date=query.day,
        )
        return await self._ask("predictions", "GetForecast", asked)

    async def risks(self, size: int, *, level: str = "", answered: bool = False) -> Any:
        """Clients at risk; with those of whom the reader said how it is, where all are listed."""
        query = self._query
        asked = pre.ListClientRisksRequest(
            page_size=size,
            page_token=query.page_token,
            level=level or query.level,
            owner_id=query.owner,
            with_answered=answered,
            as_of_date=query.day,
        )
        return await self._ask("predictions", "ListClientRisks", asked)

    async def odds(self, size: int) -> Any:
        """Odds of open deals."""
        query = self._query
        asked = pre.ListDealOddsRequest(
            page_size=size,
            page_token=query.page_token,
            recommendation=query.advice,
            owner_id=query.owner,
            as_of_date=query.day,
        )
        return await self._ask("predictions", "ListDealOdds", asked)

    async def accuracy(self) -> Any:
        """What was said against what happened."""
        return await self._ask("predictions", "GetAccuracy", pre.GetAccuracyRequest())

    async def _ask(self, peer: str, method: str, message: Any) -> Any:
        return await if_there(
            getattr(getattr(self._clients, peer), method)(message, self._identity)
        )


@router.get("/analytics", dependencies=READERS)
async def overview(request: Request) -> Response:
    """The key figures, the forecast, and the first few of everything else."""
    query = query_of(request)
    ask = Asking(request, query)
    parts = {
        "summary": ask.summary(),
        "forecast": ask.forecast(),
        "risks": ask.risks(TOP, level="leaving"),
        "odds": ask.odds(TOP),
        "velocity": ask.velocity(),
        "health": ask.health(),
    }
    return await _page(request, query, "overview", parts)


@router.get("/analytics/clients", dependencies=READERS)
async def risk_list(request: Request) -> Response:
    """Every client by risk, and where the money comes from."""
    query = query_of(request)
    ask = Asking(request, query)
    return await _page(
        request,
        query,
        "clients",
        {"risks": ask.risks(50, answered=True), "shares": ask.clients()},
    )


@router.get("/analytics/deals", dependencies=READERS)
async def odds_list(request: Request) -> Response:
    """Every open deal by what it deserves."""
    query = query_of(request)
    ask = Asking(request, query)
    return await _page(request, query, "deals", {"odds": ask.odds(50)})


@router.get("/analytics/pipeline", dependencies=READERS)
async def pipeline_figures(request: Request) -> Response:
    """Velocity, health, the way through the stages, and what was done."""
    query = query_of(request)
    ask = Asking(request, query)
    parts = {
        "velocity": ask.velocity(),
        "health": ask.health(),
        "conversion": ask.conversion(),
        "activity": ask.activity(),
    }
    return await _page(request, query, "pipeline", parts)


@router.get("/analytics/accuracy", dependencies=READERS)
async def accuracy_page(request: Request) -> Response:
    """What was said against what happened."""
    query = query_of(request)
    ask = Asking(request, query)
    return await _page(request, query, "accuracy", {"accuracy": ask.accuracy()})


@router.post("/analytics/clients/{client_id}/answer")
async def answer_risk(request: Request, client_id: str) -> Response:
    """Snooze, "not at risk", or taken back; then back to where it was said."""
    signed_in(request)
    values = await values_of(request)
    await clients_of(request).predictions.AnswerClientRisk(
        pre.AnswerClientRiskRequest(client_id=client_id, answer=values["answer"]),
        identity_of(request),
    )
    back = values["next"]
    inside = back.startswith("/") and not back.startswith(("//", "/\\"))
    return RedirectResponse(back if inside else "/analytics/clients", 303)


async def _page(
    request: Request,
    query: AnalyticsQuery,
    tab: str,
    parts: Mapping[str, Any],
) -> Response:
    if named := await settled(request):
        for part in parts.values():
            part.close()  # it is asked at the address that names them
        return named
    people = if_there(owners_of(request, query.owner))
    viewer, owners, *answers = await together(viewer_of(request), people, *parts.values())
    owners = owners or Owners()
    told = dict(zip(parts, answers, strict=True))
    fmt = rendering_of(request).formats(viewer)
    shown: dict[str, Any] = dict(told)
    if told.get("forecast") is not None:
        shown["forecast_view"] = words.forecast_view(fmt, told["forecast"])
    if told.get("health") is not None:
        shown["flow"] = words.flow_charts(fmt, told["health"].months)
        shown["coverage_words"] = words.coverage_words(fmt, told["health"])
        shown["stalled_words"] = words.stalled_words(fmt, told["health"])
    bases = [answer.basis for answer in told.values() if answer is not None]
    fragment = is_htmx(request) and targets(request, "analytics")
    return rendering_of(request).response(
        request,
        "analytics/part.html" if fragment else f"analytics/{tab}.html",
        viewer,
        tab=tab,
        query=query,
        path=request.url.path,
        owners=owners,
        fuller=await _fuller(request, query, told),
        names=await _names(request, owners, told.get("activity")),
        periods=PERIODS,
        horizons=HORIZONS,
        metrics={key: label for key, (label, _) in words.METRICS.items()},
        lines=LINES,
        computing=any(basis.computing for basis in bases),
        own_only=any(basis.own_only for basis in bases),
        export=query.export(fmt.today),
        shared=query.with_(view="chart", level="", advice="", page_token=""),
        request_id=str(new_id()),
        **shown,
    )


async def _fuller(request: Request, query: AnalyticsQuery, told: Mapping[str, Any]) -> set[str]:
    """The empty tables that a longer period would fill; nobody is sent to look where nothing is."""
    if query.period == LONGEST:
        return set()
    wider = Asking(request, replace(query, period=LONGEST))
    shares, conversion = told.get("shares"), told.get("conversion")
    filled = set[str]()
    if (
        shares is not None
        and not (shares.clients and shares.sources)
        and (more := await wider.clients())
    ):
        filled |= {name for name in ("clients", "sources") if getattr(more, name)}
    if conversion is not None and not conversion.stages and (more := await wider.conversion()):
        filled |= {"stages"} if more.stages else set()
    return filled


async def _names(request: Request, owners: Owners, activity: Any) -> dict[str, str]:
    """What those are called whose figures are shown, also where a workspace has many."""
    names = owners.names or {}
    shown = {found.owner_id for found in activity.owners if found.owner_id} if activity else set()
    missing = shown - names.keys() if owners.many else set()
    return names | (await names_of(request, missing) if missing else {})


async def client_risk(request: Request, client_id: str) -> Any:
    """One client's risk, for its page: empty when there is none, None when it cannot be had."""
    asked = pre.GetClientRiskRequest(client_id=client_id)
    call = clients_of(request).predictions.GetClientRisk
    return await if_there(
        call(asked, identity_of(request), timeout=EXTRA_TIMEOUT), unknown=pre.ClientRisk()
    )
