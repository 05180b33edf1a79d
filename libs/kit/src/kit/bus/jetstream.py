"""The connection to NATS JetStream, and the streams events live in."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig, StreamSource
from nats.js.errors import APIError, BadRequestError, NotFoundError

from kit.telemetry import Log

OLDEST_SERVER = (2, 11)
DAY = 86_400.0
PRODUCERS = ("AUTH", "CRM", "ANALYTICS", "NOTIFY")
DUPLICATE_WINDOW = 120.0
_OTHER_CONFIGURATION = 10058  # JetStream's code for a stream that exists with another one

log = Log(__name__)


def _stream(name: str, subjects: list[str] | None, age: float, **more: object) -> StreamConfig:
    # Limits by age: work-queue and interest retention would delete what another consumer needs.
    return StreamConfig(
        name=name,
        subjects=subjects,
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.OLD,
        storage=StorageType.FILE,
        max_age=age,
        duplicate_window=min(DUPLICATE_WINDOW, age),
        **more,  # type: ignore[arg-type]
    )


def streams() -> list[StreamConfig]:
    """Every stream of the platform: one per producer, one for the dead, one for live pages.

    JetStream's own notice of a message it gave up is kept with the dead: it is sent only once.
    """
    producers = [_stream(name, [f"{name.lower()}.>"], 30 * DAY) for name in PRODUCERS]
    given_up = "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>"
    sources = [StreamSource(name=name) for name in PRODUCERS]
    return [
        *producers,
        _stream("DEAD", ["dead.>", given_up], 30 * DAY),
        _stream("UI", None, 600.0, sources=sources),
    ]


def heed_cancellation() -> None:
    """Stop here if the task was told to stop: said at the turn of every endless loop on the bus.

    nats-py in places, and before Python 3.12 `asyncio.wait_for`, drop a cancellation that comes at
    the same moment as what they wait for; the loop would go on, and its owner wait for ever.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class ServerTooOld(RuntimeError):
    """Older servers ignore silently what we rely on, such as several filters per consumer."""


class BusClosed(RuntimeError):
    """The client gave up for good; only a new process helps."""


class Bus:
    """One connection to NATS for a process, which outlives every outage of the server.

    `run` is a background task of the process. In the local and test profiles the streams are made
    here; elsewhere a deploy job owns them, and until they are there `ready` stays False.
    """

    def __init__(self, url: str, *, name: str, profile: str = "production") -> None:
        self.client = Client()
        self.jetstream: JetStreamContext = self.client.jetstream(timeout=5)
        self.owns_streams = profile in ("local", "test")
        self.ready = False
        self._url = url
        self._name = name
        self._connected = asyncio.Event()
        self._closed = asyncio.Event()
        self._on_reconnect: set[Callable[[], None]] = set()
        self._task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Connect, however long it takes, and stay. Raises ServerTooOld, BusClosed."""
        try:
            await self._connect()
            await self._closed.wait()
            raise BusClosed("the connection to NATS was closed for good")
        finally:
            await self.close()

    async def connected(self) -> None:
        """Wait until there is a connection and the streams were seen."""
        await self._connected.wait()

    async def check(self) -> None:
        """Whether the streams were seen; a check of readiness. Raises ConnectionError."""
        if not self.ready:
            raise ConnectionError("the streams have not been seen")

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection at this moment."""
        return self._connected.is_set() and self.client.is_connected

    def on_reconnect(self, call: Callable[[], None]) -> Callable[[], None]:
        """Have something called after each reconnect; returns what undoes it."""
        self._on_reconnect.add(call)
        return lambda: self._on_reconnect.discard(call)

    async def close(self) -> None:
        """Send what was published, and go."""
        if self.client.is_connected:
            try:
                await self.client.flush(timeout=2)
            except (nats.errors.Error, TimeoutError):
                log.warning("bus_not_flushed")
        if not self.client.is_closed:
            await self.client.close()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.run())
        waiting = asyncio.create_task(self.connected())
        await asyncio.wait({self._task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._task.done():
            self._task.result()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _connect(self) -> None:
        await self.client.connect(
            self._url,
            name=self._name,
            max_reconnect_attempts=-1,  # the default gives up for good after two minutes
            reconnect_time_wait=1,
            connect_timeout=2,
            ping_interval=10,
            max_outstanding_pings=2,
            error_cb=self._failed,
            disconnected_cb=self._disconnected,
            reconnected_cb=self._reconnected,
            closed_cb=self._gone,
        )
        version = self.client.connected_server_version
        if (version.major, version.minor) < OLDEST_SERVER:
            raise ServerTooOld(f"NATS server {version} is older than 2.11")
        while not await self._find_streams():
            heed_cancellation()
            await asyncio.sleep(1)
        self.ready = True
        self._connected.set()

    async def _find_streams(self) -> bool:
        try:
            for config in streams():
                await (self._make if self.owns_streams else self._see)(config)
        except NotFoundError:
            log.warning("bus_stream_missing", stream=config.name)
            return False
        except (APIError, nats.errors.Error, TimeoutError) as error:
            log.warning("bus_streams_unknown", error=error)
            return False
        return True

    async def _make(self, config: StreamConfig) -> None:
        try:
            await self.jetstream.add_stream(config)
        except BadRequestError as error:
            if error.err_code != _OTHER_CONFIGURATION:
                raise
            await self.jetstream.update_stream(config)

    async def _see(self, config: StreamConfig) -> None:
        assert config.name is not None
        await self.jetstream.stream_info(config.name)

    async def _failed(self, error: Exception) -> None:
        log.warning("bus_error", cause=repr(error))

    async def _disconnected(self) -> None:
        log.warning("bus_disconnected")

    async def _reconnected(self) -> None:
        log.info("bus_reconnected")
        if self.owns_streams:
            await self._find_streams()  # the server may have come back with an empty store
        for call in tuple(self._on_reconnect):
            call()

    async def _gone(self) -> None:
        self._closed.set()
