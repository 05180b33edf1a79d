"""The loop that sends what is due."""

import asyncio

from kit.clock import Clock
from kit.pool import ROUND_FAILURES, Pool
from kit.telemetry import Log
from notify.adapters import digests, mails
from notify.adapters.smtp import Smtp
from notify.application.sending import BATCH, send_due

LOOK_EVERY = 5.0  # seconds, when nobody has woken us
GATHER = 0.05  # the transaction that woke us commits meanwhile
FORGET_EVERY = 3600.0
PER_SECOND = 20  # mails: servers turn away who sends more, and nobody waits for one of a thousand

log = Log(__name__)


class Sender:
    """`run` is a background task of the process; `wake` says that there may be something."""

    def __init__(self, system: Pool, smtp: Smtp, *, mail_from: str, clock: Clock) -> None:
        self._system = system
        self._smtp = smtp
        self._mail_from = mail_from
        self._clock = clock
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look soon."""
        self._woken.set()

    async def run(self) -> None:
        """Send for as long as the process lives, whatever happens to database and mail server."""
        while True:
            try:
                while await self._round() == BATCH:
                    pass  # there may be more
            except ROUND_FAILURES as error:
                log.warning("mails_not_sent", cause=repr(error))  # the next round does it
            await self._rest()

    async def forget(self) -> None:
        """Forget what was settled long ago, now and then."""
        while True:
            try:
                await mails.forget(self._system, self._clock.now())
                await digests.forget(self._system, self._clock.now())
            except ROUND_FAILURES as error:
                log.warning("mails_not_forgotten", cause=repr(error))
            await asyncio.sleep(FORGET_EVERY)

    async def _round(self) -> int:
        tried = await send_due(
            self._system, self._smtp, mail_from=self._mail_from, clock=self._clock
        )
        await asyncio.sleep(tried / PER_SECOND)
        return tried

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(LOOK_EVERY):
                await self._woken.wait()
        except TimeoutError:
            return
        self._woken.clear()
        await asyncio.sleep(GATHER)
