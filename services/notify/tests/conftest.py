"""A real database of this service, a served notify, and a mail server that keeps what it takes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from freelanceflow.notify.v1.notification_service_pb2_grpc import NotificationServiceStub
from kit.clock import FakeClock
from kit.paging import PageTokens
from kit.rpc.client import Caller
from kit.testing.database import ServiceDatabase, service_database
from kit.testing.rpc import Issuer, served
from notify.adapters.letters import Letters
from notify.adapters.smtp import Smtp
from notify.adapters.unsubscribe_links import UnsubscribeLinks
from notify.bootstrap import services
from notify.entrypoints.app import App
from services.notify.tests.factories import NOON, Sink


@pytest.fixture(scope="session")
async def database(postgres: str) -> AsyncIterator[ServiceDatabase]:
    async with service_database(postgres, "notify") as database:
        yield database


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
async def smtp(sink: Sink) -> AsyncIterator[Smtp]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(sink, loop=loop), "127.0.0.1", 0)
    yield Smtp(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
    server.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def app(database: ServiceDatabase, clock: FakeClock) -> App:
    links = UnsubscribeLinks("http://localhost:8700", "a key for links in tests")
    return App(
        pool=database.app,
        system=database.system,
        clock=clock,
        page_tokens=PageTokens("a key for page tokens in tests"),
        letters=Letters("http://localhost:8700", links),
        unsubscribe_links=links,
        wake_relay=lambda: None,
        wake_sender=lambda: None,
    )


@pytest.fixture
async def caller(app: App) -> AsyncIterator[tuple[Caller, Any, Issuer]]:
    issuer = Issuer()
    async with served(services(app), issuer) as caller:
        yield caller, NotificationServiceStub(caller.channel), issuer
