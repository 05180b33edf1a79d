"""How deals pass through their stages, where they come from, and what is done for them."""

from datetime import datetime, timedelta
from typing import Any

import asyncpg
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Text,
    and_,
    bindparam,
    cast,
    func,
    or_,
    select,
)

from analytics.adapters.facts import activities_as_of
from analytics.adapters.stood import (
    AT,
    END,
    OWNERS,
    START,
    WORKSPACE,
    Seen,
    Stood,
    at,
    both,
    counted,
    days,
    total,
)
from analytics.adapters.tables import activities, clients, deals, stage_entries, stages
from kit.database import Statement, Transaction

SILENT_AFTER = timedelta(days=30)
CONTACTS = ("call", "meeting", "mail")

_order = (
    select(
        stages.c.stage_id,
        stages.c.name,
        stages.c.type,
        func.row_number()
        .over(order_by=[stages.c.position, stages.c.first_used_at, stages.c.stage_id])
        .label("place"),
    )
    .where(stages.c.workspace_id == WORKSPACE)
    .cte("places")
)


def _stays(d: Stood) -> Any:
    """Every stay of the deals that count, with where each went next."""
    e = stage_entries.c

    def following(column: Any) -> Any:
        return func.lead(column).over(partition_by=e.deal_id, order_by=e.version)

    return (
        select(
            e.deal_id,
            e.stage_id,
            e.entered_at,
            following(e.entered_at).label("left_at"),
            following(e.stage_id).label("next_id"),
            following(e.stage_type).label("next_type"),
        )
        .join(d.table, and_(d.c.workspace_id == e.workspace_id, d.c.deal_id == e.deal_id))
        .where(e.workspace_id == WORKSPACE, e.entered_at < AT, *d.ours)
        .cte("stays")
    )


def _conversion(d: Stood) -> Any:
    stays = _stays(d)
    following = _order.alias("following")
    came_in = and_(stays.c.entered_at >= START, stays.c.entered_at < END)
    ended = and_(stays.c.left_at >= START, stays.c.left_at < END)
    length = days(stays.c.left_at - stays.c.entered_at)
    onward = or_(stays.c.next_type == "won", following.c.place > _order.c.place)
    advanced = and_(stays.c.next_id.is_not(None), stays.c.next_type != "lost", onward)
    return (
        select(
            _order.c.stage_id,
            _order.c.name,
            _order.c.place,
            counted(came_in).label("entered"),
            counted(and_(came_in, advanced)).label("advanced"),
            counted(and_(came_in, stays.c.next_type == "lost")).label("lost"),
            counted(and_(came_in, stays.c.next_id.is_(None))).label("waiting"),
            counted(ended).label("stays"),
            func.percentile_cont(0.5).within_group(length).filter(ended).label("median"),
            func.percentile_cont(0.9).within_group(length).filter(ended).label("p90"),
        )
        .select_from(
            _order.outerjoin(stays, stays.c.stage_id == _order.c.stage_id).outerjoin(
                following, following.c.stage_id == stays.c.next_id
            )
        )
        .where(_order.c.type == "open")
        .group_by(_order.c.stage_id, _order.c.name, _order.c.place)
        .order_by(_order.c.place)
    )


def _standing_long(d: Stood) -> Any:
    """How long each open deal has been where it is; compared with the stage's usual stay."""
    stay = days(AT - d.c.entered_stage_at)
    return (
        select(d.c.stage_id, func.array_agg(stay).label("days"))
        .where(*d.ours, d.open)
        .group_by(d.c.stage_id)
    )


def _lost_reasons(d: Stood) -> Any:
    told = deals.alias("told")  # the words stand on the deal itself
    return (
        select(
            told.c.lost_reason.label("name"),
            func.count().label("deals"),
            total(d.value, d.lost).label("value"),
        )
        .select_from(
            d.table.join(
                told, and_(told.c.workspace_id == WORKSPACE, told.c.deal_id == d.c.deal_id)
            )
        )
        .where(*d.ours, d.lost, d.closed_in(START, END))
        .group_by(told.c.lost_reason)
        .order_by(func.count().desc(), told.c.lost_reason)
        .limit(20)
    )


def _fate(d: Stood) -> Any:
    opened = and_(d.c.created_at >= START, d.c.created_at < END)
    return select(
        func.count().label("created"),
        counted(d.won).label("won"),
        counted(d.lost).label("lost"),
    ).where(*d.ours, opened)


