"""Workspaces that are closed: nothing is done for them until they are open again, or erased."""

from uuid import UUID

from sqlalchemy import Boolean, Column, ColumnElement, Integer, Table, Uuid, bindparam, exists
from sqlalchemy.dialects.postgresql import insert

from kit.bus.events import Event
from kit.database import Statement
from kit.outbox import metadata
from kit.unit_of_work import UnitOfWork

closures = Table(
    "closures",
    metadata,
    Column("workspace_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),  # of the workspace: an older event changes nothing
    Column("closed", Boolean, nullable=False),
)

_new = insert(closures).values({column.name: bindparam(column.name) for column in closures.c})
KEEP = Statement(
    _new.on_conflict_do_update(
        index_elements=["workspace_id"],
        set_={"version": _new.excluded.version, "closed": _new.excluded.closed},
        where=closures.c.version < _new.excluded.version,
    )
)

# For statements that look for work; `one` is the row that asks for it.
IS_OPEN = """NOT EXISTS (
    SELECT FROM closures WHERE closures.workspace_id = one.workspace_id AND closures.closed)"""


def is_open(workspace_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    """The same, of a column."""
    return ~exists().where(closures.c.workspace_id == workspace_id, closures.c.closed)


async def closed(uow: UnitOfWork, event: Event) -> None:
    """A consumer's handler: the event says that its workspace was closed."""
    await _keep(uow, event, closed=True)


async def reopened(uow: UnitOfWork, event: Event) -> None:
    """A consumer's handler: the event says that its workspace is open again."""
    await _keep(uow, event, closed=False)


async def _keep(uow: UnitOfWork, event: Event, *, closed: bool) -> None:
    await uow.run(KEEP, workspace_id=event.workspace_id, version=event.version or 0, closed=closed)
    await uow.commit()
