"""The sample service's one noun: what a service's adapters would be."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

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
from kit.unit_of_work import UnitOfWork

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)

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
LOCK = Statement(
    select(notes).where(notes.c.id == bindparam("note", type_=Uuid())).with_for_update()
)
SAVE = Statement(
    update(notes)
    .where(
        notes.c.id == bindparam("note", type_=Uuid()),
        notes.c.version == bindparam("read", type_=Integer()),
    )
    .values(version=notes.c.version + 1, text=bindparam("text"))
)


@dataclass(eq=False, kw_only=True)
class Note(Aggregate):
    text: str

    def rewrite(self, text: str) -> None:
        self.text = text
        self.tell(Fact(aggregate_id=self.id, version=self.version + 1, at=AT, by=None))


async def add(tx: Transaction, text: str, *, workspace: UUID | None = None) -> Note:
    note = Note(id=new_id(), workspace_id=workspace or tx.workspace_id, version=1, text=text)
    await tx.run(ADD, id=note.id, workspace_id=note.workspace_id, version=1, text=text)
    return note


async def load(tx: Transaction, note_id: UUID) -> Note:
    row = await tx.row(LOCK, note=note_id)
    assert row is not None
    return Note(**row)


async def save(uow: UnitOfWork, note: Note) -> None:
    rows = await uow.run(SAVE, note=note.id, read=note.version, text=note.text)
    uow.saved(note, rows=rows)


async def texts(tx: SystemTransaction) -> list[str]:
    return [row["text"] for row in await tx.rows(TEXTS)]