def _clients(d: Stood) -> Any:
    value = total(d.value, d.won)
    ranked = (
        select(
            d.c.client_id,
            value.label("value"),
            func.count().label("deals"),
            cast(func.sum(value).over(), BigInteger).label("whole"),
            func.count().over().label("clients"),
            func.row_number().over(order_by=[value.desc(), d.c.client_id]).label("place"),
        )
        .where(*d.ours, d.won, d.closed_in(START, END))
        .group_by(d.c.client_id)
        .subquery("ranked")
    )
    return (
        select(ranked, func.coalesce(clients.c.name, "").label("name"))
        .select_from(
            ranked.outerjoin(
                clients,
                and_(
                    clients.c.workspace_id == WORKSPACE,
                    clients.c.client_id == ranked.c.client_id,
                ),
            )
        )
        .where(ranked.c.place <= 20)
        .order_by(ranked.c.place)
    )


def _sources(d: Stood) -> Any:
    return (
        select(
            d.c.source,
            counted(d.won).label("won"),
            func.count().label("closed"),
            total(d.value, d.won).label("value"),
        )
        .where(*d.ours, d.closed_in(START, END))
        .group_by(d.c.source)
        .order_by(total(d.value, d.won).desc(), d.c.source)
        .limit(20)
    )


def _theirs(d: Stood) -> tuple[Any, list[Any]]:
    """Activities at the moment, and which of them count."""
    a = activities_as_of(AT) if d.past else activities
    there = a.c.deleted.is_(False) if d.past else a.c.deleted_at.is_(None)
    return a, [
        a.c.workspace_id == WORKSPACE,
        there,
        or_(OWNERS.is_(None), a.c.owner_id == func.any(OWNERS)),
    ]


def _done(d: Stood) -> Any:
    a, ours = _theirs(d)
    return (
        select(a.c.kind, a.c.owner_id, func.count().label("done"))
        .where(*ours, a.c.done_at >= START, a.c.done_at < END, a.c.done_at < AT)
        .group_by(a.c.kind, a.c.owner_id)
    )


def _due(d: Stood) -> Any:
    a, ours = _theirs(d)
    return select(
        func.count().label("due"),
        counted(a.c.done_at <= a.c.due_at + timedelta(days=1)).label("on_time"),
    ).where(*ours, a.c.due_at >= START, a.c.due_at < END, a.c.due_at < AT)


def _silent(d: Stood) -> Any:
    a = activities_as_of(AT) if d.past else activities
    there = a.c.deleted.is_(False) if d.past else a.c.deleted_at.is_(None)
    recent = (
        select(a.c.deal_id)
        .where(
            a.c.workspace_id == WORKSPACE,
            there,
            a.c.deal_id == d.c.deal_id,
            a.c.done_at >= at("since"),
            a.c.done_at < AT,
            a.c.kind == func.any(bindparam("kinds", list(CONTACTS), type_=ARRAY(Text()))),
        )
        .exists()
    )
    return select(func.count()).where(*d.ours, d.open, d.c.created_at < at("since"), ~recent)


CONVERSION, STANDING_LONG = both(_conversion), both(_standing_long)
FATE, CLIENTS, SOURCES, SILENT = both(_fate), both(_clients), both(_sources), both(_silent)
LOST_REASONS, DONE, DUE = both(_lost_reasons), both(_done), both(_due)


class Passage:
    """The statements of one scope, run one after the other."""

    def __init__(self, tx: Transaction, seen: Seen, *, start: datetime, end: datetime) -> None:
        self._tx = tx
        self._seen = seen
        self._values = {"workspace": tx.workspace_id, "start": start, "end": end, **seen.values()}

    async def _rows(self, statements: dict[bool, Statement]) -> list[asyncpg.Record]:
        return await self._tx.rows(statements[self._seen.past], **self._values)

    async def conversion(self) -> list[asyncpg.Record]:
        """What became of the deals that came into each open stage, and how long stays were."""
        return await self._rows(CONVERSION)

    async def standing_long(self) -> dict[Any, list[float]]:
        """Days that the open deals of each stage have been in it."""
        return {row["stage_id"]: row["days"] for row in await self._rows(STANDING_LONG)}

    async def lost_reasons(self) -> list[asyncpg.Record]:
        """Most frequent first."""
        return await self._rows(LOST_REASONS)

    async def fate(self) -> asyncpg.Record:
        """What became of the deals opened in the period."""
        return (await self._rows(FATE))[0]

    async def clients(self) -> list[asyncpg.Record]:
        """The twenty that brought most, with the whole beside each."""
        return await self._rows(CLIENTS)

    async def sources(self) -> list[asyncpg.Record]:
        """By value won."""
        return await self._rows(SOURCES)

    async def done(self) -> list[asyncpg.Record]:
        """Activities done, by kind and owner."""
        return await self._rows(DONE)

    async def due(self) -> asyncpg.Record:
        """Activities that were due, and those done within a day of it."""
        return (await self._rows(DUE))[0]

    async def silent(self) -> int:
        """Open deals without a contact for a month."""
        since = self._seen.at - SILENT_AFTER
        return int(
            await self._tx.value(SILENT[self._seen.past], **{**self._values, "since": since})
        )
