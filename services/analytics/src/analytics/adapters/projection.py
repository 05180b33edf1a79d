"""Events become rows, many in a round trip, whatever their order and however often they come."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    Integer,
    Table,
    Uuid,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import insert

from analytics.adapters import rates
from analytics.adapters.facts import DEFAULT_CURRENCY
from analytics.adapters.tables import (
    activities,
    activity_states,
    clients,
    close_date_changes,
    currency_rates,
    deal_states,
    deals,
    purged_records,
    stage_entries,
    stages,
    workspaces,
)
from kit.database import Statement
from kit.unit_of_work import UnitOfWork

WORKSPACE = bindparam("workspace_id", type_=Uuid())
_GIVEN_AS = {"deleted": "is_deleted"}
TOLD = bindparam("told_at", type_=DateTime(timezone=True))

_RATED = ("rated_minor", "rated_currency")  # follow, see adapters.rates
_deal = insert(deals).values(
    {c.name: bindparam(c.name, type_=c.type) for c in deals.c if c.name not in _RATED}
)
_newer_deal = deals.c.version < _deal.excluded.version
# Only the move says the lost reason in words, and other events of the lost deal may come before it.
_names_reason = and_(
    deals.c.lost_reason_id == _deal.excluded.lost_reason_id,
    deals.c.lost_reason == "",
    _deal.excluded.lost_reason != "",
)


def _kept(name: str) -> ColumnElement[object]:
    newer, kept = _deal.excluded[name], deals.c[name]
    if name == "lost_reason":
        same = deals.c.lost_reason_id == _deal.excluded.lost_reason_id
        kept_words = and_(_newer_deal, same, newer == "")
        return case((kept_words, kept), (or_(_newer_deal, _names_reason), newer), else_=kept)
    return case((_newer_deal, newer), else_=kept)


_keep_deal = _deal.on_conflict_do_update(
    index_elements=[deals.c.workspace_id, deals.c.deal_id],
    set_={c.name: _kept(c.name) for c in deals.c if c.name not in ("workspace_id", "deal_id")},
    where=or_(_newer_deal, _names_reason),
)
_keep_state = (
    insert(deal_states)
    .values(
        {
            c.name: bindparam(_GIVEN_AS.get(c.name, c.name), type_=c.type)
            for c in deal_states.c
            if c.name not in _RATED
        }
    )
    .on_conflict_do_nothing()
)
_keep_entry = (
    insert(stage_entries)
    .values(
        workspace_id=WORKSPACE,
        deal_id=bindparam("deal_id", type_=Uuid()),
        version=bindparam("version", type_=deals.c.version.type),
        stage_id=bindparam("stage_id", type_=Uuid()),
        stage_name=bindparam("stage_name", type_=stage_entries.c.stage_name.type),
        stage_type=bindparam("stage_type", type_=stage_entries.c.stage_type.type),
        entered_at=bindparam("entered_stage_at", type_=DateTime(timezone=True)),
    )
    .on_conflict_do_nothing()
)
_stage = insert(stages).values(
    workspace_id=WORKSPACE,
    stage_id=bindparam("stage_id", type_=Uuid()),
    name=bindparam("stage_name", type_=stages.c.name.type),
    type=bindparam("stage_type", type_=stages.c.type.type),
    first_used_at=bindparam("entered_stage_at", type_=DateTime(timezone=True)),
    told_at=TOLD,
)
_newer = _stage.excluded.told_at > stages.c.told_at
_called = {
    "name": case((_newer, _stage.excluded.name), else_=stages.c.name),
    "type": case((_newer, _stage.excluded.type), else_=stages.c.type),
    "first_used_at": func.least(stages.c.first_used_at, _stage.excluded.first_used_at),
    "told_at": func.greatest(stages.c.told_at, _stage.excluded.told_at),
}
_its_key = [stages.c.workspace_id, stages.c.stage_id]
_keep_stage = _stage.on_conflict_do_update(index_elements=_its_key, set_=_called)
_placed = _stage.values(
    position=bindparam("position", type_=Integer()),
    placed_version=bindparam("placed_version", type_=Integer()),
)
_later = _stage.excluded.placed_version > stages.c.placed_version
_place_stage = _placed.on_conflict_do_update(
    index_elements=_its_key,
    set_=_called
    | {
        "position": case((_later, _stage.excluded.position), else_=stages.c.position),
        "placed_version": func.greatest(stages.c.placed_version, _stage.excluded.placed_version),
    },
)
_keep_change = (
    insert(close_date_changes)
    .values(
        workspace_id=WORKSPACE,
        deal_id=bindparam("deal_id", type_=Uuid()),
        version=bindparam("version", type_=deals.c.version.type),
        before=bindparam("close_date_before", type_=close_date_changes.c.before.type),
        after=bindparam("expected_close_date", type_=close_date_changes.c.after.type),
        changed_at=bindparam("happened_at", type_=DateTime(timezone=True)),
    )
    .on_conflict_do_nothing()
)
_seen = insert(workspaces).values(
    workspace_id=WORKSPACE,
    version=literal_column("0"),
    currency=literal_column("''"),
    time_zone=literal_column("'UTC'"),
    changes=bindparam("changes", type_=workspaces.c.changes.type),
    as_of=TOLD,
)
# The workspace's row may come later, from another service's stream.
COUNT = Statement(
    _seen.on_conflict_do_update(
        index_elements=[workspaces.c.workspace_id],
        set_={
            "changes": workspaces.c.changes + _seen.excluded.changes,
            "as_of": func.greatest(workspaces.c.as_of, _seen.excluded.as_of),
        },
    ).returning(workspaces.c.changes, workspaces.c.currency)
)

_state = _keep_state.cte("state")
STOOD = Statement(_keep_deal.add_cte(_state, _keep_entry.cte("entry"), _keep_stage.cte("stage")))
CHANGED = Statement(_keep_deal.add_cte(_state))
CLOSE_DATE_CHANGED = Statement(_keep_deal.add_cte(_state, _keep_change.cte("change")))
STAGE = Statement(_place_stage)


def _forget(table: Table, key: str) -> Statement:
    return Statement(
        delete(table).where(
            table.c.workspace_id == bindparam("workspace", type_=Uuid()),
            table.c[key] == bindparam("record", type_=Uuid()),
        )
    )


_OF_DEALS = (deals, deal_states, stage_entries, close_date_changes)
_OF_ACTIVITIES = (activities, activity_states)
FORGET = [
    *(_forget(table, "deal_id") for table in _OF_DEALS),
    _forget(clients, "client_id"),
    *(_forget(table, "activity_id") for table in _OF_ACTIVITIES),
]
_gone = insert(purged_records).values(
    workspace_id=bindparam("workspace", type_=Uuid()), record_id=bindparam("record", type_=Uuid())
)
PURGED = Statement(_gone.on_conflict_do_nothing())
PURGED_AMONG = Statement(
    select(purged_records.c.record_id).where(
        purged_records.c.workspace_id == bindparam("workspace", type_=Uuid()),
        purged_records.c.record_id == func.any(bindparam("ids", type_=ARRAY(Uuid()))),
    )
)
# Everything that events tell, for building it anew; what is purged comes back with them as well.
EMPTY = [
    Statement(delete(table).where(table.c.workspace_id == bindparam("workspace", type_=Uuid())))
    for table in (
        *_OF_DEALS, stages, clients, *_OF_ACTIVITIES, currency_rates, purged_records
    )
]  # fmt: skip
_settings = insert(workspaces).values(
    workspace_id=WORKSPACE,
    version=bindparam("version", type_=workspaces.c.version.type),
    currency=bindparam("currency", type_=workspaces.c.currency.type),
    time_zone=bindparam("time_zone", type_=workspaces.c.time_zone.type),
    changes=literal_column("0"),
)
CURRENCY = Statement(
    select(workspaces.c.currency).where(
        workspaces.c.workspace_id == bindparam("workspace", type_=Uuid())
    )
)
SETTINGS = Statement(
    _settings.on_conflict_do_update(
        index_elements=[workspaces.c.workspace_id],
        set_={name: _settings.excluded[name] for name in ("version", "currency", "time_zone")},
        where=workspaces.c.version < _settings.excluded.version,
    )
)


@dataclass(frozen=True, kw_only=True)
class DealFact:
    """A deal as one event tells it."""

    deal_id: UUID
    version: int
    name: str
    client_id: UUID | None
    owner_id: UUID | None
    amount_minor: int | None
    currency: str
    stage_id: UUID
    stage_name: str
    stage_type: str
    source: str
    expected_close_date: date | None
    created_at: datetime
    entered_stage_at: datetime
    closed_at: datetime | None
    deleted_at: datetime | None = None
    client_name: str = ""
    owner_name: str = ""
    base_minor: int | None = None
    base_currency: str = ""
    next_step: str = ""
    next_step_due_date: date | None = None
    lost_reason_id: UUID | None = None
    lost_reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What one event says of a deal: when it happened, and when crm told it."""

    deal: DealFact
    happened_at: datetime
    told_at: datetime
    came_in: bool = False  # into a stage, at its creation or by a move


