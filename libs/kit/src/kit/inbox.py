"""What a consumer has already done, so that a message delivered again does nothing."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Column,
    DateTime,
    Index,
    Table,
    Text,
    Uuid,
    bindparam,
    exists,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import insert

from kit.database import Statement, Transaction
from kit.erasure import erasures
from kit.outbox import metadata
from kit.pool import Pool

KEEP = timedelta(days=8)  # longer than an outbox may send a row again

inbox = Table(
    "inbox",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("event_id", Uuid, primary_key=True),
    Column("handled_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
Index("ix_inbox_handled_at", inbox.c.handled_at)

_ids = func.unnest(bindparam("ids", type_=ARRAY(Uuid()))).column_valued("id")

_erased = exists().where(erasures.c.workspace_id == bindparam("workspace", type_=Uuid()))

CLAIM = Statement(
    insert(inbox)
    .from_select(
        ["consumer", "event_id"],
        select(bindparam("consumer", type_=Text()), _ids).where(~_erased),
    )
    .on_conflict_do_nothing()
    .returning(inbox.c.event_id)
)


FORGET = """
DELETE FROM inbox WHERE (consumer, event_id) IN (
    SELECT consumer, event_id FROM inbox
    WHERE consumer = $1 AND handled_at < now() - $2::interval LIMIT 5000)"""


async def claim(tx: Transaction, consumer: str, event_ids: Sequence[UUID]) -> set[UUID]:
    """The ids that were not handled before; they count as handled once `tx` commits. None of a
    workspace that was erased.

    Two deliveries at once meet on the key: the second waits for the first, then claims nothing.
    """
    rows = await tx.rows(CLAIM, consumer=consumer, ids=event_ids, workspace=tx.workspace_id)
    return {row["event_id"] for row in rows}


async def forget(system: Pool, consumer: str) -> None:
    """Drop a consumer's oldest claims, some at a time."""
    await system.execute(FORGET, consumer, KEEP)
