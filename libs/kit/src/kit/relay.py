"""The relay: carries the outbox to the bus, in order, as often as it takes.

What is part of something large, such as an import's rows, gives way: single changes, which people
look at now, go first, and after each batch of the many the relay rests as long as that batch took.
While more rows of an import are being written it rests several times as long: somebody waits for
the import, and nobody yet for what follows from it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import asyncpg
import nats.errors

from kit.bus.events import headers_of
from kit.bus.gather import rest_after
from kit.bus.jetstream import Bus, heed_cancellation
from kit.outbox import OF_A_BULK
from kit.pool import NO_CONNECTION, prepare
from kit.telemetry import Log, span
from kit.telemetry.metrics import (
    OUTBOX_FAILURES,
    OUTBOX_OLDEST_AGE,
    OUTBOX_PENDING,
    OUTBOX_PUBLISHED,
)
from kit.telemetry.tracing import TRACEPARENT, Span

IN_FLIGHT = 256
POLL = 1.0  # for rows whose wake-up was in another process, or lost
STANDBY = 1.0
ACK_TIMEOUT = 5.0
MEASURE_EVERY = 5.0
FORGET_EVERY = 600.0
KEEP_SENT = timedelta(days=7)
PATIENT = 5  # times as long as a batch took: the rest while an import is being written
PATIENCE = 120.0  # seconds; then an import that goes on is told of all the same
_RELAY_LOCK = 7_046_029_256  # any constant; the database is the service's own

# A relay that was cut off must lose its lock soon, not when TCP's own patience ends.
_SETTINGS = {
    "jit": "off",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}

_UNSENT = f"""
SELECT number, event_id, workspace_id, subject, type, aggregate_id, happened_at, headers, body
FROM outbox WHERE sent_at IS NULL AND %s ORDER BY number LIMIT {IN_FLIGHT}"""
SINGLE, OF_MANY = _UNSENT % f"NOT {OF_A_BULK}", _UNSENT % OF_A_BULK
# An import, which nobody does by hand, commits more often than that.
BEING_WRITTEN = f"""
SELECT recorded_at > now() - interval '4 seconds' AND NOT headers ? 'ff-actor'
FROM outbox WHERE sent_at IS NULL AND {OF_A_BULK} ORDER BY number DESC LIMIT 1"""
LOCK = "SELECT pg_try_advisory_lock($1)"
SENT = "UPDATE outbox SET sent_at = now() WHERE number = ANY($1::bigint[])"
MEASURE = """
SELECT count(*), coalesce(extract(epoch FROM now() - min(recorded_at)), 0)::float8
FROM outbox WHERE sent_at IS NULL"""
FORGET = """
DELETE FROM outbox WHERE number IN (
    SELECT number FROM outbox WHERE sent_at < now() - $1::interval LIMIT 5000)"""

log = Log(__name__)


class OutboxRelay:
    """Publishes what is not sent yet and marks it when the stream has it.

    Lock and marking share one connection of their own: who loses it has lost the right to publish.
    A second relay waits for the lock. `run` is a background task of the process. What was sent is
    forgotten after `keep_sent`; with None the outbox stays a log of all that was ever told.
    """

    def __init__(
        self, dsn: str, bus: Bus, *, service: str, keep_sent: timedelta | None = KEEP_SENT
    ) -> None:
        self._dsn = dsn
        self._bus = bus
        self._service = service
        self._keep_sent = keep_sent
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There is something to send: said after each commit that told something."""
        self._woken.set()

    async def run(self) -> None:
        """Relay for as long as the process lives, whatever happens to database and bus."""
        while True:
            try:
                await self._bus.connected()
                await self._serve()
            except (asyncpg.PostgresError, *NO_CONNECTION) as error:
                log.warning("relay_lost_database", cause=repr(error))
                await asyncio.sleep(STANDBY)

    async def _serve(self) -> None:
        connection = await asyncpg.connect(
            self._dsn,
            timeout=5,
            command_timeout=30,
            server_settings={**_SETTINGS, "application_name": f"{self._service}-relay"},
        )
        try:
            await prepare(connection)
            while not await connection.fetchval(LOCK, _RELAY_LOCK):  # noqa: ASYNC110 no event tells
                await asyncio.sleep(STANDBY)
            log.info("relay_active")
            await self._relay(connection)
        finally:
            connection.terminate()

    async def _relay(self, connection: asyncpg.Connection) -> None:
        now = asyncio.get_running_loop().time
        measure_at = forget_at = many_at = emptied_at = now()
        more = False
        while True:
            heed_cancellation()
            sent = await self._send(connection, SINGLE)
            if sent < IN_FLIGHT and (began := now()) >= many_at:
                more = await self._send(connection, OF_MANY) == IN_FLIGHT
                took, emptied_at = now() - began, emptied_at if more else now()
                young = more and now() - emptied_at < PATIENCE
                patient = young and await connection.fetchval(BEING_WRITTEN)
                many_at = now() + took * (PATIENT if patient else more)
            if (began := now()) >= measure_at:
                await self._measure(connection)  # counts, so a large number takes its time
                measure_at = now() + max(MEASURE_EVERY, 50 * (now() - began))
            if self._keep_sent is not None and now() >= forget_at:
                await connection.execute(FORGET, self._keep_sent)
                forget_at = now() + FORGET_EVERY
            if sent < IN_FLIGHT:
                await self._rest(sent, min(POLL, many_at - now()) if more else POLL)

    async def _send(self, connection: asyncpg.Connection, unsent: str) -> int:
        """Send the oldest rows; how many: as many as are in flight at once means there are more."""
        rows = await connection.fetch(unsent)
        if not rows:
            return 0
        sent = await self._publish(rows)
        if sent:
            await connection.execute(SENT, sent)
            OUTBOX_PUBLISHED.inc(len(sent))
        if len(sent) < len(rows):
            OUTBOX_FAILURES.inc(len(rows) - len(sent))
        return len(sent)

    async def _publish(self, rows: Sequence[asyncpg.Record]) -> list[int]:
        """The numbers of the rows that the stream has acknowledged."""
        acks: list[asyncio.Future[Any]] = []
        try:
            for row in rows:
                if not self._bus.is_connected:
                    break  # the client would keep it in memory, and lose it with the process
                acks.append(await self._begin(row))
        except nats.errors.Error as error:
            log.warning("relay_publish_failed", cause=repr(error))
        if acks:
            await asyncio.wait(acks, timeout=ACK_TIMEOUT)
        for ack in acks:
            ack.cancel()
        failed = {repr(e) for ack in acks if not ack.cancelled() and (e := ack.exception())}
        if failed:
            log.warning("relay_not_acknowledged", causes=sorted(failed))
        return [
            row["number"]
            for row, ack in zip(rows, acks, strict=False)
            if not ack.cancelled() and ack.exception() is None
        ]

    async def _begin(self, row: asyncpg.Record) -> asyncio.Future[Any]:
        """Publish one row; what consumers do follows from the span that ends with the ack."""
        headers = headers_of(row)
        sending = _sending(row, headers)
        headers[TRACEPARENT] = sending.begin()
        try:
            ack = await self._bus.jetstream.publish_async(
                row["subject"], row["body"], headers=headers
            )
        except nats.errors.Error as error:
            sending.end(error)
            raise
        ack.add_done_callback(lambda done: sending.end(_refusal(done)))
        return ack

    async def _measure(self, connection: asyncpg.Connection) -> None:
        pending, age = await connection.fetchrow(MEASURE)
        OUTBOX_PENDING.set(pending)
        OUTBOX_OLDEST_AGE.set(age)

    async def _rest(self, sent: int, longest: float) -> None:
        await asyncio.sleep(rest_after(sent))
        with suppress(TimeoutError):
            async with asyncio.timeout(longest):
                await self._woken.wait()
        self._woken.clear()


def _sending(row: asyncpg.Record, headers: Mapping[str, str]) -> Span:
    # Named for the type: a subject also says which of its partitions, and there are many.
    return span(
        f"publish {row['type']}",
        "producer",
        parent=headers.get(TRACEPARENT),
        attributes={
            "messaging.system": "nats",
            "messaging.operation.name": "publish",
            "messaging.operation.type": "send",
            "messaging.destination.name": row["subject"],
            "messaging.message.id": str(row["event_id"]),
            "messaging.message.body.size": len(row["body"]),
        },
    )


def _refusal(ack: asyncio.Future[Any]) -> BaseException | None:
    """Why the stream did not take it; one that was given up waiting for came too late."""
    return TimeoutError() if ack.cancelled() else ack.exception()
