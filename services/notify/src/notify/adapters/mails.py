"""Mails that wait to be sent: a row is the truth, and is leased by whoever sends it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import DateTime, Integer, Text, Uuid, bindparam, delete, insert, select, update

from kit.database import Statement, SystemTransaction
from kit.pool import Pool
from kit.unit_of_work import UnitOfWork
from notify.adapters.tables import mails

QUEUED, SENT, FAILED = "queued", "sent", "failed"
LEASE = timedelta(seconds=60)  # longer than a delivery may take; then another sender tries
KEEP = timedelta(days=30)

_NOW = bindparam("now", type_=DateTime(timezone=True))
_ID = bindparam("mail", type_=Uuid())
_due = (
    select(mails.c.id)
    .where(mails.c.status == QUEUED, mails.c.next_attempt_at <= _NOW)
    .order_by(mails.c.next_attempt_at)
    .limit(bindparam("limit", type_=Integer()))
    .with_for_update(skip_locked=True)
)

ADD = Statement(
    insert(mails).values(
        {c.name: bindparam(c.name) for c in mails.c if c.name not in ("error", "sent_at")}
    )
)
LEASE_DUE = Statement(
    update(mails)
    .where(mails.c.id.in_(_due.scalar_subquery()))
    .values(
        attempts=mails.c.attempts + 1,
        next_attempt_at=bindparam("until", type_=DateTime(timezone=True)),
    )
    .returning(
        mails.c.id,
        mails.c.to_address,
        mails.c.to_name,
        mails.c.subject,
        mails.c.text,
        mails.c.html,
        mails.c.unsubscribe,
        mails.c.attempts,
        mails.c.queued_at,
    )
)
# What was sent is not kept: a mail may hold a link that lets somebody in.
DONE = Statement(
    update(mails)
    .where(mails.c.id == _ID)
    .values(status=SENT, sent_at=_NOW, text="", html="", unsubscribe="")
)
AGAIN = Statement(
    update(mails)
    .where(mails.c.id == _ID, mails.c.status == QUEUED)
    .values(
        next_attempt_at=bindparam("at", type_=DateTime(timezone=True)),
        error=bindparam("error", type_=Text()),
    )
)
GIVE_UP = Statement(
    update(mails)
    .where(mails.c.id == _ID)
    .values(status=FAILED, error=bindparam("error", type_=Text()), text="", html="", unsubscribe="")
)
DUE_FOR = f"""
SELECT extract(epoch FROM now() - min(next_attempt_at))::float8
FROM mails WHERE status = '{QUEUED}' AND next_attempt_at <= now()"""
FORGET = Statement(delete(mails).where(mails.c.status != QUEUED, mails.c.queued_at < _NOW))


class NewMail(NamedTuple):
    """A mail to one person. Its id is also its Message-ID, whenever it is sent again."""

    id: UUID
    to_address: str
    to_name: str
    subject: str
    text: str
    html: str
    unsubscribe: str


class LeasedMail(NamedTuple):
    """A mail that is ours to send for a while."""

    id: UUID
    to_address: str
    to_name: str
    subject: str
    text: str
    html: str
    unsubscribe: str
    attempts: int
    queued_at: datetime


async def queue(uow: UnitOfWork, letters: Sequence[NewMail], now: datetime) -> None:
    """They go out once this commits."""
    fixed = {
        "workspace_id": uow.workspace_id,
        "status": QUEUED,
        "attempts": 0,
        "next_attempt_at": now,
        "queued_at": now,
    }
    await uow.run_many(ADD, [{**letter._asdict(), **fixed} for letter in letters])


async def lease(system: Pool, *, now: datetime, limit: int) -> list[LeasedMail]:
    """Those that are due and nobody else has."""
    async with SystemTransaction(system) as tx:
        rows = await tx.rows(LEASE_DUE, now=now, until=now + LEASE, limit=limit)
        await tx.commit()
    return [LeasedMail(*row) for row in rows]


async def due_for(system: Pool) -> float:
    """Seconds since the oldest mail that is due was so; zero when none is."""
    seconds: float | None = await system.fetchval(DUE_FOR)
    return seconds or 0.0


async def sent(system: Pool, mail_id: UUID, now: datetime) -> None:
    """The server took it."""
    await _settle(system, DONE, mail=mail_id, now=now)


async def try_again(system: Pool, mail_id: UUID, *, at: datetime, error: str) -> None:
    """The server did not take it now."""
    await _settle(system, AGAIN, mail=mail_id, at=at, error=error)


async def give_up(system: Pool, mail_id: UUID, error: str) -> None:
    """The server will not take it."""
    await _settle(system, GIVE_UP, mail=mail_id, error=error)


async def forget(system: Pool, now: datetime) -> None:
    """Those that were settled long ago."""
    await _settle(system, FORGET, now=now - KEEP)


async def _settle(system: Pool, statement: Statement, **values: object) -> None:
    await system.execute(statement.sql, *statement.arguments(values))
