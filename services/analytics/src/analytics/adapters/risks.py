"""Clients by risk, and what people say of it."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import (
    ARRAY,
    Date,
    Double,
    Integer,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert

from analytics.adapters.predictions import ABOVE, AFTER, EDITION, IDS, LIMIT, Page
from analytics.adapters.stood import (
    AT,
    OWNERS,
    WORKSPACE,
    Seen,
    Stood,
    at,
    both,
    counted,
    total,
)
from analytics.adapters.tables import churn_feedback, churn_scores, clients
from kit.database import Statement, Transaction
from kit.unit_of_work import UnitOfWork

_c = churn_scores.c
_f = churn_feedback.c
_today = bindparam("today", type_=Date())
# An answer holds until its day, and no longer than until the client buys again.
_in_force = and_(
    _f.workspace_id == WORKSPACE,
    _f.client_id == _c.client_id,
    _f.purchases == _c.purchases,
    or_(_f.until.is_(None), _f.until >= _today),
)
_rank = _c.probability * cast(_c.at_stake_minor, Double)
_scored = churn_scores.join(
    clients, and_(clients.c.workspace_id == WORKSPACE, clients.c.client_id == _c.client_id)
)
_risks = (
    select(
        churn_scores,
        clients.c.name,
        clients.c.owner_id,
        _rank.label("rank"),
        _f.kind.label("answer"),
        _f.until,
        _f.given_by,
        _f.given_at,
    )
    .select_from(_scored.outerjoin(churn_feedback, _in_force))
    .where(
        _c.workspace_id == WORKSPACE,
        _c.edition == EDITION,
        or_(OWNERS.is_(None), clients.c.owner_id == func.any(OWNERS)),
    )
)
_levels = bindparam("levels", type_=ARRAY(Text()))
RISKS = Statement(
    _risks.where(
        _c.probability.is_not(None),
        or_(_levels.is_(None), _c.level == func.any(_levels)),
        or_(bindparam("with_answered", type_=Integer()) == 1, _f.kind.is_(None)),
        or_(
            ABOVE.is_(None),
            tuple_(-_rank, _c.client_id) > tuple_(-ABOVE, AFTER),
        ),
    )
    .order_by((-_rank), _c.client_id)
    .limit(LIMIT)
)
RISK_OF = Statement(_risks.where(_c.client_id == bindparam("client", type_=Uuid())))
LEVELS = Statement(
    select(
        _c.level,
        func.count().label("clients"),
        total(_c.at_stake_minor, true()).label("value"),
        func.max(_c.horizon_days).label("horizon"),
    )
    .select_from(_scored)
    .where(
        _c.workspace_id == WORKSPACE,
        _c.edition == EDITION,
        _c.probability.is_not(None),
        or_(OWNERS.is_(None), clients.c.owner_id == func.any(OWNERS)),
    )
    .group_by(_c.level)
)


def _own(d: Stood) -> Any:
    """What the callers' own deals with these clients came to."""
    return (
        select(
            d.c.client_id,
            counted(d.won).label("won"),
            counted(d.lost).label("lost"),
            total(d.value, and_(d.won, d.c.closed_at >= at("year"))).label("value"),
            func.max(d.c.closed_at).filter(d.won).label("last_won"),
        )
        .where(*d.ours, d.c.client_id == func.any(IDS))
        .group_by(d.c.client_id)
    )


OWN = both(_own)
# An answer is judged when the client's horizon is over, or as soon as it has bought.
JUDGED = Statement(
    select(
        func.count().label("answers"),
        counted(_c.purchases > _f.purchases).label("came_back"),
    )
    .select_from(
        churn_feedback.join(
            churn_scores,
            and_(_c.workspace_id == WORKSPACE, _c.edition == "now", _c.client_id == _f.client_id),
        ).join(  # whose policy leaves those in sight
            clients, and_(clients.c.workspace_id == WORKSPACE, clients.c.client_id == _c.client_id)
        )
    )
    .where(
        _f.workspace_id == WORKSPACE,
        _f.kind == "not_at_risk",
        or_(
            _c.purchases > _f.purchases,
            _f.given_at + _c.horizon_days * literal_column("interval '1 day'") < AT,
        ),
    )
)

_answer = insert(churn_feedback).values(
    {c.name: bindparam(c.name, type_=c.type) for c in churn_feedback.c}
)
ANSWER = Statement(
    _answer.on_conflict_do_update(
        index_elements=[_f.workspace_id, _f.client_id],
        set_={
            name: _answer.excluded[name]
            for name in ("kind", "until", "given_by", "given_at", "purchases")
        },
    )
)
TAKE_BACK = Statement(
    churn_feedback.delete().where(
        _f.workspace_id == WORKSPACE, _f.client_id == bindparam("client", type_=Uuid())
    )
)


async def risks(tx: Transaction, page: Page, **wanted: Any) -> list[asyncpg.Record]:
    """Clients by risk times value at stake."""
    return await tx.rows(
        RISKS,
        workspace=tx.workspace_id,
        size=page.size,
        above=page.above,
        after=page.after,
        **wanted,
    )


async def risk_of(tx: Transaction, client_id: UUID, **wanted: Any) -> asyncpg.Record | None:
    """One client's."""
    return await tx.row(RISK_OF, workspace=tx.workspace_id, client=client_id, **wanted)


async def levels(
    tx: Transaction, *, edition: str, owners: list[UUID] | None
) -> dict[str, asyncpg.Record]:
    """How many clients stand on each level."""
    rows = await tx.rows(LEVELS, workspace=tx.workspace_id, edition=edition, owners=owners)
    return {row["level"]: row for row in rows}


async def own_figures(
    tx: Transaction, ids: list[UUID], *, seen: Seen, year: datetime
) -> dict[UUID, asyncpg.Record]:
    """What the deals that are seen came to with these clients."""
    rows = await tx.rows(
        OWN[seen.past], workspace=tx.workspace_id, ids=ids, year=year, **seen.values()
    )
    return {row["client_id"]: row for row in rows}


async def answers_judged(tx: Transaction, *, now: datetime) -> tuple[int, int]:
    """How many answers "not at risk" are judged, and how many of those clients came back."""
    row = await tx.row(JUDGED, workspace=tx.workspace_id, at=now)
    assert row is not None  # aggregates always answer
    return row["answers"], row["came_back"]


async def keep_answer(
    uow: UnitOfWork,
    client_id: UUID,
    *,
    kind: str,
    until: date | None,
    by: UUID,
    at: datetime,
    purchases: int,
) -> None:
    """The newest answer is the one that counts."""
    await uow.run(
        ANSWER,
        workspace_id=uow.workspace_id,
        client_id=client_id,
        kind=kind,
        until=until,
        given_by=by,
        given_at=at,
        purchases=purchases,
    )


async def take_answer_back(uow: UnitOfWork, client_id: UUID) -> None:
    """As if nothing had been said."""
    await uow.run(TAKE_BACK, workspace=uow.workspace_id, client=client_id)
