"""Reports over gRPC: message in, report, message out."""

from uuid import UUID

from analytics.application import reports
from analytics.entrypoints.app import App
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

    async def GetPipeline(self, request: pb.GetPipelineRequest, context: Context) -> pb.Pipeline:
        owner_id, now = _owner(request.owner_id), self._app.clock.now()
        async with self._read(context) as tx:
            return pipeline_message(await reports.pipeline(tx, owner_id=owner_id, now=now))

    async def GetVelocity(self, request: pb.GetVelocityRequest, context: Context) -> pb.Velocity:
        owner_id, now = _owner(request.owner_id), self._app.clock.now()
        async with self._read(context) as tx:
            report = await reports.velocity(
                tx, first=request.start_date, last=request.end_date, owner_id=owner_id, now=now
            )
        return velocity_message(report)

    async def GetDealInsight(
        self, request: pb.GetDealInsightRequest, context: Context
    ) -> pb.DealInsight:
        deal_id, now = parse_id(request.deal_id, "deal_id"), self._app.clock.now()
        async with self._read(context) as tx:
            return insight_message(await reports.deal_insight(tx, deal_id, now=now))

    def _read(self, context: Context) -> ReadTransaction:
        return ReadTransaction(self._app.pool, principal_of(context).workspace_id)


def _owner(text: str) -> UUID | None:
    return parse_id(text, "owner_id") if text else None
