"""Counted reports over gRPC."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from analytics.application import figures
from analytics.application.scope import Asked, Scope, scope
from analytics.entrypoints.app import App
from analytics.entrypoints.rpc import figures_mapping as mapping
from analytics.entrypoints.rpc.asking import Asking
from analytics.entrypoints.rpc.kept import Kept, M
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
        async def say(report: figures.SummaryReport) -> pb.Summary:
            message = mapping.summary_message(report)
            if report.projection is None:
                message.basis.computing = await self._asking.for_rows(report.scope, context)
            return message

        return await self._answer(request, context, pb.Summary, figures.summary, say)

    async def GetHealth(self, request: pb.GetHealthRequest, context: Context) -> pb.Health:
        async def say(report: figures.HealthReport) -> pb.Health:
            message = mapping.health_message(report)
            if report.scope.standing.scored_at is None:
                message.basis.computing = await self._asking.for_rows(report.scope, context)
            return message

        return await self._answer(request, context, pb.Health, figures.health, say)

    async def GetConversion(
        self, request: pb.GetConversionRequest, context: Context
    ) -> pb.Conversion:
        say = _saying(mapping.conversion_message)
        return await self._answer(request, context, pb.Conversion, figures.conversion, say)

    async def GetClients(self, request: pb.GetClientsRequest, context: Context) -> pb.ClientFigures:
        say = _saying(mapping.clients_message)
        return await self._answer(request, context, pb.ClientFigures, figures.clients, say)

    async def GetActivity(
        self, request: pb.GetActivityRequest, context: Context
    ) -> pb.ActivityFigures:
        say = _saying(mapping.activity_message)
        return await self._answer(request, context, pb.ActivityFigures, figures.activity, say)

    async def _answer(
        self,
        request: Any,
        context: Context,
        kind: type[M],
        make: Callable[[Transaction, Scope], Awaitable[R]],
        say: Callable[[R], Awaitable[M]],
    ) -> M:
        principal, now = principal_of(context), self._app.clock.now()
        asked: pb.Scope = request.scope
        wanted = Asked(
            first=asked.start_date,
            last=asked.end_date,
            owner_id=parse_id(asked.owner_id, "owner_id") if asked.owner_id else None,
            source=asked.source,
            as_of=asked.as_of_date,
        )
        async with ReadTransaction(self._app.pool, principal.workspace_id) as tx:
            here = await scope(tx, wanted, me=principal.user_id, now=now)
            kept = Kept(self._app.reports, request, here, context)
            if (found := await kept.find(kind)) is not None:
                return found
            report = await make(tx, here)
        return await kept.keep(await say(report))


def _saying(mapped: Callable[[R], M]) -> Callable[[R], Awaitable[M]]:
    async def say(report: R) -> M:
        return mapped(report)

    return say
