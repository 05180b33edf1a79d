"""Messages of a consumer, fetched ahead.

Not `PullSubscription.fetch` of nats-py: it either waits for a full batch or asks twice, and does
not come back after every kind of outage. Here one request is kept at the server, what has arrived
is handed out at once, and silence longer than three heartbeats is an error for the caller.
"""

import asyncio
from collections import deque
from contextlib import suppress

import nats.errors
import orjson
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from kit.bus.jetstream import Bus, heed_cancellation

HEARTBEAT = 2.0
SILENT_INTERVALS = 3
EXPIRES = 30.0
_STATUS = "Status"
_HEARTBEAT_STATUS = "100"
_REQUEST_ENDED = ("404", "408")  # nothing there, or the request grew too old: ask again


class PullLost(Exception):
    """Nothing is heard of the consumer any more, or the server says that it is gone."""


class Pull:
    """A running fetch from one consumer; open with `start`, replace it after PullLost."""

    def __init__(self, bus: Bus, stream: str, consumer: str, *, batch: int) -> None:
        self._bus = bus
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._batch = batch
        self._inbox = bus.client.new_inbox()
        self._subscription: Subscription | None = None
        self._forget = bus.on_reconnect(self._request_is_lost)
        self._arrived: deque[Msg] = deque()
        self._heard = asyncio.Event()
        self._wanted = 0  # what the server still owes to our request
        self._failure: str | None = None

    async def start(self) -> None:
        """Begin to fetch."""
        self._subscription = await self._bus.client.subscribe(self._inbox, cb=self._receive)
        await self._request()

    async def take(self, limit: int) -> list[Msg]:
        """What has arrived, at least one message, in order. Raises PullLost."""
        silent = 0
        while not self._arrived:
            heed_cancellation()
            if self._failure:
                raise PullLost(self._failure)
            if self._wanted <= 0:
                await self._request()
            self._heard.clear()
            try:
                async with asyncio.timeout(HEARTBEAT):
                    await self._heard.wait()
                silent = 0
            except TimeoutError:
                silent += 1
                if silent >= SILENT_INTERVALS:
                    raise PullLost("nothing was heard of the consumer") from None
        taken = [self._arrived.popleft() for _ in range(min(limit, len(self._arrived)))]
        if not self._arrived and self._wanted <= 0:
            await self._request()  # the next ones arrive while these are handled
        return taken

    async def stop(self) -> list[Msg]:
        """End it; returns what arrived and was never taken."""
        self._forget()
        if self._subscription is not None:
            with suppress(nats.errors.Error):  # a closed connection has no subscriptions
                await self._subscription.unsubscribe()
        left, self._arrived = list(self._arrived), deque()
        return left

    async def _request(self) -> None:
        self._wanted = self._batch
        request = {
            "batch": self._batch,
            "expires": int(EXPIRES * 1e9),
            "idle_heartbeat": int(HEARTBEAT * 1e9),
        }
        await self._bus.client.publish(self._subject, orjson.dumps(request), reply=self._inbox)

    async def _receive(self, message: Msg) -> None:
        status = message.headers.get(_STATUS) if message.headers else None
        if status is None or message.reply.startswith("$JS.ACK"):
            self._wanted -= 1
            self._arrived.append(message)
        elif status in _REQUEST_ENDED:
            self._wanted = 0
        elif status != _HEARTBEAT_STATUS:
            said = (message.headers or {}).get("Description", "")
            self._failure = f"the server answered {status} {said}"
        self._heard.set()

    def _request_is_lost(self) -> None:
        """After a reconnect the server may not remember what we asked for."""
        self._wanted = 0
        self._heard.set()
