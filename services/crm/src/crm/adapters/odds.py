"""Odds of deals, as analytics tells them: read-only for people, and no part of a deal's version."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Double, Uuid, bindparam, column, func, update

from crm.adapters.tables import deals
from kit.database import Statement, Transaction

_told = (
    func.unnest(bindparam("ids", type_=ARRAY(Uuid())), bindparam("odds", type_=ARRAY(Double())))
    .table_valued(column("id", Uuid), column("odds", Double))
    .render_derived(name="told")
)
_run = bindparam("run", type_=BigInteger())
# Redelivery breaks order: of two scorings the later one holds.
KEEP = Statement(
    update(deals)
    .where(
        deals.c.workspace_id == bindparam("workspace", type_=Uuid()),
        deals.c.id == _told.c.id,
        deals.c.scoring < _run,
    )
    .values(win_probability=_told.c.odds, scoring=_run)
)


async def keep(tx: Transaction, odds: Mapping[UUID, float | None], *, run: int) -> int:
    """Keep what a scoring says, None for no odds any more; how many deals it was news for."""
    return await tx.run(
        KEEP,
        workspace=tx.workspace_id,
        ids=list(odds),
        odds=list(odds.values()),
        run=run,
    )
