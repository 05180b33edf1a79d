"""Mails on their way out: leased, sent, settled.

A mail repeats only when process or database die between the server's yes and our commit; it then
carries the same Message-ID.
"""

import asyncio
from datetime import timedelta

from kit.clock import Clock
from kit.pool import Pool
from kit.telemetry import Log
from notify.adapters import mails, measures
from notify.adapters.envelopes import envelope
from notify.adapters.mails import LeasedMail
from notify.adapters.smtp import Connection, MailDeferred, MailRefused, Smtp

BATCH = 20
A_CONNECTION = 5  # mails go over it one after the other, as many connections as that takes
ATTEMPTS = 12
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=5), timedelta(hours=1)

log = Log(__name__)


async def send_due(system: Pool, smtp: Smtp, *, mail_from: str, clock: Clock) -> int:
    """Send what is due; how many were tried. What ends one connection's work ends all of it."""
    leased = await mails.lease(system, now=clock.now(), limit=BATCH)
    waiting = iter(leased)

    async def deliver() -> None:
        async with smtp.connection() as connection:
            for mail in waiting:  # whoever is free takes the next one
                await _send(system, connection, mail, mail_from=mail_from, clock=clock)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(0, len(leased), A_CONNECTION):
                group.create_task(deliver())
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return len(leased)


def delay_after(attempts: int) -> timedelta:
    """Twice as long each time, up to an hour."""
    doubled: timedelta = FIRST_DELAY * 2 ** min(attempts - 1, 20)
    return min(doubled, LONGEST_DELAY)


async def _send(
    system: Pool, connection: Connection, mail: LeasedMail, *, mail_from: str, clock: Clock
) -> None:
    try:
        await connection.send(envelope(mail, mail_from))
    except MailRefused as refusal:
        measures.REFUSED.inc()
        log.warning("mail_refused", mail=str(mail.id), attempts=mail.attempts)
        await mails.give_up(system, mail.id, str(refusal))
    except MailDeferred as deferral:
        if mail.attempts >= ATTEMPTS:
            measures.GIVEN_UP.inc()
            log.warning("mail_given_up", mail=str(mail.id), attempts=mail.attempts)
            await mails.give_up(system, mail.id, str(deferral))
            return
        measures.DEFERRED.inc()
        at = clock.now() + delay_after(mail.attempts)
        await mails.try_again(system, mail.id, at=at, error=str(deferral))
    else:
        now = clock.now()
        await mails.sent(system, mail.id, now)
        measures.ACCEPTED.inc()
        measures.MAIL_DELAY.observe((now - mail.queued_at).total_seconds())
