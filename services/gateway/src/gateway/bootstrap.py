"""Settings → the running gateway: the only place that picks implementations."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

from freelanceflow.auth.v1.key_service_pb2 import GetJwksRequest, IsSessionActiveRequest
from gateway.adapters.clients import Clients
from gateway.config import Settings
from gateway.entrypoints import errors, health
from gateway.entrypoints.api import routes
from gateway.entrypoints.edge import Edge
from gateway.entrypoints.http import HttpServer
from gateway.entrypoints.identity import Identification
from gateway.entrypoints.limits import Limits
from gateway.entrypoints.live import Live
from gateway.entrypoints.pages import docs as api_docs
from gateway.entrypoints.pages.rendering import Rendering
from gateway.entrypoints.pages.router import pages_router
from gateway.entrypoints.sessions import Cookies
from gateway.entrypoints.zones import Zones
from kit.bus.jetstream import Bus
from kit.clock import SystemClock
from kit.rpc.authority import trust
from kit.rpc.revocations import Revocations
from kit.runtime import Readiness, run

COMPRESS_FROM = 1024  # bytes; less is not worth the work


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """The application and what must run beside it."""

    asgi: ASGIApp
    clients: Clients
    bus: Bus
    live: Live
    revocations: Revocations
    know_readiness: Callable[[Readiness], None]


async def serve(settings: Settings) -> None:
    """Run until told to stop."""
    gateway = build(settings)
    try:
        await run(
            name="gateway",
            internal_listen=settings.internal_listen,
            servers=[
                HttpServer(
                    gateway.asgi,
                    gateway.live,
                    settings,
                    know_readiness=gateway.know_readiness,
                )
            ],
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
    cookies, limits = Cookies(secure=settings.secure), Limits(settings)
    live = Live(bus, revocations)
    app = _application(settings, clients, cookies, live)
    edge = Edge(
        app,
        settings=settings,
        identification=Identification(verifier, clients, cookies, limits),
        limits=limits,
        cookies=cookies,
        zones=Zones(clients, SystemClock()),
    )

    def know_readiness(readiness: Readiness) -> None:
        app.state.readiness = readiness

    return Gateway(
        asgi=edge,
        clients=clients,
        bus=bus,
        live=live,
        revocations=revocations,
        know_readiness=know_readiness,
    )


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
    if docs:
        app.include_router(api_docs.router)
    app.add_route("/livez", health.livez)
    app.add_route("/readyz", health.readyz)
    app.state.readiness = Readiness({})  # closed until the server knows better
    app.add_middleware(GZipMiddleware, minimum_size=COMPRESS_FROM, compresslevel=5)
    return app
