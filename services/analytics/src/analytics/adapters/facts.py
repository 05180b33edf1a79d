"""Facts as they stood at a moment, for statements of reports."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
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

from analytics.adapters.tables import deal_states

WORKSPACE = bindparam("workspace", type_=Uuid())
CURRENCY = bindparam("currency", type_=Text())


def value_in(table: Any, currency: ColumnElement[str]) -> ColumnElement[int]:
    """Value of a deal in the workspace's currency, minor units; null when no rate is known.

    For `deals` and `deal_states`. Amounts of other currencies are never taken as they are.
    """
    c = table.c
    return case(
        (c.currency == currency, c.amount_minor),
        (c.base_currency == currency, c.base_minor),
        else_=cast(null(), BigInteger),
    )


def as_of(
    moment: ColumnElement[datetime], *, workspace: ColumnElement[UUID] = WORKSPACE
) -> Subquery:
    """Every deal as it stood before a moment: the columns of `deal_states`, a row per deal."""
    s = deal_states.c
    return (
        select(deal_states)
        .where(s.workspace_id == workspace, s.happened_at < moment)
        .distinct(s.deal_id)
        .order_by(s.deal_id, s.version.desc())
        .subquery("stood")
    )
