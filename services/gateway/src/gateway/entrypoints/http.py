"""uvicorn as a part of our process."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from gateway.config import Settings
from gateway.entrypoints.live import Live
from kit.runtime import Readiness

# Longer than a proxy keeps an idle connection (60 s as a rule): who closes first must not be us,
# or a request that is on its way is lost.
KEEP_ALIVE = 75
GRACE = 20  # seconds that requests in flight are given when we stop


class HttpServer:
    """uvicorn as a part of our process; signals are the runtime's."""

    def __init__(
        self,
        asgi: ASGIApp,
        live: Live,
        settings: Settings,
        *,
        know_readiness: Callable[[Readiness], None],
    ) -> None:
        host, _, port = settings.listen.rpartition(":")
        self._live = live
        self._know_readiness = know_readiness
        self._config = uvicorn.Config(
            asgi,
            host=host,
            port=int(port),
            http="httptools",
            loop="uvloop",
            lifespan="off",
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=True,
            proxy_headers=False,  # addresses are read in the edge, from listed proxies only
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=GRACE,
        )
        self._server = _Quiet(self._config)
        self._task: asyncio.Task[None] | None = None

    async def start(self, readiness: Readiness) -> None:
        """Listen. Raises OSError if the address is taken."""
        self._know_readiness(readiness)
        self._task = asyncio.create_task(self._server.serve())
        while not self._server.started:
            if self._task.done():
                self._task.result()
                raise OSError(f"{self._config.host}:{self._config.port} cannot be listened on")
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Let the live windows go, finish what is in flight."""
        self._live.drain()
        self._server.should_exit = True
        if self._task is not None:
            await self._task


class _Quiet(uvicorn.Server):
    """Leaves the signal handlers alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the runtime's."""
        yield
