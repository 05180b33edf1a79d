"""Settings → the running service: the only place that picks implementations."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from crm.config import Settings
from crm.entrypoints.app import App
from crm.entrypoints.consumers import OF_ANALYTICS, OF_AUTH
from crm.entrypoints.tasks import HANDLERS, run_failed
from crm.entrypoints.upkeep import compact_totals, empty_trash, remind_people, tidy_up
from freelanceflow.auth.v1.key_service_pb2 import GetJwksRequest, IsSessionActiveRequest
from freelanceflow.auth.v1.key_service_pb2_grpc import KeyServiceStub
from kit.bus.consumer import Consumer
from kit.bus.jetstream import Bus
from kit.clock import SystemClock
from kit.database import answers
from kit.jobs.celery import JobApp
from kit.jobs.worker import JobWorker
from kit.paging import PageTokens
from kit.pool import Pool, role_pool
from kit.relay import OutboxRelay
from kit.rpc.authority import trust
from kit.rpc.client import Caller
from kit.rpc.server import RpcServer
from kit.runtime import run
from kit.telemetry import configure

SYSTEM_POOL_SIZE = 3


@asynccontextmanager
async def opened_pools(settings: Settings) -> AsyncIterator[tuple[Pool, Pool]]:
    """The app role's and the system role's."""
    async with AsyncExitStack() as stack:
        yield (
            await role_pool(stack, settings, "crm", "app", settings.database_pool_size),
            await role_pool(stack, settings, "crm", "system", SYSTEM_POOL_SIZE),
        )


async def serve(settings: Settings) -> None:
    """Answer calls, tell what happened, hear what auth tells, until told to stop."""
    from crm.entrypoints.rpc.services import services  # ten megabytes that no worker needs

    async with AsyncExitStack() as stack:
        pool, system = await stack.enter_async_context(opened_pools(settings))
        auth = Caller(settings.auth_address, "auth")
        stack.push_async_callback(auth.close)
        bus = Bus(settings.nats_url.get_secret_value(), name="crm", profile=settings.profile)
        relay = OutboxRelay(
            settings.database_url_system.get_secret_value(), bus, service="crm", keep_sent=None
        )
        app = App(
            pool=pool,
            system=system,
            clock=SystemClock(),
            page_tokens=PageTokens(settings.page_token_key.get_secret_value()),
            jobs=JobApp("crm", settings.broker_url.get_secret_value()),
            max_import_bytes=settings.max_import_bytes,
            wake_relay=relay.wake,
        )
        consumers = {
            name: Consumer(
                bus,
                stream=stream,
                name=name,
                handlers=handlers,
                open_unit=app.unit_of_work,
                system=system,
            )
            for stream, name, handlers in (
                ("AUTH", "crm-workspaces", OF_AUTH),
                ("ANALYTICS", "crm-odds", OF_ANALYTICS),
            )
        }
        verifier, revocations = trust(
            auth,
            KeyServiceStub(auth.channel),
            bus.jetstream,
            ask_keys=GetJwksRequest,
            ask_session=IsSessionActiveRequest,
        )
        await run(
            name="crm",
            internal_listen=settings.internal_listen,
            servers=[RpcServer(settings.listen, services(app), verifier)],
            background={
                "bus": bus.run,
                "relay": relay.run,
                "revocations": revocations.follow,
                **{name: consumer.run for name, consumer in consumers.items()},
                "totals": lambda: compact_totals(system),
                "tidy": lambda: tidy_up(system),
                "reminders": lambda: remind_people(app),
                "trash": lambda: empty_trash(app),
            },
            checks={"database": lambda: answers(pool), "streams": bus.check},
        )


def work(settings: Settings) -> None:
    """Work on jobs until told to stop. What they tell lies in the outbox, for serve's relay."""
    configure("crm", settings)
    jobs = JobApp("crm", settings.broker_url.get_secret_value())

    @asynccontextmanager
    async def opened() -> AsyncIterator[App]:
        async with opened_pools(settings) as (pool, system):
            yield App(
                pool=pool,
                system=system,
                clock=SystemClock(),
                page_tokens=PageTokens(settings.page_token_key.get_secret_value()),
                jobs=jobs,
                max_import_bytes=settings.max_import_bytes,
                wake_relay=lambda: None,
            )

    JobWorker(
        jobs,
        open_app=opened,
        handlers=HANDLERS,
        listen=settings.internal_listen,
        failed=run_failed,
    ).run()
