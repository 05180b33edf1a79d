"""Events that could not be handled, kept with the reason, and tried once more at each start."""

from collections.abc import Mapping
from typing import TypedDict, cast
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    any_,
    bindparam,
    delete,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, insert

from kit.database import Statement, SystemTransaction
from kit.outbox import metadata
from kit.pool import Pool

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("event_id", Uuid, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("error", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("died_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)


class DeadLetter(TypedDict):
    """A message as it came, and why it went no further."""

    event_id: UUID
    subject: str
    headers: Mapping[str, str]
    body: bytes
    error: str
    attempts: int


_given = ("consumer", *DeadLetter.__annotations__)
_written = insert(dead_letters).values({name: bindparam(name) for name in _given})
_of_consumer = dead_letters.c.consumer == bindparam("consumer", type_=Text())

BURY = Statement(
    _written.on_conflict_do_update(
        index_elements=["consumer", "event_id"],
        set_={
            "error": _written.excluded.error,
            "attempts": _written.excluded.attempts,
            "died_at": func.now(),
        },
    )
)
LIST = Statement(
    select(*(dead_letters.c[name] for name in DeadLetter.__annotations__))
    .where(_of_consumer)
    .order_by(dead_letters.c.event_id)
)
REMOVE = Statement(
    delete(dead_letters).where(
        _of_consumer, dead_letters.c.event_id == any_(bindparam("ids", type_=ARRAY(Uuid())))
    )
)
COUNT = Statement(select(func.count()).select_from(dead_letters))


async def bury(pool: Pool, consumer: str, letter: DeadLetter) -> int:
    """Keep a message that was given up; returns how many there are now, of all consumers."""
    async with SystemTransaction(pool) as tx:
        await tx.run(BURY, consumer=consumer, **letter)
        count: int = await tx.value(COUNT)
        await tx.commit()
    return count


async def buried(pool: Pool, consumer: str) -> list[DeadLetter]:
    """What a consumer gave up, oldest event first."""
    async with SystemTransaction(pool) as tx:
        rows = await tx.rows(LIST, consumer=consumer)
    return [cast(DeadLetter, dict(row)) for row in rows]


async def remove(pool: Pool, consumer: str, event_ids: list[UUID]) -> int:
    """Forget messages that were handled after all, or are not wanted; returns what is left."""
    async with SystemTransaction(pool) as tx:
        await tx.run(REMOVE, consumer=consumer, ids=event_ids)
        count: int = await tx.value(COUNT)
        await tx.commit()
    return count
