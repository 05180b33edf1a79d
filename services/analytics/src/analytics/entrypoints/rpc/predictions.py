"""Predictions over gRPC. What is not in rows is asked for, and answered with `computing`."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from analytics.adapters.predictions import Page
from analytics.application import forecasting, pressing
from analytics.application.forecasting import Wanted
from analytics.application.scope import Asked, Scope, scope
from analytics.entrypoints.app import App
from analytics.entrypoints.rpc import prediction_mapping as mapping
from analytics.entrypoints.rpc.accuracy_mapping import accuracy_message
from analytics.entrypoints.rpc.asking import Asking
from analytics.entrypoints.rpc.kept import Kept
from freelanceflow.analytics.v1 import prediction_service_pb2 as pb
from freelanceflow.analytics.v1 import prediction_service_pb2_grpc as grpc_api
from kit.database import ReadTransaction
from kit.errors import InvalidInput
from kit.ids import parse_id
from kit.rpc.identity import Context, principal_of

USUAL, MOST = 50, 200


class PredictionService(grpc_api.PredictionServiceServicer):
    def __init__(self, app: App) -> None:
        self._app = app
        self._asking = Asking(app)

    async def GetForecast(self, request: pb.GetForecastRequest, context: Context) -> pb.Forecast:
        wanted = Wanted.read(
            metric=request.metric,
            horizon=request.horizon,
            interval=request.interval_percent,
            line=request.line,
            without=[parse_id(text, "scenario") for text in request.without_deal_ids],
            ranged=bool(request.start_date or request.end_date),
        )
        asked = _asked(request, first=request.start_date, last=request.end_date)
        async with self._read(context) as tx:
            here = await self._scope(tx, asked, context)
            report = await forecasting.forecast(tx, here, wanted)
        if report.row is None:
            computing = await self._asking.for_rows(here, context)
            return mapping.forecast_message(report, computing=computing)
        if not wanted.ranged:
            return mapping.forecast_message(report)
        ranged = await self._asking.for_range(here, wanted, context)
        return mapping.forecast_message(report, computing=ranged.is_computing, ranged=ranged)

    async def ListClientRisks(
        self, request: pb.ListClientRisksRequest, context: Context
    ) -> pb.ListClientRisksResponse:
        page = _page(request)
        async with self._read(context) as tx:
            here = await self._scope(tx, _asked(request), context)
            kept = Kept(self._app.reports, request, here, context)
            if (found := await kept.find(pb.ListClientRisksResponse)) is not None:
                return found
            report = await pressing.client_risks(
                tx, here, page=page, level=request.level, with_answered=request.with_answered
            )
        computing = report.model is None and await self._asking.for_rows(here, context)
        token = _token(report.more, report.clients, "client_id", lambda row: row["rank"])
        return await kept.keep(mapping.risks_message(report, next_token=token, computing=computing))

    async def GetClientRisk(
        self, request: pb.GetClientRiskRequest, context: Context
    ) -> pb.ClientRisk:
        client_id = parse_id(request.client_id, "client_id")
        async with self._read(context) as tx:
            here = await self._scope(tx, Asked(as_of=request.as_of_date), context)
            return mapping.risk_message(await pressing.client_risk(tx, here, client_id))

    async def AnswerClientRisk(
        self, request: pb.AnswerClientRiskRequest, context: Context
    ) -> pb.ClientRisk:
        client_id, principal = parse_id(request.client_id, "client_id"), principal_of(context)
        principal.require("analytics.read")  # the answer is the risk
        async with self._app.unit_of_work(principal.workspace_id, principal.origin) as uow:
            report = await pressing.answer_risk(
                uow,
                client_id,
                answer=request.answer,
                days=request.days,
                me=principal.user_id,
                now=self._app.clock.now(),
            )
        return mapping.risk_message(report)

    async def ListDealOdds(
        self, request: pb.ListDealOddsRequest, context: Context
    ) -> pb.ListDealOddsResponse:
        page = _page(request)
        if len(request.deal_ids) > MOST:
            raise InvalidInput("", fields={"deal_ids": f"At most {MOST} deals."})
        ids = [parse_id(text, "deal_ids") for text in request.deal_ids]
        async with self._read(context) as tx:
            here = await self._scope(tx, _asked(request), context)
            kept = Kept(self._app.reports, request, here, context)
            if (found := await kept.find(pb.ListDealOddsResponse)) is not None:
                return found
            report = await pressing.deal_odds(
                tx, here, page=page, advice=request.recommendation, ids=ids or None
            )
        computing = report.model is None and await self._asking.for_rows(here, context)
        token = _token(report.more, report.deals, "deal_id", lambda row: row["priority"])
        return await kept.keep(mapping.odds_message(report, next_token=token, computing=computing))

    async def GetAccuracy(self, request: pb.GetAccuracyRequest, context: Context) -> pb.Accuracy:
        async with self._read(context) as tx:
            here = await self._scope(tx, Asked(), context)
            return accuracy_message(await pressing.accuracy(tx, here))

    async def _scope(self, tx: ReadTransaction, asked: Asked, context: Context) -> Scope:
        me, now = principal_of(context).user_id, self._app.clock.now()
        return await scope(tx, asked, me=me, now=now)

    def _read(self, context: Context) -> ReadTransaction:
        return ReadTransaction(self._app.pool, principal_of(context).workspace_id)


def _asked(request: Any, *, first: str = "", last: str = "") -> Asked:
    owner = parse_id(request.owner_id, "owner_id") if request.owner_id else None
    return Asked(first=first, last=last, owner_id=owner, as_of=request.as_of_date)


def _page(request: Any) -> Page:
    """The token is the place of the page's last row: its rank and its id."""
    size = request.page_size or USUAL
    if not 0 < size <= MOST:
        raise InvalidInput("", fields={"limit": f"A page has 1 to {MOST} entries."})
    if not request.page_token:
        return Page(size)
    rank, _, last = request.page_token.partition("~")
    try:
        return Page(size, float.fromhex(rank), UUID(last))
    except ValueError:
        raise InvalidInput("", fields={"cursor": "This is not the cursor of a page."}) from None


def _token(more: bool, rows: list[Any], key: str, rank: Callable[[Any], float]) -> str:
    return f"{float(rank(rows[-1])).hex()}~{rows[-1][key]}" if more and rows else ""
