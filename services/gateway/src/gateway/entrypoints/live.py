"""Live pages: what happens in a workspace, told to its open windows.

One consumer for the process reads the UI stream, which holds ten minutes of every service's
events; its sequence is the id a browser replays from, so any replica can answer. Messages carry ids
and versions only: a page fetches what it shows again, with its own rights.
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import dropwhile
from uuid import UUID

import nats.errors
import orjson
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from freelanceflow.notify.v1.notification_events_pb2 import NotificationCreated
from kit.bus.jetstream import Bus, heed_cancellation
from kit.bus.subjects import SINGLE
from kit.clock import Clock, SystemClock
from kit.rpc.identity import Principal
from kit.rpc.revocations import Revocations
from kit.telemetry import Log

STREAM = "UI"
KEEP = 50_000  # messages of the last ten minutes; the oldest go first
WINDOW_QUEUE = 500  # messages a window may be behind; then it is told to load anew
HEARTBEAT = 20.0
LOOK_EVERY = 1.0  # seconds until a lost connection is noticed, and we subscribe anew
RETRY_MILLISECONDS = (1_000, 5_000)  # jittered: not all windows come back at once

# What a person must be allowed to read in order to hear of it.
PERMISSIONS = {
    "deal": "deals.read",
    "client": "clients.read",
    "activity": "activities.read",
    "stage": "deals.read",
    "board": "deals.read",
    "reason": "deals.read",
    "rate": "deals.read",
    "field": "deals.read",
    "tag": "deals.read",
    "import": "imports.read",
    "pipeline": "analytics.read",
    "notification": None,
}
log = Log(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that happened, as a window hears it."""

    sequence: int
    workspace_id: UUID
    permission: str | None
    user_id: UUID | None  # only this person, if there is one
    owned: bool  # whether it is about a record that belongs to somebody, or to nobody yet
    owner_id: UUID | None
    frame: bytes

    def is_for(self, principal: Principal) -> bool:
        """Whether this person may hear it."""
        return (
            self.workspace_id == principal.workspace_id
            and (self.permission is None or principal.may(self.permission))
            and (self.user_id is None or self.user_id == principal.user_id)
            and (not self.owned or principal.sight.sees(self.owner_id))
        )


@dataclass(eq=False, slots=True)
class Window:
    """An open window of a person. A full queue means it must load anew."""

    principal: Principal
    queue: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(WINDOW_QUEUE))

    def tell(self, frame: bytes) -> None:
        """Never waits: a window that does not read must not hold up the others."""
        try:
            self.queue.put_nowait(frame)
        except asyncio.QueueFull:
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(RESET)

    def close(self) -> None:
        """End the stream after what is queued."""
        if self.queue.full():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


RESET = b"event: reset\ndata: {}\n\n"


