"""Settings → the running gateway: the only place that picks implementations."""

from dataclasses import dataclass

from fastapi import FastAPI
from starlette.types import ASGIApp

from freelanceflow.auth.v1.key_service_pb2 import GetJwksRequest, IsSessionActiveRequest
from gateway.adapters.clients import Clients
from gateway.config import Settings
from gateway.entrypoints import errors
from gateway.entrypoints.api import routes
from gateway.entrypoints.edge import Edge
from gateway.entrypoints.http import HttpServer
from gateway.entrypoints.identity import Identification
from gateway.entrypoints.limits import Limits
from gateway.entrypoints.live import Live
from gateway.entrypoints.pages.rendering import Rendering
from gateway.entrypoints.pages.router import pages_router
from gateway.entrypoints.sessions import Cookies
from kit.bus.jetstream import Bus
from kit.clock import SystemClock
from kit.rpc.authority import trust
from kit.rpc.revocations import Revocations
from kit.runtime import run


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """The application and what must run beside it."""

    asgi: ASGIApp
    clients: Clients
    bus: Bus
    live: Live
    revocations: Revocations


async def serve(settings: Settings) -> None:
    """Run until told to stop."""
    gateway = build(settings)
    try:
        await run(
            name="gateway",
            internal_listen=settings.internal_listen,
            servers=[HttpServer(gateway.asgi, gateway.live, settings)],
            background={
                "bus": gateway.bus.run,
                "live": gateway.live.follow,
                "revocations": gateway.revocations.follow,
            },
        )
    finally:
        await gateway.clients.close()


def build(settings: Settings) -> Gateway:
    """Connects to nothing yet."""
    clients = Clients(settings)
    bus = Bus(settings.nats_url.get_secret_value(), name="gateway", profile=settings.profile)

    verifier, revocations = trust(
        clients.auth_caller,
        clients.key_stub,
        bus.jetstream,
        ask_keys=GetJwksRequest,
        ask_session=IsSessionActiveRequest,
    )
    cookies = Cookies(secure=settings.secure)
    live = Live(bus, revocations)
    app = _application(settings, clients, cookies, live)
    edge = Edge(
        app,
        settings=settings,
        identification=Identification(verifier, clients, cookies),
        limits=Limits(settings),
        cookies=cookies,
    )
    return Gateway(asgi=edge, clients=clients, bus=bus, live=live, revocations=revocations)


def _application(settings: Settings, clients: Clients, cookies: Cookies, live: Live) -> FastAPI:
    docs = settings.api_docs
    app = FastAPI(
        title="FreelanceFlow",
        openapi_url="/api/openapi.json" if docs else None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # the edge's is kit's
    )
    app.state.settings = settings
    app.state.clients = clients
    app.state.cookies = cookies
    app.state.live = live
    errors.install(app)
    routes.install(app)
    app.state.rendering = rendering = Rendering(SystemClock())
    app.include_router(pages_router(rendering.assets, local=settings.profile == "local"))
    return app
