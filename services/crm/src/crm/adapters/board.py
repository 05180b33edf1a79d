"""The board: what its columns add up to, their first cards, and how the sums stay few."""

from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Uuid,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
    true,
)

from crm.adapters.deal_queries import ALIVE, BOARD_FIELDS, SEEN, cards_shown
from crm.adapters.filters import Filter, Shape
from crm.adapters.reading import WORKSPACE, Read, in_sight, rows
from crm.adapters.tables import board_totals, deals, stages
from crm.domain.deal import KNOWS_ODDS
from freelanceflow.type.v1 import filter_pb2 as pb
from kit.pool import Pool
from kit.rpc.identity import caller_may

FIRST_CARDS = 25
NOBODY = UUID(int=0)


class Total(NamedTuple):
    """What the deals of one stage in one currency add up to; no amount is the currency ''."""

    stage_id: UUID
    currency: str
    deals: int
    amount_minor: int
    weighted_minor: int  # those with a probability of their own
    unscored_minor: int  # the others, not yet weighted

    def without_odds(self) -> "Total":
        """For whoever may not know them: as if no deal had any."""
        return self._replace(weighted_minor=0, unscored_minor=self.amount_minor)


def _sum(value: Any, name: str) -> Any:
    return cast(func.sum(value), BigInteger).label(name)


_kept = (
    select(
        board_totals.c.stage_id,
        board_totals.c.currency,
        *(
            _sum(board_totals.c[name], name)
            for name in ("deals", "amount_minor", "weighted_minor", "unscored_minor")
        ),
    )
    .where(board_totals.c.workspace_id == WORKSPACE, in_sight(board_totals))
    .group_by(board_totals.c.stage_id, board_totals.c.currency)
)
TOTALS = Read(_kept)
TOTALS_OF_OWNERS = Read(
    _kept.where(board_totals.c.owner_id == func.any(bindparam("owners", type_=ARRAY(Uuid()))))
)

# Statements that append see their own snapshot; what they add meanwhile is not deleted here and
# counts in the next round. Two of these at once take different rows, or wait and find none.
COMPACT = """
WITH busy AS (
    SELECT DISTINCT workspace_id, stage_id, owner_id, currency
    FROM board_totals WHERE NOT compacted
), gone AS (
    DELETE FROM board_totals t USING busy b
    WHERE t.workspace_id = b.workspace_id AND t.owner_id = b.owner_id
        AND t.stage_id = b.stage_id AND t.currency = b.currency
    RETURNING t.*
)
INSERT INTO board_totals
SELECT workspace_id, stage_id, owner_id, currency,
    sum(deals), sum(amount_minor), sum(weighted_minor), sum(unscored_minor), true
FROM gone GROUP BY workspace_id, stage_id, owner_id, currency
HAVING sum(deals) <> 0 OR sum(amount_minor) <> 0
    OR sum(weighted_minor) <> 0 OR sum(unscored_minor) <> 0
"""


async def totals(pool: Pool, workspace_id: UUID, filter: Filter) -> list[Total]:
    """Per stage and currency. Sums are kept for the whole board and per owner; the rest counts."""
    owners = _owners(filter)
    if owners is not None:
        found = await rows(pool, workspace_id, TOTALS_OF_OWNERS, owners=owners)
    elif filter.shape:
        found = await rows(pool, workspace_id, _counted(filter.shape), **filter.values)
    else:
        found = await rows(pool, workspace_id, TOTALS)
    sums = [Total(*row) for row in found]
    return sums if caller_may(KNOWS_ODDS) else [total.without_odds() for total in sums]


async def first_cards(pool: Pool, workspace_id: UUID, filter: Filter) -> list[asyncpg.Record]:
    """The first cards of all columns, and one more where there are more; in column order."""
    return await rows(pool, workspace_id, _cards(filter.shape), **filter.values)


async def compact(system: Pool) -> None:
    """Replace the addends of each sum by one, in all workspaces; for the system role."""
    await system.execute(COMPACT)


def _owners(filter: Filter) -> list[UUID] | None:
    """Whose deals the filter wants, if that is all it wants."""
    if len(filter.shape) != 1:
        return None
    name, operator, word = filter.shape[0]
    if name != "owner_id":
        return None
    if word == "none":
        return [NOBODY]
    if operator == pb.OPERATOR_EQ:
        return [filter.values["v0"]]
    return filter.values["v0"] if operator == pb.OPERATOR_IN else None


@lru_cache(256)
def _counted(shape: Shape) -> Read:
    amount = func.coalesce(deals.c.amount_minor, literal_column("0"))
    weighted = cast(func.round(deals.c.amount_minor * deals.c.win_probability), BigInteger)
    unscored = case((deals.c.win_probability.is_(None), amount), else_=literal_column("0"))
    currency = func.coalesce(deals.c.currency, literal_column("''")).label("currency")
    return Read(
        select(
            deals.c.stage_id,
            currency,
            func.count().label("deals"),
            _sum(amount, "amount_minor"),
            _sum(func.coalesce(weighted, literal_column("0")), "weighted_minor"),
            _sum(unscored, "unscored_minor"),
        )
        .where(deals.c.workspace_id == WORKSPACE, ALIVE, SEEN, *BOARD_FIELDS.clauses(shape))
        .group_by(deals.c.stage_id, currency)
    )


@lru_cache(256)
def _cards(shape: Shape) -> Read:
    column = stages.alias("board_column")
    page = (
        select(deals)
        .where(
            deals.c.workspace_id == WORKSPACE,
            deals.c.stage_id == column.c.id,
            ALIVE,
            SEEN,
            *BOARD_FIELDS.clauses(shape),
        )
        .order_by(deals.c.position, deals.c.id)
        .limit(literal_column(str(FIRST_CARDS + 1)))
        .lateral("page")
    )
    cards = (
        select(page)
        .select_from(column.join(page, true()))
        .where(column.c.workspace_id == WORKSPACE)
        .subquery("cards")
    )
    return Read(cards_shown(cards).order_by(cards.c.stage_id, cards.c.position, cards.c.id))
