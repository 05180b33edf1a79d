"""Facts as they stood at a moment, for statements of reports."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Subquery,
    Text,
    Uuid,
    bindparam,
    case,
    cast,
    null,
    select,
)
from sqlalchemy.dialects.postgresql import distinct_on

from analytics.adapters.tables import activity_states, deal_states

WORKSPACE = bindparam("workspace", type_=Uuid())
CURRENCY = bindparam("currency", type_=Text())
DEFAULT_CURRENCY = "EUR"
"""Of a workspace that auth has not told of yet."""


def value_in(table: Any, currency: ColumnElement[str]) -> ColumnElement[int]:
    """Value of a deal in the workspace's currency, minor units; null when no rate is known.

    For `deals` and `deal_states`. Amounts of other currencies are never taken as they are: they
    count at the workspace's rates where those were told, else as crm converted them.
    """
    c = table.c
    return case(
        (c.currency == currency, c.amount_minor),
        (c.rated_currency == currency, c.rated_minor),
        (c.base_currency == currency, c.base_minor),
        else_=cast(null(), BigInteger),
    )


def as_of(moment: ColumnElement[datetime], *, workspace: ColumnElement[UUID] = WORKSPACE) -> CTE:
    """Every deal as it stood before a moment: the columns of `deal_states`, a row per deal.

    A part of the statement by a name of its own: whoever reads it twice has it computed once. The
    order is that of the primary key read backwards, so that nothing is sorted.
    """
    s = deal_states.c
    return (
        select(deal_states)
        .where(s.workspace_id == workspace, s.happened_at < moment)
        .ext(distinct_on(s.deal_id))
        .order_by(s.deal_id.desc(), s.version.desc())
        .cte("stood")
    )


def activities_as_of(
    moment: ColumnElement[datetime], *, workspace: ColumnElement[UUID] = WORKSPACE
) -> Subquery:
    """Every activity as it stood before a moment; the deleted ones are among them."""
    s = activity_states.c
    return (
        select(activity_states)
        .where(s.workspace_id == workspace, s.happened_at < moment)
        .ext(distinct_on(s.activity_id))
        .order_by(s.activity_id.desc(), s.version.desc())
        .subquery("activity_stood")
    )
