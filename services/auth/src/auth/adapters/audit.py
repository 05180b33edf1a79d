"""Who did what: one line for each event that somebody stands behind."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from sqlalchemy import DateTime, Integer, Text, Uuid, bindparam, or_, select
from sqlalchemy.dialects.postgresql import insert

from auth.adapters.tables import audit_entries, members, users
from kit.bus.events import Event
from kit.database import Statement, Transaction

MOST = 300  # characters of what headers say
LAST = UUID(int=2**128 - 1)
WORKSPACE = bindparam("workspace", type_=Uuid())

KEEP = Statement(
    insert(audit_entries)
    .values({column.name: bindparam(column.name) for column in audit_entries.c})
    .on_conflict_do_nothing()
)

_actor, _subject = (bindparam(name, type_=Uuid()) for name in ("actor", "subject"))
_since, _until = (bindparam(name, type_=DateTime(timezone=True)) for name in ("since", "until"))
PAGE = Statement(
    select(audit_entries, users.c.name.label("actor_name"))
    .outerjoin(
        members,
        (members.c.workspace_id == WORKSPACE) & (members.c.user_id == audit_entries.c.actor_id),
    )
    .outerjoin(users, users.c.id == members.c.user_id)
    .where(
        audit_entries.c.workspace_id == WORKSPACE,
        audit_entries.c.event_id < bindparam("before", type_=Uuid()),
        or_(_actor.is_(None), audit_entries.c.actor_id == _actor),
        or_(_subject.is_(None), audit_entries.c.subject_id == _subject),
        audit_entries.c.type.startswith(bindparam("type", type_=Text()), autoescape=False),
        or_(_since.is_(None), audit_entries.c.recorded_at >= _since),
        or_(_until.is_(None), audit_entries.c.recorded_at < _until),
    )
    .order_by(audit_entries.c.event_id.desc())
    .limit(bindparam("size", type_=Integer()))
)


async def keep(tx: Transaction, events: Sequence[Event]) -> None:
    """Write lines for events; one that is there already stays."""
    await tx.run_many(
        KEEP,
        [
            {
                "workspace_id": tx.workspace_id,
                "event_id": event.id,
                "type": event.type,
                "subject_id": event.subject_id,
                "actor_id": event.actor_id,
                "version": event.version or 0,
                "bulk_id": event.bulk_id,
                "happened_at": event.time,
                "recorded_at": event.recorded_at,
                "address": event.headers.get("ff-address", "")[:MOST],
                "detail": event.headers.get("ff-detail", "")[:MOST],
            }
            for event in events
        ],
    )


async def page(
    tx: Transaction,
    *,
    before: UUID,
    actor: UUID | None,
    subject: UUID | None,
    type: str,
    since: datetime | None,
    until: datetime | None,
    size: int,
) -> list[asyncpg.Record]:
    """The latest first, older than `before`."""
    return await tx.rows(
        PAGE,
        workspace=tx.workspace_id,
        before=before,
        actor=actor,
        subject=subject,
        type=type,
        since=since,
        until=until,
        size=size,
    )