class Live:
    """All windows of this process, and what they may have missed."""

    def __init__(self, bus: Bus, revocations: Revocations, *, clock: Clock | None = None) -> None:
        self._bus = bus
        self._revocations = revocations
        self._clock = clock or SystemClock()
        self._kept: deque[Message] = deque(maxlen=KEEP)
        self._windows: dict[UUID, set[Window]] = {}
        self._draining = False

    async def follow(self) -> None:
        """Read the stream for as long as the process lives, whatever happens to the bus."""
        await self._bus.connected()
        while True:
            heed_cancellation()
            try:
                await self._listen()
            except (nats.errors.Error, NotFoundError, TimeoutError, OSError) as error:
                log.warning("live_not_heard", error_type=type(error).__name__)
                await asyncio.sleep(1)

    def drain(self) -> None:
        """Let every window go; each comes back to another replica after a moment of its own."""
        self._draining = True
        for windows in self._windows.values():
            for window in windows:
                window.close()

    async def stream(self, principal: Principal, last_id: str | None) -> AsyncIterator[bytes]:
        """What a window hears: first what it missed, then what happens.

        It ends with the token, with the session, or when we stop; the browser then reconnects.
        """
        window = Window(principal)
        windows = self._windows.setdefault(principal.workspace_id, set())
        windows.add(window)
        try:
            yield b"retry: %d\n\n" % random.randint(*RETRY_MILLISECONDS)
            for missed in self._missed(principal, last_id):
                yield missed
            while not self._draining:
                frame = await self._next(window)
                if frame is None or await self._is_over(principal):
                    return
                yield frame
        finally:
            windows.discard(window)
            if not windows:
                self._windows.pop(principal.workspace_id, None)

    def _missed(self, principal: Principal, last_id: str | None) -> list[bytes]:
        """Since the last id; a `reset` when that is older than what is kept, or none of ours."""
        if last_id is None:
            return []
        if not last_id.isdecimal():
            return [RESET]
        last = int(last_id)
        oldest = self._kept[0].sequence if self._kept else None
        newest = self._kept[-1].sequence if self._kept else None
        if oldest is None or newest is None or last < oldest - 1 or last > newest:
            return [RESET]
        later = dropwhile(lambda message: message.sequence <= last, self._kept)
        return [message.frame for message in later if message.is_for(principal)]

    async def _next(self, window: Window) -> bytes | None:
        try:
            async with asyncio.timeout(HEARTBEAT):
                return await window.queue.get()
        except TimeoutError:
            return b": still here\n\n"

    async def _is_over(self, principal: Principal) -> bool:
        if self._clock.now().timestamp() >= principal.expires_at:
            return True
        return await self._revocations.is_revoked(principal.session_id)

    async def _listen(self) -> None:
        since = self._clock.now() - timedelta(minutes=10)
        config = ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_TIME, opt_start_time=since)
        if self._kept:  # heard before: go on behind it
            config = ConsumerConfig(
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=self._kept[-1].sequence + 1,
            )
        # By callback: next_msg spends two tasks on every message.
        subscription = await self._bus.jetstream.subscribe(
            SINGLE,
            stream=STREAM,
            ordered_consumer=True,
            config=config,
            idle_heartbeat=1.0,
            cb=self._hear,
        )
        try:
            while self._bus.client.is_connected:
                heed_cancellation()
                await asyncio.sleep(LOOK_EVERY)
        finally:
            with suppress(nats.errors.Error):
                await subscription.unsubscribe()

    async def _hear(self, delivered: Msg) -> None:
        message = read(delivered)
        if message is None or (self._kept and message.sequence <= self._kept[-1].sequence):
            return
        self._kept.append(message)
        for window in self._windows.get(message.workspace_id, ()):
            if message.is_for(window.principal):
                window.tell(message.frame)


def read(delivered: Msg) -> Message | None:
    """A message for windows; None for what no window shows, such as an import's single rows."""
    headers = delivered.headers or {}
    try:
        service, noun, _, verb = headers["ce-type"].split(".")
        if noun not in PERMISSIONS or "ce-bulkid" in headers:
            return None
        if (service, noun, verb) == ("analytics", "deal", "scored"):
            return None  # crm tells of it when the board has it
        workspace_id, subject = UUID(headers["ce-workspaceid"]), headers["ce-subject"]
        version = int(headers.get("ff-version", "0"))
        owner = headers.get("ff-owner")
        user_id, about = None, ""
        if (service, noun) == ("notify", "notification"):
            created = NotificationCreated.FromString(delivered.data)
            user_id, about = UUID(created.user_id), created.kind
    except (KeyError, ValueError) as error:
        log.error("live_unreadable", error=error, subject=delivered.subject)
        return None
    sequence = delivered.metadata.sequence.stream
    told = {"id": subject, "version": version, "client": headers.get("ff-origin", "")}
    if about:
        told["about"] = about
    frame = b"id: %d\nevent: %b.%b\ndata: %b\n\n" % (
        sequence, noun.encode(), verb.encode(), orjson.dumps(told),
    )  # fmt: skip
    return Message(
        sequence,
        workspace_id,
        PERMISSIONS[noun],
        user_id,
        owned=owner is not None,
        owner_id=UUID(owner) if owner else None,
        frame=frame,
    )
