"""How many deals a filter meets, and what they add up to."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, literal_column, select

from crm.adapters.deal_queries import ALIVE, DEALS, FIELDS, SEEN
from crm.adapters.filters import Shape
from crm.adapters.reading import WORKSPACE, Read, rows
from crm.adapters.tables import deals
from freelanceflow.type.v1 import filter_pb2 as pb
from kit.pool import Pool


class Sum(NamedTuple):
    """Deals in one currency; those without an amount are in ''."""

    currency: str
    deals: int
    amount_minor: int


async def sums(pool: Pool, workspace_id: UUID, conditions: Sequence[pb.Condition]) -> list[Sum]:
    """Per currency."""
    filter = await DEALS.read_filter(pool, workspace_id, conditions)
    found = await rows(pool, workspace_id, _sums(filter.shape), **filter.values)
    return [Sum(*row) for row in found]


@lru_cache(256)
def _sums(shape: Shape) -> Read:
    currency = func.coalesce(deals.c.currency, literal_column("''")).label("currency")
    amount = func.coalesce(func.sum(deals.c.amount_minor), literal_column("0"))
    counted: list[Any] = [
        currency,
        func.count().label("deals"),
        cast(amount, BigInteger).label("amount_minor"),
    ]
    return Read(
        select(*counted)
        .where(deals.c.workspace_id == WORKSPACE, ALIVE, SEEN, *FIELDS.clauses(shape))
        .group_by(currency)
        .order_by(currency)
    )
