"""Ended sessions, known on every replica within a moment.

The bus tells each replica, not one of them; a replica that cannot hear it asks auth instead.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from time import monotonic
from uuid import UUID

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import FetchTimeoutError

from kit.bus.jetstream import heed_cancellation
from kit.clock import Clock, SystemClock
from kit.telemetry import Log

STREAM = "AUTH"
SUBJECT = "auth.*.session.v1.revoked"
REMEMBER = 660.0  # seconds: no access token lives longer, leeway included
BELIEVE = 5.0  # seconds an answer of auth is good for
KEEP_ANSWERS = 4096
SILENCE = 2.0  # seconds without a sign of life after which the bus counts as away
HEARTBEAT = 0.3
FETCH = 1.0  # seconds one request waits for news
BATCH = 256
log = Log(__name__)

IsActive = Callable[[UUID], Awaitable[bool]]


class Revocations:
    """Which sessions are over.

    `is_active` asks auth. Without a bus, or before `follow` runs, every answer comes from there.
    """

    def __init__(
        self,
        is_active: IsActive,
        *,
        jetstream: JetStreamContext | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._is_active = is_active
        self._jetstream = jetstream
        self._clock = clock or SystemClock()
        self._revoked: dict[UUID, float] = {}  # → when it may be forgotten; oldest first
        self._answers: OrderedDict[UUID, tuple[float, bool]] = OrderedDict()
        self._heard_at = float("-inf")
        self._deaf = False  # and has said so

    @property
    def listening(self) -> bool:
        """The bus has given a sign of life just now."""
        return monotonic() < self._heard_at + SILENCE

    async def is_revoked(self, session_id: UUID) -> bool:
        """Raises what `is_active` raises: who cannot tell, must not say no."""
        if session_id in self._revoked:
            return True
        if self.listening:
            return False
        return not await self._ask(session_id)

    def revoke(self, session_id: UUID) -> None:
        """Refuse the session from now on."""
        now = monotonic()
        while self._revoked and next(iter(self._revoked.values())) < now:
            del self._revoked[next(iter(self._revoked))]
        self._revoked.pop(session_id, None)
        self._revoked[session_id] = now + REMEMBER

    async def follow(self) -> None:
        """Listen for as long as the process lives, whatever happens to the bus."""
        assert self._jetstream is not None, "there is no bus to follow"
        while True:
            try:
                await self._listen(self._jetstream)
            except Exception as error:  # whatever it was: until we hear again, auth is asked
                if not self._deaf:
                    log.warning("revocations_not_heard", cause=repr(error))
                self._deaf = True
                await asyncio.sleep(HEARTBEAT)

    async def _listen(self, jetstream: JetStreamContext) -> None:
        subscription = await jetstream.pull_subscribe(
            SUBJECT, stream=STREAM, config=self._consumer()
        )
        try:
            while True:
                heed_cancellation()
                messages = await _fetch(subscription)
                for message in messages:
                    self._hear(message)
                if not messages or messages[-1].metadata.num_pending == 0:
                    self._all_heard()
        finally:
            await _leave(subscription)

    def _all_heard(self) -> None:
        """Up to now, and what happened before we came."""
        self._heard_at = monotonic()
        if self._deaf:
            log.info("revocations_heard_again")
            self._deaf = False

    def _consumer(self) -> ConsumerConfig:
        since = self._clock.now() - timedelta(seconds=REMEMBER)
        return ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_TIME,
            opt_start_time=since,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=30,
            mem_storage=True,
            num_replicas=1,
        )

    def _hear(self, message: Msg) -> None:
        try:
            self.revoke(UUID((message.headers or {})["ce-subject"]))
        except (KeyError, ValueError) as error:
            log.error("revocation_unreadable", error=error, subject=message.subject)

    async def _ask(self, session_id: UUID) -> bool:
        asked_at, active = self._answers.get(session_id, (float("-inf"), False))
        if monotonic() < asked_at + BELIEVE:
            return active
        active = await self._is_active(session_id)
        self._answers[session_id] = (monotonic(), active)
        self._answers.move_to_end(session_id)
        if len(self._answers) > KEEP_ANSWERS:
            self._answers.popitem(last=False)
        return active


async def _fetch(subscription: JetStreamContext.PullSubscription) -> list[Msg]:
    try:
        return await subscription.fetch(BATCH, timeout=FETCH, heartbeat=HEARTBEAT)
    except FetchTimeoutError:  # heartbeats came, messages did not
        return []


async def _leave(subscription: JetStreamContext.PullSubscription) -> None:
    with suppress(nats.errors.Error):  # the connection is gone, and the subscription with it
        await subscription.unsubscribe()
