"""A real database, and auth's real server with a clock that stands still."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from auth.adapters.tokens import make_key_file
from auth.bootstrap import open_app, rpc_server
from auth.config import Settings
from auth.entrypoints.app import App
from kit.clock import FakeClock
from kit.rpc.client import Caller
from kit.runtime import Readiness
from kit.testing.database import ServiceDatabase, service_database
from kit.testing.rpc import PatientCaller
from services.auth.tests.browser import Browser
from services.auth.tests.factories import Door
from services.auth.tests.provider import Provider, providing

# Not long ago: tokens are verified against this clock too, but certificates and files are not.
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
async def database(postgres: str) -> AsyncIterator[ServiceDatabase]:
    async with service_database(postgres, "auth") as database:
        yield database


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "signing.json"
    make_key_file(path)
    return path


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def email_verification() -> bool:
    return False


@pytest.fixture
def google_settings() -> dict[str, str]:
    """None: whoever wants Google has a provider of their own."""
    return {}


@pytest.fixture
async def app(
    database: ServiceDatabase,
    key_file: Path,
    clock: FakeClock,
    email_verification: bool,
    google_settings: dict[str, str],
) -> AsyncIterator[App]:
    settings = Settings(
        profile="test",
        database_url_app=SecretStr(database.dsns["app"]),
        database_url_system=SecretStr(database.dsns["system"]),
        signing_key_file=key_file,
        email_verification=email_verification,
        **google_settings,  # type: ignore[arg-type]  # read as the environment would be
    )
    async with open_app(settings, clock=clock) as app:
        yield app


@pytest.fixture
async def provider(clock: FakeClock) -> AsyncIterator[Provider]:
    """Stands in for Google."""
    async with providing(clock) as provider:
        yield provider


@pytest.fixture
def ada(caller: Caller, provider: Provider) -> Browser:
    """Somebody with an account there, whom nobody here knows."""
    return Browser(caller, provider)


@pytest.fixture
async def caller(app: App, clock: FakeClock) -> AsyncIterator[Caller]:
    verifier, _ = app.verifier(clock=clock)
    server = rpc_server(app, verifier, "127.0.0.1:0")
    readiness = Readiness({})
    readiness.open()
    await server.start(readiness)
    caller = PatientCaller(f"127.0.0.1:{server.port}", "auth")
    yield caller
    await caller.close()
    await server.stop()


@pytest.fixture
def door(caller: Caller) -> Door:
    return Door(caller)
