"""A TCP proxy that can misbehave: what a test puts between a service and what it needs.

async with FaultProxy.to(dsn) as proxy:
    pool = await open_pool(proxy.url, …)
    proxy.hold()       # nothing passes any more, connections stay open
    proxy.cut()        # every connection is reset, new ones are refused
    proxy.linger()     # what one end closes stays open at the other: its last words come first
    proxy.mend()       # all is well again, for new connections
    proxy.delay = 0.3  # seconds for every piece that passes, in both directions
"""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit


class FaultProxy:
    """Passes bytes to host:port until told otherwise; open with `async with`."""

    def __init__(self, host: str, port: int) -> None:
        self.delay = 0.0
        self.port = 0
        self._target = (host, port)
        self._url = ""
        self._passing = asyncio.Event()
        self._passing.set()
        self._closing = asyncio.Event()
        self._closing.set()
        self._refusing = False
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()

    @classmethod
    def to(cls, url: str) -> Self:
        """In front of whatever listens at a url."""
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        proxy = cls(parts.hostname, parts.port)
        proxy._url = url
        return proxy

    @property
    def url(self) -> str:
        """The url with the proxy's address in it."""
        parts = urlsplit(self._url)
        secret, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{secret}{at}127.0.0.1:{self.port}"))

    def hold(self) -> None:
        """Let nothing pass, and say nothing."""
        self._passing.clear()

    def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        self._refusing = True
        for writer in tuple(self._open):
            writer.transport.abort()

    def linger(self) -> None:
        """Pass on what is said, but not that it was the last word."""
        self._closing.clear()

    def mend(self) -> None:
        """Let everything pass."""
        self._refusing = False
        self._passing.set()
        self._closing.set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        self._closing.set()
        self.cut()
        for pump in self._pumps:
            pump.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection(*self._target)
        self._open |= {writer, back}
        pumps = [
            asyncio.create_task(self._pump(reader, back)),
            asyncio.create_task(self._pump(there, writer)),
        ]
        self._pumps.update(pumps)
        with suppress(asyncio.CancelledError):
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            await self._closing.wait()
        for pump in pumps:
            pump.cancel()
        self._pumps.difference_update(pumps)
        for end in (writer, back):
            end.close()
            self._open.discard(end)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while piece := await source.read(65_536):
                await self._passing.wait()
                if self.delay:
                    await asyncio.sleep(self.delay)
                sink.write(piece)
                await sink.drain()
