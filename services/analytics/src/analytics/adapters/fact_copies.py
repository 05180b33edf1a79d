"""Facts as they stood at a moment, copied out for the science."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    DateTime,
    Double,
    Integer,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
)

from analytics.adapters.facts import (
    CURRENCY,
    DEFAULT_CURRENCY,
    WORKSPACE,
    activities_as_of,
    as_of,
    value_in,
)
from analytics.adapters.tables import activities, clients, deal_states, deals, stages, workspaces
from kit.database import Statement, Transaction

AT = bindparam("at", type_=DateTime(timezone=True))
SCALE: ColumnElement[float] = bindparam("scale", type_=Double())
CONTACTS = ("call", "meeting", "mail")
"""Kinds of activity that are a contact with somebody once they are done."""


STAGE_TYPES = {"open": 0, "won": 1, "lost": 2}
"""As `science.facts` numbers them."""

# What is not known has a value too, so that all rows are equally long, see `science.facts_read`.
_NIL: ColumnElement[UUID] = literal_column("'00000000-0000-0000-0000-000000000000'::uuid", Uuid())
_NAN: ColumnElement[float] = literal_column("'NaN'::float8", Double())


def _seconds(column: Any) -> ColumnElement[float]:
    """The same as EXTRACT, which is a decimal number first: that was half of what a copy costs."""
    return func.date_part(literal_column("'epoch'"), column, type_=Double)


_s = deal_states.c
_EPOCH: ColumnElement[date] = literal_column("DATE '1970-01-01'", Date())
_value = cast(value_in(deal_states, CURRENCY), Double) / SCALE
_place = (
    func.unnest(bindparam("sources", type_=ARRAY(Text())))
    .table_valued("source", with_ordinality="place", name="places")
    .render_derived()
)
STATES = Statement(
    select(
        _s.deal_id.label("deal"),
        _s.version,
        _seconds(_s.happened_at).label("happened"),
        _seconds(_s.told_at).label("told"),
        func.coalesce(_s.client_id, _NIL).label("client"),
        func.coalesce(_s.owner_id, _NIL).label("owner"),
        func.coalesce(_value, _NAN).label("value"),
        _s.stage_id.label("stage"),
        case(STAGE_TYPES, value=_s.stage_type).label("type"),
        cast(func.coalesce(_place.c.place - 1, -1), Integer).label("source"),
        func.coalesce(cast(_s.expected_close_date - _EPOCH, Double), _NAN).label("due"),
        _seconds(_s.created_at).label("created"),
        _seconds(_s.entered_stage_at).label("entered"),
        func.coalesce(_seconds(_s.closed_at), _NAN).label("closed"),
        cast(_s.deleted, Integer).label("deleted"),
    )
    .outerjoin_from(deal_states, _place, _place.c.source == _s.source)
    .where(_s.workspace_id == WORKSPACE, _s.happened_at < AT)
)
SOURCES = Statement(
    select(_s.source).distinct().where(_s.workspace_id == WORKSPACE, _s.source != "")
)
_KINDS = func.any(bindparam("kinds", list(CONTACTS), type_=ARRAY(Text())))


def _contacted(a: Any, is_there: ColumnElement[bool], of_deal: Any) -> Statement:
    """Contacts that took place; one about a deal is one with its client."""
    return Statement(
        select(
            func.coalesce(a.c.deal_id, _NIL).label("deal"),
            func.coalesce(a.c.client_id, of_deal.c.client_id, _NIL).label("client"),
            _seconds(a.c.done_at).label("at"),
        )
        .outerjoin_from(
            a,
            of_deal,
            and_(of_deal.c.workspace_id == a.c.workspace_id, of_deal.c.deal_id == a.c.deal_id),
        )
        .where(a.c.workspace_id == WORKSPACE, is_there, a.c.done_at < AT, a.c.kind == _KINDS)
        .order_by(a.c.done_at, a.c.activity_id)
    )


_then = activities_as_of(AT)
CONTACTED = {
    False: _contacted(activities, activities.c.deleted_at.is_(None), deals.alias("its_deal")),
    True: _contacted(_then, _then.c.deleted.is_(False), as_of(AT)),
}
# Who is a client on a day: told to be one by then, and not in the trash by then.
CLIENTS = Statement(
    select(clients.c.client_id, clients.c.name, clients.c.owner_id, clients.c.created_at)
    .where(
        clients.c.workspace_id == WORKSPACE,
        clients.c.version > 0,
        clients.c.created_at < AT,
        or_(clients.c.deleted_at.is_(None), clients.c.deleted_at >= AT),
    )
    .order_by(clients.c.client_id)
)
SETTINGS = Statement(
    select(workspaces.c.currency, workspaces.c.time_zone, workspaces.c.changes).where(
        workspaces.c.workspace_id == WORKSPACE
    )
)
_d = deals.c
DETAILS = Statement(
    select(
        _d.deal_id,
        _d.version,
        _d.name,
        _d.owner_id,
        _d.client_id,
        _d.next_step,
        _d.next_step_due_date,
        _d.expected_close_date,
    ).where(
        _d.workspace_id == WORKSPACE, _d.deal_id == func.any(bindparam("ids", type_=ARRAY(Uuid())))
    )
)
NAMES = Statement(
    select(_d.owner_id.label("id"), func.max(_d.owner_name).label("name"))
    .where(_d.workspace_id == WORKSPACE, _d.owner_id.is_not(None))
    .group_by(_d.owner_id)
)
STAGE_NAMES = Statement(
    select(stages.c.stage_id.label("id"), stages.c.name).where(stages.c.workspace_id == WORKSPACE)
)


class Setting(NamedTuple):
    """What a workspace adds up in, where its days begin, and how many changes it has seen."""

    currency: str
    time_zone: str
    changes: int


class Copied(NamedTuple):
    """The tables the science reads."""

    states: bytes
    contacts: bytes
    sources: list[str]


async def setting(tx: Transaction) -> Setting:
    """Of a workspace auth has not told of yet: euros, UTC."""
    row = await tx.row(SETTINGS, workspace=tx.workspace_id)
    if row is None:
        return Setting(DEFAULT_CURRENCY, "UTC", 0)
    return Setting(row["currency"] or DEFAULT_CURRENCY, row["time_zone"] or "UTC", row["changes"])


async def copied(
    tx: Transaction, *, at: datetime, currency: str, scale: float, past: bool = False
) -> Copied:
    """All that had happened before a moment; `scale` minor units are one of the currency.

    `past`: contacts as they stood then, too, whatever has become of them since.
    """
    sources = sorted(row["source"] for row in await tx.rows(SOURCES, workspace=tx.workspace_id))
    return Copied(
        await tx.copied(
            STATES,
            workspace=tx.workspace_id,
            at=at,
            currency=currency,
            scale=scale,
            sources=sources,
        ),
        await tx.copied(CONTACTED[past], workspace=tx.workspace_id, at=at),
        sources,
    )


async def clients_at(tx: Transaction, at: datetime) -> list[asyncpg.Record]:
    """The clients there were at a moment."""
    return await tx.rows(CLIENTS, workspace=tx.workspace_id, at=at)


async def details(tx: Transaction, ids: Sequence[str]) -> dict[str, asyncpg.Record]:
    """What rules and words need of some deals, as they are now."""
    rows = await tx.rows(DETAILS, workspace=tx.workspace_id, ids=ids)
    return {str(row["deal_id"]): row for row in rows}


async def names(tx: Transaction) -> dict[str, str]:
    """What owners and stages are called, by id; of a deal's client no reason says the name."""
    rows = await tx.rows(NAMES, workspace=tx.workspace_id)
    stages = await tx.rows(STAGE_NAMES, workspace=tx.workspace_id)
    return {str(row["id"]): row["name"] for row in (*rows, *stages) if row["name"]}
