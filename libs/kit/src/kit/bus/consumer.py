"""The consume loop: claim, handle and commit together, acknowledge afterwards.

What arrived of one workspace is handled in one transaction; if that fails, message by message. A
message delivered again does nothing (the inbox), one that fails is tried again later, and one that
cannot succeed is buried with its reason while the others go on.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple
from uuid import NAMESPACE_OID, UUID, uuid5

import nats.errors
from google.protobuf.message import DecodeError
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError

from kit import dead_letters, inbox
from kit.bus.events import Event, Undecodable, decode
from kit.bus.gather import rest_after
from kit.bus.jetstream import Bus, heed_cancellation
from kit.bus.pull import Pull, PullLost
from kit.bus.subjects import subjects_of
from kit.clock import Clock, SystemClock
from kit.errors import DomainError, ErrorKind
from kit.pool import DATABASE_LOST, Pool
from kit.telemetry import Log, span
from kit.telemetry.metrics import (
    DEAD_LETTERS,
    EVENT_LAG,
    EVENTS_ACK_FLOOR,
    EVENTS_HANDLED,
    EVENTS_WAITING,
)
from kit.telemetry.tracing import Attributes
from kit.unit_of_work import UnitOfWork

BATCH = 100
ATTEMPTS = 5
RETRY_AFTER = (1.0, 5.0, 30.0, 120.0)  # seconds, after the first failure, the second, …
FORGET_EVERY = 600.0
MEASURE_EVERY = 5.0
ACK_WAIT = 15.0  # what a killed process held is delivered again after this
# The server's own limit only stops a message that kills the process each time. Ours counts
# failures; deliveries also count when a process dies of something else.
SERVER_DELIVERIES = 25
_AT_ONCE = (ErrorKind.INVALID, ErrorKind.REFUSED, ErrorKind.FORBIDDEN)  # no retry changes these

Handler = Callable[[UnitOfWork, Event], Awaitable[None]]
Together = Callable[[UnitOfWork, Sequence[Event]], Awaitable[None]]
Wants = Callable[[Event], bool]

log = Log(__name__)


class _Delivery(NamedTuple):
    message: Msg
    event: Event


class Consumer:
    """One durable purpose, such as `analytics-pipeline`, on one stream.

    `handlers` maps event types (`crm.deal.v1.moved`) to `async def handler(uow, event)`. They work
    inside a unit of work of the event's workspace and may call use cases: a commit asked for there
    takes place with the claim. `together`, if given, takes all new events of a unit at once, in
    order and in the handlers' place. What `wants` declines is acknowledged without a transaction.
    Of the types that are `not_imported`, the server does not send what came with a file: the rows
    of an import are many. `run` is a background task of the process.
    """

    def __init__(
        self,
        bus: Bus,
        *,
        stream: str,
        name: str,
        handlers: Mapping[str, Handler],
        open_unit: Callable[[UUID], UnitOfWork],
        system: Pool,
        together: Together | None = None,
        wants: Wants | None = None,
        not_imported: Collection[str] = (),
        retry_after: Sequence[float] = RETRY_AFTER,
        clock: Clock | None = None,
    ) -> None:
        self.stream = stream
        self.name = name
        self._bus = bus
        self._handlers = handlers
        self._together = together or self._one_by_one
        self._wants = wants
        self._not_imported = not_imported
        self._open_unit = open_unit
        self._system = system
        self._retry_after = retry_after
        self._clock = clock or SystemClock()
        self._forget_at = float("-inf")
        EVENT_LAG.labels(name, "no")  # at zero: growth from nothing is not seen
        self._told_of: Attributes = {
            "messaging.system": "nats",
            "messaging.operation.name": "handle",
            "messaging.operation.type": "process",
            "messaging.destination.name": stream,
            "messaging.consumer.group.name": name,
        }

    @property
    def config(self) -> ConsumerConfig:
        """What the consumer is at the server."""
        subjects = [subjects_of(type_) for type_ in self._handlers]
        also = [type_ for type_ in self._handlers if type_ not in self._not_imported]
        subjects += [subjects_of(type_, imported=True) for type_ in also]
        return ConsumerConfig(
            name=self.name,
            durable_name=self.name,
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT,
            max_deliver=SERVER_DELIVERIES,
            max_ack_pending=10 * BATCH,
            filter_subjects=sorted(subjects),
        )

    async def run(self) -> None:
        """Consume for as long as the process lives, whatever happens to the bus.

        What was buried comes first, once: the process may be a release that can handle it.
        """
        is_redriven = False
        while True:
            await self._bus.connected()
            pull = Pull(self._bus, self.stream, self.name, batch=BATCH)
            try:
                if not is_redriven:
                    await self._redrive()
                    is_redriven = True
                await self._bus.jetstream.add_consumer(self.stream, self.config)
                await pull.start()
                async with self._measured():
                    await self._consume(pull)
            except (PullLost, APIError, nats.errors.Error, *DATABASE_LOST) as error:
                heed_cancellation()
                log.warning("consumer_restarts", consumer=self.name, cause=repr(error))
                await asyncio.sleep(1)
            finally:
                await self._give_back(await pull.stop())

    async def _consume(self, pull: Pull) -> None:
        while True:
            heed_cancellation()
            messages = await pull.take(BATCH)
            await self._handle(messages)
            await self._forget()
            if len(messages) < BATCH:
                await asyncio.sleep(rest_after(len(messages)))

    @asynccontextmanager
    async def _measured(self) -> AsyncIterator[None]:
        """By a task of its own: that nothing is handled any more is what one wants to see."""
        measuring = asyncio.create_task(self._measure())
        try:
            yield
        finally:
            measuring.cancel()

    async def _measure(self) -> None:
        while True:
            with suppress(APIError, nats.errors.Error):  # the next one tells
                told = await self._bus.jetstream.consumer_info(self.stream, self.name)
                waiting = (told.num_pending or 0) + (told.num_ack_pending or 0)
                EVENTS_WAITING.labels(self.name).set(waiting)
                floor = told.ack_floor.stream_seq if told.ack_floor else 0
                EVENTS_ACK_FLOOR.labels(self.name).set(floor)
            await asyncio.sleep(MEASURE_EVERY)

    async def _redrive(self) -> None:
        """Handle what was buried once more."""
        done = []
        for letter in await dead_letters.buried(self._system, self.name):
            try:
                event = decode(letter["subject"], letter["headers"], letter["body"])
                await self._commit([event])
            except Exception as error:
                log.warning("redrive_failed", error=error, consumer=self.name)
            else:
                done.append(letter["event_id"])
        left = await dead_letters.remove(self._system, self.name, done)
        DEAD_LETTERS.labels(self.stream).set(left)

    async def _handle(self, messages: list[Msg]) -> None:
        by_workspace: dict[UUID, list[_Delivery]] = defaultdict(list)
        declined: list[Msg] = []
        for message in messages:
            try:
                event = decode(message.subject, message.headers, message.data)
            except Undecodable as error:
                await self._fail(message, error)
                continue
            if self._wants is None or self._wants(event):
                by_workspace[event.workspace_id].append(_Delivery(message, event))
            else:
                EVENTS_HANDLED.labels(self.name, event.type, "declined").inc()
                declined.append(message)
        if declined:
            await self._acknowledge(declined)
        for deliveries in by_workspace.values():
            await self._handle_workspace(deliveries)

    async def _handle_workspace(self, deliveries: list[_Delivery]) -> None:
        try:
            await self._commit([delivery.event for delivery in deliveries])
        except Exception as error:
            if isinstance(error, DATABASE_LOST) and await self._sat_out(deliveries):
                await self._handle_workspace(deliveries)
                return
            if len(deliveries) == 1:
                await self._fail(deliveries[0].message, error)
                return
            # One of them is to blame: alone, the others succeed.
            for delivery in deliveries:
                await self._handle_workspace([delivery])
            return
        await self._acknowledge([delivery.message for delivery in deliveries])

    async def _sat_out(self, deliveries: list[_Delivery]) -> bool:
        """Wait while the database is away, so that an outage costs no message an attempt.

        False if it is not away at all: then the trouble is the message's own.
        """
        waited = False
        while not await self._database_answers():
            log.warning("consumer_waits_for_database", consumer=self.name)
            waited = True
            for delivery in deliveries:
                await delivery.message.in_progress()
            heed_cancellation()
            await asyncio.sleep(1)
        return waited

    async def _database_answers(self) -> bool:
        try:
            return bool(await self._system.fetchval("SELECT 1"))
        except DATABASE_LOST:
            return False

    async def _commit(self, events: Sequence[Event]) -> None:
        """Claim, handle in order and commit, all or nothing."""
        links = [event.headers["traceparent"] for event in events if "traceparent" in event.headers]
        parent = links[0] if len(events) == len(links) == 1 else None
        several = len(events)
        attributes: Attributes = {**self._told_of, "messaging.batch.message_count": several}
        name = f"{self.name} handle"
        with span(name, "consumer", parent=parent, links=links, attributes=attributes):
            async with self._open_unit(events[0].workspace_id) as uow:
                fresh = await inbox.claim(uow, self.name, [event.id for event in events])
                # The same one twice in a batch is one event.
                new = list({event.id: event for event in events if event.id in fresh}.values())
                with uow.holding_commit():
                    await self._together(uow, new)
                await uow.commit()
        now = self._clock.now()
        for event in events:
            outcome = "handled" if event.id in fresh else "repeated"
            EVENTS_HANDLED.labels(self.name, event.type, outcome).inc()
            if event.id in fresh:
                bulk = "no" if event.bulk_id is None else "yes"
                EVENT_LAG.labels(self.name, bulk).observe((now - event.recorded_at).total_seconds())

    async def _one_by_one(self, uow: UnitOfWork, events: Sequence[Event]) -> None:
        for event in events:
            await self._handlers[event.type](uow, event)

    async def _acknowledge(self, messages: list[Msg]) -> None:
        """After the commit. The last one waits for the server, and it answers in order.

        What does not arrive there is delivered again and found in the inbox.
        """
        try:
            for message in messages[:-1]:
                await message.ack()
            await messages[-1].ack_sync(timeout=2)
        except (nats.errors.Error, TimeoutError) as error:
            log.warning("ack_lost", consumer=self.name, cause=repr(error))

    async def _fail(self, message: Msg, error: Exception) -> None:
        """Again later, or never again."""
        attempts = message.metadata.num_delivered
        if attempts < ATTEMPTS and not _is_final(error):
            log.warning("event_failed", error=error, consumer=self.name, attempt=attempts)
            self._count_failure(message, "retried")
            await message.nak(delay=self._retry_after[min(attempts, len(self._retry_after)) - 1])
            return
        log.error("event_buried", error=error, consumer=self.name, attempt=attempts)
        self._count_failure(message, "buried")
        await self._bury(message, error, attempts)

    async def _bury(self, message: Msg, error: Exception, attempts: int) -> None:
        headers = dict(message.headers or {})
        letter = dead_letters.DeadLetter(
            event_id=_id_of(message, headers),
            subject=message.subject,
            headers=headers,
            body=message.data,
            error=f"{type(error).__name__}: {error}"[:2000],
            attempts=attempts,
        )
        left = await dead_letters.bury(self._system, self.name, letter)
        DEAD_LETTERS.labels(self.stream).set(left)
        dead_id = f"{self.name}-{letter['event_id']}-{message.metadata.sequence.stream}"
        await self._bus.jetstream.publish(
            f"dead.{self.name}", message.data, headers={**headers, "Nats-Msg-Id": dead_id}
        )
        await message.term()

    async def _forget(self) -> None:
        """Now and then; an inbox without traffic does not grow."""
        now = asyncio.get_running_loop().time()
        if now >= self._forget_at:
            self._forget_at = now + FORGET_EVERY
            await inbox.forget(self._system, self.name)

    async def _give_back(self, messages: list[Msg]) -> None:
        """What was fetched and not begun goes to another replica at once."""
        with suppress(nats.errors.Error):  # without a bus the server notices by itself
            for message in messages:
                await message.nak()

    def _count_failure(self, message: Msg, outcome: str) -> None:
        type_ = (message.headers or {}).get("ce-type", "unknown")
        known = type_ if type_ in self._handlers else "unknown"  # a label must not grow for ever
        EVENTS_HANDLED.labels(self.name, known, outcome).inc()


def _is_final(error: Exception) -> bool:
    if isinstance(error, DomainError):
        return error.kind in _AT_ONCE
    return isinstance(error, Undecodable | DecodeError)


def _id_of(message: Msg, headers: Mapping[str, str]) -> UUID:
    try:
        return UUID(headers["ce-id"])
    except (KeyError, ValueError):
        place = message.metadata
        return uuid5(NAMESPACE_OID, f"{place.stream}:{place.sequence.stream}")
