"""Odds, forecasts and what they rest on, as reports read them: rows of one edition."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Double,
    Integer,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    func,
    lateral,
    or_,
    select,
    true,
)

from analytics.adapters.queries import CLIENT_NAME, IS_CLIENT
from analytics.adapters.stood import AT, OWNERS, WORKSPACE, at, counted, total
from analytics.adapters.tables import (
    accuracies,
    clients,
    deal_scores,
    deals,
    forecasts,
    models,
    projections,
    said_odds,
    stage_entries,
)
from kit.database import Statement, Transaction

WHOLE = UUID(int=0)
"""Stands for the whole workspace where an owner's id stands else."""

EDITION = bindparam("edition", type_=Text())
OWNER = bindparam("owner", type_=Uuid())
LIMIT = bindparam("size", type_=Integer())
ABOVE: ColumnElement[float | None] = bindparam("above", type_=Double())
AFTER = bindparam("after", type_=Uuid())
IDS = bindparam("ids", type_=ARRAY(Uuid()))

FORECAST = Statement(
    select(forecasts).where(
        forecasts.c.workspace_id == WORKSPACE,
        forecasts.c.edition == EDITION,
        forecasts.c.metric == bindparam("metric", type_=Text()),
        forecasts.c.owner_id == OWNER,
    )
)
PROJECTION = Statement(
    select(projections).where(
        projections.c.workspace_id == WORKSPACE,
        projections.c.edition == EDITION,
        projections.c.owner_id == OWNER,
        projections.c.days == bindparam("days", type_=Integer()),
    )
)
_shown = [c for c in models.c if c.name != "body"]
MODEL = Statement(
    select(*_shown).where(
        models.c.workspace_id == WORKSPACE,
        models.c.edition == EDITION,
        models.c.kind == bindparam("kind", type_=Text()),
    )
)

_s = deal_scores.c
_e = stage_entries.c
_stage = lateral(
    select(_e.stage_name)
    .where(_e.workspace_id == WORKSPACE, _e.deal_id == _s.deal_id, _e.entered_at < AT)
    .order_by(_e.version.desc())
    .limit(1)
).alias("stage")
_o = said_odds.c
_said = lateral(
    select(_o.probability)
    .where(
        _o.workspace_id == WORKSPACE,
        _o.kind == "win",
        _o.source == "published",
        _o.subject_id == _s.deal_id,
        _o.said_at <= at("week_ago"),
    )
    .order_by(_o.said_at.desc())
    .limit(1)
).alias("said")
_odds = (
    select(
        deal_scores,
        deals.c.name,
        CLIENT_NAME,
        deals.c.amount_minor,
        deals.c.currency,
        _stage.c.stage_name,
        _said.c.probability.label("before"),
    )
    .select_from(
        deal_scores.join(
            deals, and_(deals.c.workspace_id == WORKSPACE, deals.c.deal_id == _s.deal_id)
        )
        .outerjoin(clients, IS_CLIENT)
        .outerjoin(_stage, true())
        .outerjoin(_said, true())
    )
    .where(_s.workspace_id == WORKSPACE, _s.edition == EDITION)
)
_advice = bindparam("advice", type_=Text())
_wanted = (
    _s.workspace_id == WORKSPACE,
    _s.edition == EDITION,
    or_(OWNERS.is_(None), _s.owner_id == func.any(OWNERS)),
    or_(_advice.is_(None), _s.advice == _advice),
    or_(IDS.is_(None), _s.deal_id == func.any(IDS)),
)
ODDS = Statement(
    _odds.where(
        *_wanted,
        or_(
            ABOVE.is_(None),
            _s.priority < ABOVE,
            and_(_s.priority == ABOVE, _s.deal_id > AFTER),
        ),
    )
    .order_by(_s.priority.desc(), _s.deal_id)
    .limit(LIMIT)
)
ODDS_OF = Statement(_odds.where(_s.deal_id == bindparam("deal", type_=Uuid())))
_value = cast(_s.value_minor, Double)
ODDS_SUM = Statement(
    select(
        func.count().label("deals"),
        counted(_s.value_minor.is_not(None)).label("valued"),
        total(_s.expected_minor, _s.value_minor.is_not(None)).label("expected"),
        func.coalesce(func.sum(_value * _value * _s.probability * (1 - _s.probability)), 0.0).label(
            "variance"
        ),
        func.max(_value).label("largest"),
        total(_s.value_minor, _s.value_minor.is_not(None)).label("whole"),
    ).where(*_wanted)
)
LEFT_OUT = Statement(
    select(_s.deal_id, deals.c.name, _s.value_minor, _s.probability, _s.arrivals)
    .join(deals, and_(deals.c.workspace_id == WORKSPACE, deals.c.deal_id == _s.deal_id))
    .where(*_wanted)
    .order_by(_s.deal_id)
)

ACCURACIES = Statement(select(accuracies).where(accuracies.c.workspace_id == WORKSPACE))


class Page(NamedTuple):
    """Where a page begins, in the list's own order, and how many rows it may have."""

    size: int
    above: float | None = None
    after: UUID | None = None


async def forecast(
    tx: Transaction, edition: str, metric: str, owner: UUID | None
) -> asyncpg.Record | None:
    """The row of a metric, of one owner or of all."""
    return await tx.row(
        FORECAST, workspace=tx.workspace_id, edition=edition, metric=metric, owner=owner or WHOLE
    )


async def projection(
    tx: Transaction, edition: str, owner: UUID | None, days: int
) -> asyncpg.Record | None:
    """What the next days bring."""
    return await tx.row(
        PROJECTION, workspace=tx.workspace_id, edition=edition, owner=owner or WHOLE, days=days
    )


async def model(tx: Transaction, edition: str, kind: str) -> asyncpg.Record | None:
    """What a model rests on: `win` or `churn`."""
    return await tx.row(MODEL, workspace=tx.workspace_id, edition=edition, kind=kind)


async def odds(tx: Transaction, page: Page, **wanted: Any) -> list[asyncpg.Record]:
    """Open deals by priority."""
    return await tx.rows(
        ODDS,
        workspace=tx.workspace_id,
        size=page.size,
        above=page.above,
        after=page.after,
        **wanted,
    )


async def odds_of(
    tx: Transaction, deal_id: UUID, *, edition: str, at: datetime, week_ago: datetime
) -> asyncpg.Record | None:
    """One open deal's."""
    return await tx.row(
        ODDS_OF,
        workspace=tx.workspace_id,
        deal=deal_id,
        edition=edition,
        at=at,
        week_ago=week_ago,
    )


async def odds_sum(tx: Transaction, **wanted: Any) -> asyncpg.Record:
    """Number, expected value and its spread of all that match."""
    row = await tx.row(ODDS_SUM, workspace=tx.workspace_id, **wanted)
    assert row is not None  # aggregates always answer
    return row


async def left_out(tx: Transaction, **wanted: Any) -> list[asyncpg.Record]:
    """Deals that a forecast is to do without."""
    return await tx.rows(LEFT_OUT, workspace=tx.workspace_id, **wanted)


async def measured(tx: Transaction) -> dict[tuple[str, str], asyncpg.Record]:
    """By subject and source."""
    rows = await tx.rows(ACCURACIES, workspace=tx.workspace_id)
    return {(row["subject"], row["source"]): row for row in rows}
