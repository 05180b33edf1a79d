"""The service: it answers calls and keeps facts of what happens."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import TypeVar

from analytics.adapters.report_cache import ReportCache
from analytics.config import Settings
from analytics.entrypoints.app import App
from analytics.entrypoints.consumers import OF_AUTH, OF_CRM, crm_told
from analytics.entrypoints.rpc.analytics import AnalyticsService
from analytics.entrypoints.rpc.figures import FiguresService
from analytics.entrypoints.rpc.predictions import PredictionService
from analytics.entrypoints.rpc.reports import ReportService
from analytics.entrypoints.scheduler import hand_out_work, tell_rescoring_age
from analytics.entrypoints.upkeep import tidy_up
from freelanceflow.analytics.v1 import analytics_service_pb2_grpc as analytics_grpc
from freelanceflow.analytics.v1 import figures_service_pb2_grpc as figures_grpc
from freelanceflow.analytics.v1 import prediction_service_pb2_grpc as prediction_grpc
from freelanceflow.analytics.v1 import report_service_pb2_grpc as report_grpc
from freelanceflow.auth.v1.key_service_pb2 import GetJwksRequest, IsSessionActiveRequest
from freelanceflow.auth.v1.key_service_pb2_grpc import KeyServiceStub
from kit.bus.consumer import Consumer, Handler, Together
from kit.bus.jetstream import Bus
from kit.clock import SystemClock
from kit.database import answers
from kit.erasure import keep_erasing
from kit.jobs.age import tell_queue_age
from kit.jobs.celery import JobApp
from kit.pool import role_pool
from kit.relay import OutboxRelay
from kit.rpc.authority import trust
from kit.rpc.client import Caller
from kit.rpc.server import RpcServer, Servicer
from kit.runtime import run
from kit.unit_of_work import UnitOfWork

SYSTEM_POOL_SIZE = 3

T = TypeVar("T")


def services(app: App) -> list[Servicer]:
    """All that analytics answers."""
    return [
        (analytics_grpc.add_AnalyticsServiceServicer_to_server, AnalyticsService(app)),
        (figures_grpc.add_FiguresServiceServicer_to_server, FiguresService(app)),
        (prediction_grpc.add_PredictionServiceServicer_to_server, PredictionService(app)),
        (report_grpc.add_ReportServiceServicer_to_server, ReportService(app)),
    ]


async def serve(settings: Settings) -> None:
    """Answer calls, keep facts of what happens, until told to stop."""
    async with AsyncExitStack() as stack:
        pool = await role_pool(stack, settings, "analytics", "app", settings.database_pool_size)
        system = await role_pool(stack, settings, "analytics", "system", SYSTEM_POOL_SIZE)
        auth = Caller(settings.auth_address, "auth")
        stack.push_async_callback(auth.close)
        bus = Bus(settings.nats_url.get_secret_value(), name="analytics", profile=settings.profile)
        relay = OutboxRelay(
            settings.database_url_system.get_secret_value(), bus, service="analytics"
        )
        app = App(
            pool=pool,
            system=system,
            clock=SystemClock(),
            jobs=JobApp("analytics", settings.broker_url.get_secret_value()),
            wake_relay=relay.wake,
            reports=ReportCache(settings.cache_url),
        )
        stack.push_async_callback(app.reports.close)
        verifier, revocations = trust(
            auth,
            KeyServiceStub(auth.channel),
            bus.jetstream,
            ask_keys=GetJwksRequest,
            ask_session=IsSessionActiveRequest,
        )
        await run(
            name="analytics",
            internal_listen=settings.internal_listen,
            servers=[RpcServer(settings.listen, services(app), verifier)],
            background={
                "bus": bus.run,
                "relay": relay.run,
                "revocations": revocations.follow,
                "workspaces": _consumer(app, bus, "AUTH", "analytics-workspaces", OF_AUTH).run,
                "pipeline": _consumer(app, bus, "CRM", "analytics-pipeline", OF_CRM, crm_told).run,
                "scheduler": lambda: hand_out_work(app),
                "rescoring-age": lambda: tell_rescoring_age(app),
                "queue-age": lambda: tell_queue_age(app.system, "analytics"),
                "upkeep": lambda: tidy_up(app),
                "erasing": lambda: keep_erasing(system),
            },
            checks={"database": lambda: answers(pool), "streams": bus.check},
        )


def _consumer(
    app: App,
    bus: Bus,
    stream: str,
    name: str,
    handlers: Mapping[str, Handler],
    together: Together | None = None,
) -> Consumer:
    return Consumer(
        bus,
        stream=stream,
        name=name,
        handlers={name: _dropping(app, handler) for name, handler in handlers.items()},
        together=None if together is None else _dropping(app, together),
        open_unit=app.unit_of_work,
        system=app.system,
    )


def _dropping(
    app: App, handler: Callable[[UnitOfWork, T], Awaitable[None]]
) -> Callable[[UnitOfWork, T], Awaitable[None]]:
    """What was answered of the facts as they were is not asked for again."""

    async def handle(uow: UnitOfWork, told: T) -> None:
        await handler(uow, told)
        await app.reports.drop(uow.workspace_id)

    return handle
