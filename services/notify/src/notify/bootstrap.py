"""Settings → the running service: the only place that picks implementations."""

from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack

from freelanceflow.auth.v1.key_service_pb2 import GetJwksRequest, IsSessionActiveRequest
from freelanceflow.auth.v1.key_service_pb2_grpc import KeyServiceStub
from freelanceflow.notify.v1 import notification_service_pb2_grpc as notification_grpc
from kit.ages import keep_telling
from kit.bus.consumer import Consumer, Handler, Together, Wants
from kit.bus.jetstream import Bus
from kit.clock import SystemClock
from kit.database import answers
from kit.erasure import keep_erasing
from kit.paging import PageTokens
from kit.pool import role_pool
from kit.relay import OutboxRelay
from kit.rpc.authority import trust
from kit.rpc.client import Caller
from kit.rpc.server import RpcServer, Servicer
from kit.runtime import run
from notify.adapters import mails
from notify.adapters.auth import Auth
from notify.adapters.letters import Letters
from notify.adapters.measures import MAIL_DUE_AGE
from notify.adapters.smtp import Smtp
from notify.adapters.unsubscribe_links import UnsubscribeLinks
from notify.config import Settings
from notify.entrypoints.account_letters import of_accounts
from notify.entrypoints.app import App
from notify.entrypoints.consumers import (
    DEAL_MOVED,
    is_news,
    news_told,
    of_analytics,
    of_crm,
    of_members,
    of_workspaces,
)
from notify.entrypoints.digests import keep_making_digests
from notify.entrypoints.rpc.notifications import NotificationService
from notify.entrypoints.sender import Sender
from notify.entrypoints.settings import keep_asking_for_settings

SYSTEM_POOL_SIZE = 3


def services(app: App) -> list[Servicer]:
    """All that notify answers."""
    return [(notification_grpc.add_NotificationServiceServicer_to_server, NotificationService(app))]


async def serve(settings: Settings) -> None:
    """Answer calls, tell people what happened, until told to stop."""
    async with AsyncExitStack() as stack:
        pool = await role_pool(stack, settings, "notify", "app", settings.database_pool_size)
        system = await role_pool(stack, settings, "notify", "system", SYSTEM_POOL_SIZE)
        auth = Caller(settings.auth_address, "auth")
        stack.push_async_callback(auth.close)
        bus = Bus(settings.nats_url.get_secret_value(), name="notify", profile=settings.profile)
        relay = OutboxRelay(settings.database_url_system.get_secret_value(), bus, service="notify")
        clock = SystemClock()
        key = settings.page_token_key.get_secret_value()
        unsubscribe_links = UnsubscribeLinks(settings.public_url, key)
        sender = Sender(system, _smtp(settings), mail_from=settings.mail_from, clock=clock)
        app = App(
            pool=pool,
            system=system,
            clock=clock,
            page_tokens=PageTokens(key),
            letters=Letters(settings.public_url, unsubscribe_links),
            unsubscribe_links=unsubscribe_links,
            wake_relay=relay.wake,
            wake_sender=sender.wake,
        )
        verifier, revocations = trust(
            auth,
            KeyServiceStub(auth.channel),
            bus.jetstream,
            ask_keys=GetJwksRequest,
            ask_session=IsSessionActiveRequest,
        )
        await run(
            name="notify",
            internal_listen=settings.internal_listen,
            servers=[RpcServer(settings.listen, services(app), verifier)],
            background={
                "bus": bus.run,
                "relay": relay.run,
                "revocations": revocations.follow,
                "accounts": _consumer(app, bus, "AUTH", "notify-members", of_accounts(app)).run,
                "members": members_consumer(app, bus).run,
                "workspaces": workspaces_consumer(app, bus).run,
                "settings": lambda: keep_asking_for_settings(app, Auth(auth)),
                "deals": deals_consumer(app, bus).run,
                "scores": scores_consumer(app, bus).run,
                "digests": lambda: keep_making_digests(app),
                "sender": sender.run,
                "forget": sender.forget,
                "mail-age": lambda: keep_telling(MAIL_DUE_AGE, lambda: mails.due_for(system)),
                "erasing": lambda: keep_erasing(system),
            },
            checks={"database": lambda: answers(pool), "streams": bus.check},
        )


def members_consumer(app: App, bus: Bus) -> Consumer:
    """Hears who belongs to which workspace; by itself, like the one below."""
    return _consumer(app, bus, "AUTH", "notify-recipients", of_members())


def workspaces_consumer(app: App, bus: Bus) -> Consumer:
    """Hears what auth tells of workspaces; by itself, so that it begins with what the stream has
    of the time before."""
    return _consumer(app, bus, "AUTH", "notify-workspaces", of_workspaces(app))


def deals_consumer(app: App, bus: Bus) -> Consumer:
    """Hears what crm tells."""
    return _consumer(
        app, bus, "CRM", "notify-deals", of_crm(app), news_told(app), is_news, {DEAL_MOVED}
    )


def scores_consumer(app: App, bus: Bus) -> Consumer:
    """Hears what analytics tells."""
    return _consumer(app, bus, "ANALYTICS", "notify-scores", of_analytics(app), news_told(app))


def _consumer(
    app: App,
    bus: Bus,
    stream: str,
    name: str,
    handlers: Mapping[str, Handler],
    together: Together | None = None,
    wants: Wants | None = None,
    not_imported: Collection[str] = (),
) -> Consumer:
    return Consumer(
        bus,
        stream=stream,
        name=name,
        handlers=handlers,
        together=together,
        wants=wants,
        not_imported=not_imported,
        open_unit=app.unit_of_work,
        system=app.system,
    )


def _smtp(settings: Settings) -> Smtp:
    return Smtp(
        host=settings.smtp_host,
        port=settings.smtp_port,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value(),
        tls=settings.smtp_tls,
        starttls=settings.smtp_starttls,
    )
