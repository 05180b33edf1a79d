"""Counted reports over gRPC."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from analytics.application import figures
from analytics.application.scope import Asked, Scope, scope
from analytics.entrypoints.app import App
from analytics.entrypoints.rpc import figures_mapping as mapping
from analytics.entrypoints.rpc.asking import Asking
from freelanceflow.analytics.v1 import figures_service_pb2 as pb
from freelanceflow.analytics.v1 import figures_service_pb2_grpc as grpc_api
from kit.database import ReadTransaction, Transaction
from kit.ids import parse_id
from kit.rpc.identity import Context, principal_of

R = TypeVar("R")


class FiguresService(grpc_api.FiguresServiceServicer):
    def __init__(self, app: App) -> None:
        self._app = app
        self._asking = Asking(app)

    async def GetSummary(self, request: pb.GetSummaryRequest, context: Context) -> pb.Summary:
        report = await self._report(request.scope, context, figures.summary)
        message = mapping.summary_message(report)
        if report.projection is None:
            message.basis.computing = await self._asking.for_rows(report.scope, context)
        return message

    async def GetHealth(self, request: pb.GetHealthRequest, context: Context) -> pb.Health:
        report = await self._report(request.scope, context, figures.health)
        message = mapping.health_message(report)
        if report.scope.standing.scored_at is None:
            message.basis.computing = await self._asking.for_rows(report.scope, context)
        return message

    async def GetConversion(
        self, request: pb.GetConversionRequest, context: Context
    ) -> pb.Conversion:
        report = await self._report(request.scope, context, figures.conversion)
        return mapping.conversion_message(report)

    async def GetClients(self, request: pb.GetClientsRequest, context: Context) -> pb.ClientFigures:
        return mapping.clients_message(await self._report(request.scope, context, figures.clients))

    async def GetActivity(
        self, request: pb.GetActivityRequest, context: Context
    ) -> pb.ActivityFigures:
        report = await self._report(request.scope, context, figures.activity)
        return mapping.activity_message(report)

    async def _report(
        self,
        asked: pb.Scope,
        context: Context,
        make: Callable[[Transaction, Scope], Awaitable[R]],
    ) -> R:
        principal, now = principal_of(context), self._app.clock.now()
        wanted = Asked(
            first=asked.start_date,
            last=asked.end_date,
            owner_id=parse_id(asked.owner_id, "owner_id") if asked.owner_id else None,
            source=asked.source,
            as_of=asked.as_of_date,
        )
        async with ReadTransaction(self._app.pool, principal.workspace_id) as tx:
            return await make(tx, await scope(tx, wanted, me=principal.user_id, now=now))
