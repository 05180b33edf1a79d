"""Events become rows, many in a round trip, whatever their order and however often they come."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Table,
    Uuid,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert

from analytics.adapters import forgetting, many, rates
from analytics.adapters.facts import DEFAULT_CURRENCY
from analytics.adapters.tables import (
    close_date_changes,
    deal_states,
    deals,
    stage_entries,
    stages,
    workspaces,
)
from kit.database import Statement
from kit.unit_of_work import UnitOfWork

WORKSPACE = bindparam("workspace_id", type_=Uuid())
TOLD = bindparam("told_at", type_=DateTime(timezone=True))

FORMER_MEMBER = "A former member"  # as crm says it

# What follows from the rates (see adapters.rates), and what is the same in all rows.
_NOT_GIVEN = ("workspace_id", "rated_minor", "rated_currency", "client_name")
_OF_DEAL = [c.name for c in deals.c if c.name not in _NOT_GIVEN]
_OF_STATE = [c.name for c in deal_states.c if c.name not in _NOT_GIVEN]
_given = many.given(
    [
        *(c for c in deals.c if c.name in _OF_DEAL),
        *(c for c in deal_states.c if c.name in _OF_STATE and c.name not in _OF_DEAL),
        close_date_changes.c.before,
        stage_entries.c.stage_name,
        Column("is_newest", Boolean),  # of those of the same deal
        Column("came_in", Boolean),
        Column("is_postponed", Boolean),
    ]
)


def _insert(table: Table, names: Mapping[str, str], rows: ColumnElement[bool]) -> Insert:
    """Into the columns what is given by these names, of the rows that are such."""
    taken = select(WORKSPACE, *(_given.c[name] for name in names.values())).where(rows)
    return insert(table).from_select(["workspace_id", *names], taken)


def _same(names: Iterable[str]) -> dict[str, str]:
    return {name: name for name in names}


_deal = _insert(deals, _same(_OF_DEAL), _given.c.is_newest)
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
    set_={
        **{name: _kept(name) for name in _OF_DEAL if name != "deal_id"},
        # What the rates made of the amount before is nothing of this one's.
        "rated_minor": case((_newer_deal, null()), else_=deals.c.rated_minor),
        "rated_currency": case((_newer_deal, literal_column("''")), else_=deals.c.rated_currency),
    },
    where=or_(_newer_deal, _names_reason),
)
_keep_states = _insert(deal_states, _same(_OF_STATE), true()).on_conflict_do_nothing()
_entered = _same(("deal_id", "version", "stage_id", "stage_name", "stage_type"))
_entered["entered_at"] = "entered_stage_at"
_keep_entries = _insert(stage_entries, _entered, _given.c.came_in).on_conflict_do_nothing()
_postponed = _same(("deal_id", "version", "before"))
_postponed |= {"after": "expected_close_date", "changed_at": "happened_at"}
_keep_changes = _insert(
    close_date_changes, _postponed, _given.c.is_postponed
).on_conflict_do_nothing()
_given_stages = many.given(
    (stages.c[name] for name in ("stage_id", "name", "type", "first_used_at", "told_at")),
    "given_stages",
)
_OF_STAGE = ("workspace_id", *_given_stages.c.keys())


def _called(stage: Insert) -> dict[str, ColumnElement[Any]]:
    """Of what deals and the stage itself say, the newest counts."""
    newer = stage.excluded.told_at > stages.c.told_at
    return {
        "name": case((newer, stage.excluded.name), else_=stages.c.name),
        "type": case((newer, stage.excluded.type), else_=stages.c.type),
        "first_used_at": func.least(stages.c.first_used_at, stage.excluded.first_used_at),
        "told_at": func.greatest(stages.c.told_at, stage.excluded.told_at),
    }


_its_key = [stages.c.workspace_id, stages.c.stage_id]
_stages = insert(stages).from_select(_OF_STAGE, select(WORKSPACE, *_given_stages.c))
_keep_stages = _stages.on_conflict_do_update(index_elements=_its_key, set_=_called(_stages))
DEALS = Statement(
    _keep_deal.add_cte(
        _keep_states.cte("states"),
        _keep_entries.cte("entries"),
        _keep_changes.cte("changes"),
        _keep_stages.cte("used_stages"),
    )
)
_placed = insert(stages).values(
    {
        name: bindparam(name, type_=stages.c[name].type)
        for name in (*_OF_STAGE, "position", "placed_version")
    }
)
_later = _placed.excluded.placed_version > stages.c.placed_version
UNNAME = Statement(
    update(deals)
    .where(deals.c.workspace_id == WORKSPACE, deals.c.owner_id == bindparam("owner", type_=Uuid()))
    .values(owner_name=literal_column(f"'{FORMER_MEMBER}'"))
)
STAGE = Statement(
    _placed.on_conflict_do_update(
        index_elements=_its_key,
        set_={
            **_called(_placed),
            "position": case((_later, _placed.excluded.position), else_=stages.c.position),
            "placed_version": func.greatest(
                stages.c.placed_version, _placed.excluded.placed_version
            ),
        },
    )
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


_settings = insert(workspaces).values(
    workspace_id=WORKSPACE,
    version=bindparam("version", type_=workspaces.c.version.type),
    currency=bindparam("currency", type_=workspaces.c.currency.type),
    time_zone=bindparam("time_zone", type_=workspaces.c.time_zone.type),
    changes=literal_column("0"),
)
COUNTED_IN = Statement(
    select(workspaces.c.currency, workspaces.c.time_zone).where(
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
    # Whoever else keeps some of the same deals waits for the first, and both have the same first.
    in_order = sorted(changes, key=lambda change: change.deal.deal_id.int)
    rows = many.arrays(_rows(in_order), _given)
    used = many.arrays(_stages_used(changes), _given_stages)
    await uow.run(DEALS, workspace_id=uow.workspace_id, **rows, **used)
    counted = await count(uow, len(changes), told_at=max(change.told_at for change in changes))
    await forgetting.forget_purged(uow, [change.deal.deal_id for change in changes])
    foreign = {c.deal.deal_id for c in changes if c.deal.currency not in ("", counted.currency)}
    if foreign:
        await rates.rate_deals(uow, counted.currency, foreign)
    return counted.changes


def _rows(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """What each says; a deal's newest one also says the lost reason in the words of any of them."""
    rows: list[dict[str, Any]] = []
    newest: dict[UUID, dict[str, Any]] = {}
    reasons: dict[tuple[UUID, UUID | None], str] = {}
    for change in changes:
        deal = change.deal
        postponed = isinstance(change, CloseDateChange)
        row = {
            **vars(deal),
            "happened_at": change.happened_at,
            "told_at": change.told_at,
            "has_next_step": bool(deal.next_step),
            "deleted": deal.deleted_at is not None,
            "before": change.before if isinstance(change, CloseDateChange) else None,
            "is_newest": False,
            "came_in": change.came_in,
            "is_postponed": postponed,
        }
        rows.append(row)
        if deal.lost_reason:
            reasons[deal.deal_id, deal.lost_reason_id] = deal.lost_reason
        if deal.deal_id not in newest or newest[deal.deal_id]["version"] < deal.version:
            newest[deal.deal_id] = row
    for deal_id, row in newest.items():
        row["is_newest"] = True
        row["lost_reason"] = row["lost_reason"] or reasons.get((deal_id, row["lost_reason_id"]), "")
    return rows