@dataclass(frozen=True, kw_only=True)
class CloseDateChange(Change):
    """The deal is expected to close on another day."""

    before: date | None


async def keep(uow: UnitOfWork, changes: Sequence[Change]) -> int:
    """Keep what they say. The number of the workspace's changes so far."""
    by_statement: dict[Statement, list[dict[str, object]]] = defaultdict(list)
    for change in changes:
        deal = change.deal
        values = {
            **vars(deal),
            "workspace_id": uow.workspace_id,
            "happened_at": change.happened_at,
            "told_at": change.told_at,
            "has_next_step": bool(deal.next_step),
            "is_deleted": deal.deleted_at is not None,
        }
        statement = STOOD if change.came_in else CHANGED
        if isinstance(change, CloseDateChange):
            statement = CLOSE_DATE_CHANGED
            values["close_date_before"] = change.before
        by_statement[statement].append(values)
    for statement, rows in by_statement.items():
        await uow.run_many(statement, rows)
    counted = await count(uow, len(changes), told_at=max(change.told_at for change in changes))
    await forget_purged(uow, [change.deal.deal_id for change in changes])
    foreign = {c.deal.deal_id for c in changes if c.deal.currency not in ("", counted.currency)}
    if foreign:
        await rates.rate_deals(uow, counted.currency, foreign)
    return counted.changes


