"""Fitted models as rows: the science's own bytes, and what they say about themselves."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Text, Uuid, bindparam, select
from sqlalchemy.dialects.postgresql import insert

from analytics.adapters.tables import models
from kit.database import Statement, Transaction

_put = insert(models).values({c.name: bindparam(c.name, type_=c.type) for c in models.c})
PUT = Statement(
    _put.on_conflict_do_update(
        index_elements=list(models.primary_key),
        set_={c.name: _put.excluded[c.name] for c in models.c if not c.primary_key},
    )
)
FIND = Statement(
    select(models).where(
        models.c.workspace_id == bindparam("workspace", type_=Uuid()),
        models.c.edition == bindparam("edition", type_=Text()),
        models.c.kind == bindparam("kind", type_=Text()),
    )
)


@dataclass(frozen=True, kw_only=True)
class ModelRow:
    """One fitted model of a workspace."""

    kind: str
    version: str
    method: str
    fitted_at: datetime
    trained_from: date | None
    trained_to: date | None
    n: int
    evidence: str
    base_rate: float | None
    horizon_days: int | None
    backtest: dict[str, Any]
    body: bytes


async def find(tx: Transaction, kind: str, edition: str) -> ModelRow | None:
    """The model in use."""
    row = await tx.row(FIND, workspace=tx.workspace_id, edition=edition, kind=kind)
    if row is None:
        return None
    return ModelRow(**{name: row[name] for name in ModelRow.__dataclass_fields__})


async def put(tx: Transaction, model: ModelRow, edition: str) -> None:
    """Use this one from now on."""
    await tx.run(PUT, workspace_id=tx.workspace_id, edition=edition, **vars(model))