def _stages_used(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """The stages that deals came into: called as the newest says, used since the first."""
    used: dict[UUID, dict[str, Any]] = {}
    for change in sorted(changes, key=lambda change: change.told_at, reverse=True):
        deal = change.deal
        if not change.came_in:
            continue
        stage = used.setdefault(
            deal.stage_id,
            {
                "stage_id": deal.stage_id,
                "name": deal.stage_name,
                "type": deal.stage_type,
                "first_used_at": deal.entered_stage_at,
                "told_at": change.told_at,
            },
        )
        stage["first_used_at"] = min(stage["first_used_at"], deal.entered_stage_at)
    return sorted(used.values(), key=lambda stage: stage["stage_id"].int)


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


async def unname(uow: UnitOfWork, owner_id: UUID) -> None:
    """Whose deals these were has no name any more."""
    await uow.run(UNNAME, workspace_id=uow.workspace_id, owner=owner_id)


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
        name=name,
        type=type_,
        first_used_at=told_at,
        told_at=told_at,
        position=position,
        placed_version=version,
    )


class CountedIn(NamedTuple):
    """What a workspace adds up in, and where its days begin: both decide what rates make of it."""

    currency: str
    time_zone: str


async def counted_in(uow: UnitOfWork) -> CountedIn:
    """Before auth has told: the currency of everybody, and UTC."""
    row = await uow.row(COUNTED_IN, workspace=uow.workspace_id)
    currency, time_zone = row or ("", "")
    return CountedIn(currency or DEFAULT_CURRENCY, time_zone or "UTC")


async def keep_settings(uow: UnitOfWork, *, version: int, currency: str, time_zone: str) -> None:
    """What a workspace adds up in, and where its days begin; only what is newer counts."""
    await uow.run(
        SETTINGS,
        workspace_id=uow.workspace_id,
        version=version,
        currency=currency,
        time_zone=time_zone,
    )