class Counted(NamedTuple):
    """The changes of a workspace so far, and what it adds up in."""

    changes: int
    currency: str


async def count(uow: UnitOfWork, changes: int, *, told_at: datetime) -> Counted:
    """So many more changes of the workspace's facts.

    Locks the workspace's row until the commit: what follows sees all that was committed before it,
    and whoever counts next sees all that is committed here.
    """
    counted = {"workspace_id": uow.workspace_id, "changes": changes, "told_at": told_at}
    row = await uow.row(COUNT, **counted)
    assert row is not None  # it was inserted or updated
    return Counted(row["changes"], row["currency"] or DEFAULT_CURRENCY)


async def forget_purged(uow: UnitOfWork, ids: Sequence[UUID]) -> None:
    """Of records that are gone for good nothing comes back, however late its events arrive."""
    for row in await uow.rows(PURGED_AMONG, workspace=uow.workspace_id, ids=list(set(ids))):
        await _forget_all(uow, row["record_id"])


async def keep_stage(
    uow: UnitOfWork,
    *,
    stage_id: UUID,
    name: str,
    type_: str,
    position: int,
    version: int,
    told_at: datetime,
) -> None:
    """What a stage is called and where it stands, if that is news.

    One that no deal was in yet has no use so far.
    """
    await uow.run(
        STAGE,
        workspace_id=uow.workspace_id,
        stage_id=stage_id,
        stage_name=name,
        stage_type=type_,
        entered_stage_at=told_at,
        told_at=told_at,
        position=position,
        placed_version=version,
    )


async def forget(uow: UnitOfWork, record_id: UUID) -> None:
    """Delete all that is kept of a record, for good."""
    await uow.run(PURGED, workspace=uow.workspace_id, record=record_id)
    await _forget_all(uow, record_id)


async def _forget_all(uow: UnitOfWork, record_id: UUID) -> None:
    for statement in FORGET:
        await uow.run(statement, workspace=uow.workspace_id, record=record_id)


async def empty(uow: UnitOfWork) -> None:
    """Delete every fact that crm has told of the workspace."""
    for statement in EMPTY:
        await uow.run(statement, workspace=uow.workspace_id)


async def own_currency(uow: UnitOfWork) -> str:
    """What the workspace adds up in."""
    return await uow.value(CURRENCY, workspace=uow.workspace_id) or DEFAULT_CURRENCY


async def keep_settings(uow: UnitOfWork, *, version: int, currency: str, time_zone: str) -> None:
    """What a workspace adds up in, and where its days begin; only what is newer counts."""
    await uow.run(
        SETTINGS,
        workspace_id=uow.workspace_id,
        version=version,
        currency=currency,
        time_zone=time_zone,
    )
