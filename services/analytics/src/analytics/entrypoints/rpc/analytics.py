"""Reports over gRPC: message in, report, message out."""

from typing import Any

from analytics.application import reports
from analytics.application.scope import Asked, Scope, scope
from analytics.entrypoints.app import App
from analytics.entrypoints.rpc.asking import Asking
from analytics.entrypoints.rpc.kept import Kept
from analytics.entrypoints.rpc.mapping import (
    insight_message,
    pipeline_message,
    velocity_message,
)
from freelanceflow.analytics.v1 import analytics_service_pb2 as pb
from freelanceflow.analytics.v1 import analytics_service_pb2_grpc as grpc_api
from kit.database import ReadTransaction
from kit.ids import parse_id
from kit.rpc.identity import Context, principal_of


class AnalyticsService(grpc_api.AnalyticsServiceServicer):
    def __init__(self, app: App) -> None:
        self._app = app
        self._asking = Asking(app)

    async def GetPipeline(self, request: pb.GetPipelineRequest, context: Context) -> pb.Pipeline:
        asked = _asked(request)
        async with self._read(context) as tx:
            here = await self._scope(tx, asked, context)
            kept = Kept(self._app.reports, request, here, context)
            if (found := await kept.find(pb.Pipeline)) is not None:
                return found
            report = await reports.pipeline(tx, here)
        return await kept.keep(pipeline_message(report))

    async def GetVelocity(self, request: pb.GetVelocityRequest, context: Context) -> pb.Velocity:
        asked = _asked(request, first=request.start_date, last=request.end_date)
        async with self._read(context) as tx:
            here = await self._scope(tx, asked, context)
            kept = Kept(self._app.reports, request, here, context)
            if (found := await kept.find(pb.Velocity)) is not None:
                return found
            report = await reports.velocity(tx, here)
        message = velocity_message(report)
        if report.projection is None:
            message.basis.computing = await self._asking.for_rows(report.scope, context)
        return await kept.keep(message)

    async def GetDealInsight(
        self, request: pb.GetDealInsightRequest, context: Context
    ) -> pb.DealInsight:
        deal_id = parse_id(request.deal_id, "deal_id")
        async with self._read(context) as tx:
            here = await self._scope(tx, Asked(), context)
            return insight_message(await reports.deal_insight(tx, deal_id, here))

    async def _scope(self, tx: ReadTransaction, asked: Asked, context: Context) -> Scope:
        me, now = principal_of(context).user_id, self._app.clock.now()
        return await scope(tx, asked, me=me, now=now)

    def _read(self, context: Context) -> ReadTransaction:
        return ReadTransaction(self._app.pool, principal_of(context).workspace_id)


def _asked(request: Any, *, first: str = "", last: str = "") -> Asked:
    owner = parse_id(request.owner_id, "owner_id") if request.owner_id else None
    return Asked(first=first, last=last, owner_id=owner, as_of=request.as_of_date)
