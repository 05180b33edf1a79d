"""Who stands above companies, for one transaction at a time: see migration 0014."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text

from crm.domain.lines import Lines
from kit.database import Statement, Transaction

ABOVE = Statement(
    text("SELECT id, parent_id FROM company_lines(:ids)").bindparams(
        bindparam("ids", type_=ARRAY(Uuid()))
    )
)


async def above(tx: Transaction, ids: Iterable[UUID]) -> Lines:
    """All lines upwards; until the transaction ends nobody else changes any in the workspace.

    To be called before clients are locked, or two would wait for each other.
    """
    rows = await tx.rows(ABOVE, ids=list(ids))
    return Lines({row["id"]: row["parent_id"] for row in rows})
