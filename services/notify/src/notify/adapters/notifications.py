"""Notifications of one person, latest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import (
    ARRAY,
    DateTime,
    Integer,
    Text,
    Uuid,
    bindparam,
    func,
    insert,
    select,
    true,
    update,
)

from kit.database import Statement, Transaction
from kit.unit_of_work import UnitOfWork
from notify.adapters.tables import notifications
from notify.domain.errors import NotificationNotFound

COUNTED = 100  # unread ones are counted up to here; a badge shows no more
_t = notifications.c
_own = (
    _t.workspace_id == bindparam("workspace", type_=Uuid()),
    _t.user_id == bindparam("user", type_=Uuid()),
    # Those that the reader's role does not reach any more are not there.
    _t.kind != func.all(bindparam("hidden", type_=ARRAY(Text()))),
)
_before = _t.id < bindparam("before", type_=Uuid())
_limit = bindparam("limit", type_=Integer())
_unread_count = (
    select(func.count())
    .select_from(select(true()).where(*_own, _t.read_at.is_(None)).limit(COUNTED).subquery())
    .scalar_subquery()
)

ADD = Statement(
    insert(notifications).values({c.name: bindparam(c.name) for c in _t if c.name != "read_at"})
)
PAGE = Statement(select(notifications).where(*_own, _before).order_by(_t.id.desc()).limit(_limit))
UNREAD_PAGE = Statement(
    select(notifications)
    .where(*_own, _before, _t.read_at.is_(None))
    .order_by(_t.id.desc())
    .limit(_limit)
)
UNREAD = Statement(select(_unread_count))
READ = Statement(
    update(notifications)
    .where(*_own, _t.id == bindparam("notification", type_=Uuid()))
    .values(read_at=func.coalesce(_t.read_at, bindparam("now", type_=DateTime(timezone=True))))
    .returning(notifications)
)
READ_ALL = Statement(
    update(notifications)
    .where(*_own, _t.read_at.is_(None))
    .values(read_at=bindparam("now", type_=DateTime(timezone=True)))
)


class Reader(NamedTuple):
    """Who reads, and the kinds that their role does not reach."""

    user_id: UUID
    hidden: Sequence[str]


class NewNotification(NamedTuple):
    """What one person is told."""

    id: UUID
    user_id: UUID
    kind: str
    title: str
    body: str
    target_kind: str
    target_id: UUID | None
    created_at: datetime


async def add(uow: UnitOfWork, told: Sequence[NewNotification]) -> None:
    """Many at once."""
    await uow.run_many(ADD, [{"workspace_id": uow.workspace_id, **n._asdict()} for n in told])


async def page(
    tx: Transaction, reader: Reader, *, before: UUID, limit: int, unread_only: bool
) -> list[asyncpg.Record]:
    """Older than `before`."""
    statement = UNREAD_PAGE if unread_only else PAGE
    return await tx.rows(
        statement,
        workspace=tx.workspace_id,
        user=reader.user_id,
        hidden=reader.hidden,
        before=before,
        limit=limit,
    )


async def unread_count(tx: Transaction, reader: Reader) -> int:
    """Up to COUNTED."""
    return int(
        await tx.value(UNREAD, workspace=tx.workspace_id, user=reader.user_id, hidden=reader.hidden)
    )


async def mark_read(
    uow: UnitOfWork, reader: Reader, notification_id: UUID, now: datetime
) -> asyncpg.Record:
    """Raises NotificationNotFound, also for somebody else's."""
    row = await uow.row(
        READ,
        workspace=uow.workspace_id,
        user=reader.user_id,
        hidden=reader.hidden,
        notification=notification_id,
        now=now,
    )
    if row is None:
        raise NotificationNotFound("There is no such notification.")
    return row


async def mark_all_read(uow: UnitOfWork, reader: Reader, now: datetime) -> int:
    """The number of those that were unread."""
    return await uow.run(
        READ_ALL,
        workspace=uow.workspace_id,
        user=reader.user_id,
        hidden=reader.hidden,
        now=now,
    )
