"""What a unit of work keeps, tells, refuses and costs; on a real database under forced RLS."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    bindparam,
    insert,
    select,
    update,
)

from kit.aggregate import Aggregate, Fact
from kit.database import Statement, SystemTransaction, Transaction
from kit.ids import new_id

notes = Table(
    "notes",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid),
    Column("version", Integer),
    Column("text", Text),
)
ADD = Statement(insert(notes).inline())
TEXTS = Statement(select(notes.c.text).order_by(notes.c.text))
SAVE = Statement(
    update(notes)
    .where(notes.c.id == bindparam("note"), notes.c.version == bindparam("read"))
    .values(version=notes.c.version + 1, text=bindparam("text"))
)
AT = datetime(2026, 1, 5, 9, tzinfo=UTC)


@dataclass(eq=False, kw_only=True)
class Note(Aggregate):
    text: str

    def rewrite(self, text: str) -> None:
        self.text = text
        self.tell(Fact(aggregate_id=self.id, version=self.version + 1, at=AT, by=None))


async def add(tx: Transaction, text: str, workspace: UUID | None = None) -> Note:
    note = Note(id=new_id(), workspace_id=workspace or tx.workspace_id, version=1, text=text)
    await tx.run(ADD, id=note.id, workspace_id=note.workspace_id, version=1, text=text)
    return note


async def texts(tx: SystemTransaction) -> list[str]:
    return [row["text"] for row in await tx.rows(TEXTS)]


async def told(database, note: Note) -> list[asyncpg.Record]:
    return await database.owner.fetch(
        "SELECT * FROM outbox WHERE aggregate_id = $1 ORDER BY number", note.id
    )


async def test_a_change_and_its_fact_commit_together(unit, database):
    async with unit() as uow:
        note = await add(uow, "first")
        await uow.commit()
    async with unit() as uow:
        note.rewrite("second")
        rows = await uow.run(SAVE, note=note.id, read=1, text=note.text)
        uow.saved(note, rows=rows)
        await uow.commit()
    async with unit() as uow:
        assert await texts(uow) == ["second"]
    [row] = await told(database, note)
    assert (row["type"], row["body"], row["sent_at"]) == ("sample.note.v1.written", b"2", None)
    assert (row["workspace_id"], row["happened_at"]) == (uow.workspace_id, AT)


async def test_without_a_commit_nothing_happened(unit, database):
    async with unit() as uow:
        note = await add(uow, "lost")
        note.rewrite("lost too")
        uow.tell(note)
    async with unit() as uow:
        assert await texts(uow) == []
    assert await told(database, note) == []
