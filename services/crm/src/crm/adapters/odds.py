"""Odds of deals, as analytics tells them: read-only for people, and no part of a deal's version."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Double, Text, Uuid, bindparam, column, func, update
from sqlalchemy.types import TypeEngine

from crm.adapters.tables import deals
from kit.database import Statement, Transaction


class Odds(NamedTuple):
    """What a scoring says of a deal; nothing but None for no odds any more."""

    probability: float | None = None
    advice: str | None = None
    evidence: str | None = None


_columns: dict[str, TypeEngine[Any]] = {
    "id": Uuid(),
    "probability": Double(),
    "advice": Text(),
    "evidence": Text(),
}
_told = (
    func.unnest(*(bindparam(name, type_=ARRAY(type_)) for name, type_ in _columns.items()))
    .table_valued(*(column(name, type_) for name, type_ in _columns.items()))
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
    .values(
        win_probability=_told.c.probability,
        advice=_told.c.advice,
        odds_evidence=_told.c.evidence,
        scoring=_run,
    )
)


async def keep(tx: Transaction, odds: Mapping[UUID, Odds], *, run: int) -> int:
    """Keep what a scoring says; how many deals it was news for."""
    told = list(odds.values())
    return await tx.run(
        KEEP,
        workspace=tx.workspace_id,
        id=list(odds),
        probability=[each.probability for each in told],
        advice=[each.advice for each in told],
        evidence=[each.evidence for each in told],
        run=run,
    )
