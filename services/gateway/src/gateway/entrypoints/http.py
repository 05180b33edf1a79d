"""uvicorn as a part of our process."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

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
            http=_Protocol,
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


class _Protocol(HttpToolsProtocol):
    """uvicorn's, which writes the head of an answer and its body one after the other."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(HeadWithBody(transport))  # type: ignore[arg-type]


class HeadWithBody:
    """A transport that sends an answer's head together with what is written next.

    uvloop makes a system call of each write, and the network a packet: the first would wake a
    reader for whom there is nothing yet. What does not follow within a turn of the loop, as with
    streams, is not waited for.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """As a transport does."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.writelines((head, data))
        elif data.startswith(b"HTTP/1.1 "):
            self._head = data
            asyncio.get_running_loop().call_soon(self._send_head)
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Send what is there, and close."""
        self._send_head()
        self._transport.close()

    def _send_head(self) -> None:
        if self._head:
            self.write(b"")
