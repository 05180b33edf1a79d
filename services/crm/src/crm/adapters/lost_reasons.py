"""Lost reasons as they are set up: all of a workspace at once."""

from datetime import datetime

from sqlalchemy import DateTime, Integer, Uuid, bindparam, insert, literal_column, select, update

from crm.adapters.reading import WORKSPACE
from crm.adapters.tables import lost_reasons
from crm.domain.lost_reason import LostReason, ReasonState
from kit.database import Statement, Transaction
from kit.unit_of_work import UnitOfWork

LOAD = Statement(
    select(
        lost_reasons.c.id,
        lost_reasons.c.version,
        lost_reasons.c.name,
        lost_reasons.c.position,
        lost_reasons.c.removed_at,
    )
    .where(lost_reasons.c.workspace_id == WORKSPACE)
    .order_by(lost_reasons.c.position, lost_reasons.c.id)
    .with_for_update(key_share=True)
)
ADD = Statement(
    insert(lost_reasons).values(
        {name: bindparam(name) for name in ("id", "workspace_id", "version", "name", "position")}
    )
)
SAVE = Statement(
    update(lost_reasons)
    .where(
        lost_reasons.c.workspace_id == WORKSPACE,
        lost_reasons.c.id == bindparam("reason", type_=Uuid()),
        lost_reasons.c.version == bindparam("read", type_=Integer()),
    )
    .values(
        version=lost_reasons.c.version + literal_column("1"),
        name=bindparam("name"),
        position=bindparam("position"),
        removed_at=bindparam("removed_at", type_=DateTime(timezone=True)),
    )
)


async def load_all(tx: Transaction) -> list[LostReason]:
    """All reasons in order, also those that are offered no more, kept from other changes."""
    return [
        LostReason(
            id=row["id"],
            workspace_id=tx.workspace_id,
            version=row["version"],
            state=ReasonState(row["name"], row["position"], row["removed_at"] is not None),
        )
        for row in await tx.rows(LOAD, workspace=tx.workspace_id)
    ]


async def add(uow: UnitOfWork, reason: LostReason) -> None:
    """Write a new reason, and tell of it."""
    await uow.run(
        ADD,
        id=reason.id,
        workspace_id=uow.workspace_id,
        version=reason.version,
        name=reason.state.name,
        position=reason.state.position,
    )
    uow.tell(reason)


async def save(uow: UnitOfWork, reason: LostReason, *, now: datetime) -> None:
    """Write what can change in a reason, and tell of it."""
    count = await uow.run(
        SAVE,
        workspace=uow.workspace_id,
        reason=reason.id,
        read=reason.version,
        name=reason.state.name,
        position=reason.state.position,
        removed_at=now if reason.state.removed else None,
    )
    uow.saved(reason, rows=count)
