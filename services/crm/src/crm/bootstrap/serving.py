"""The server."""

from contextlib import AsyncExitStack

from crm.bootstrap.pools import opened_pools
from crm.config import Settings
from crm.entrypoints.app import App
from crm.entrypoints.consumers import OF_ANALYTICS, OF_AUTH
from crm.entrypoints.rpc.services import services
from crm.entrypoints.upkeep import compact_totals, empty_trash, remind_people, tidy_up
from freelanceflow.auth.v1.key_service_pb2 import GetJwksRequest, IsSessionActiveRequest
from freelanceflow.auth.v1.key_service_pb2_grpc import KeyServiceStub
from kit.bus.consumer import Consumer
from kit.bus.jetstream import Bus
from kit.clock import SystemClock
from kit.database import answers
from kit.erasure import keep_erasing
from kit.jobs.age import tell_queue_age
from kit.jobs.celery import JobApp
from kit.paging import PageTokens
from kit.relay import OutboxRelay
from kit.rpc.authority import trust
from kit.rpc.client import Caller
from kit.rpc.server import RpcServer
from kit.runtime import run


async def serve(settings: Settings) -> None:
    """Answer calls, tell what happened, hear what auth tells, until told to stop."""
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
                "queue-age": lambda: tell_queue_age(system, "crm"),
                "erasing": lambda: keep_erasing(system),
            },
            checks={"database": lambda: answers(pool), "streams": bus.check},
        )
