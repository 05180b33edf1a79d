"""Deals by workspace and id, locked when they will be written, and saved with their history."""

from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from fractional_indexing import generate_key_between
from sqlalchemy import Text, Uuid, bindparam, case, func, insert, literal_column, select, update

from crm.adapters.deal_columns import DEAL_COLUMNS, deal_columns, with_names
from crm.adapters.history import HISTORY, history_values
from crm.adapters.reading import WORKSPACE
from crm.adapters.tables import (
    clients,
    deal_history,
    deals,
    lost_reasons,
    owners,
    stages,
    workspaces,
)
from crm.domain.deal import Deal, DealState
from crm.domain.entries import Named
from crm.domain.errors import DealNotFound, ExternalIdTaken
from crm.domain.stage import DEFAULT_CURRENCY, Stage, StageType
from kit.database import Statement, Transaction
from kit.money import Money
from kit.unit_of_work import UnitOfWork

DEAL, STAGE, CLIENT, OWNER, REASON, AFTER, BEFORE, BY = (
    bindparam(name, type_=Uuid())
    for name in ("deal", "stage", "client", "owner", "reason", "after", "before", "by")
)
KEPT = (
    "name",
    "client_id",
    "amount_minor",
    "currency",
    "stage_id",
    "position",
    "expected_close_date",
    "owner_id",
    "source",
    "next_step",
    "next_step_due_date",
    "tags",
    "custom_fields",
    "external_id",
    "entered_stage_at",
    "updated_at",
    "closed_at",
    "lost_reason_id",
    "deleted_at",
)

# ---------------------------------------------------------------- what a decision needs, locked

# The lock comes first: who waited for it reads the names of what the deal then is.
_locked = (
    select(deals)
    .where(deals.c.workspace_id == WORKSPACE, deals.c.id == DEAL, deals.c.deleted_at.is_(None))
    .with_for_update()
    .cte("locked")
)
_there, _wanted_client, _wanted_owner, _wanted_reason, _actor = (
    table.alias(name)
    for table, name in (
        (stages, "there"),
        (clients, "wanted_client"),
        (owners, "wanted_owner"),
        (lost_reasons, "wanted_reason"),
        (owners, "actor"),
    )
)
_currency = (
    select(workspaces.c.currency).where(workspaces.c.workspace_id == WORKSPACE).scalar_subquery()
)


def _is(table: Any, key: Any) -> Any:
    return (table.c.workspace_id == WORKSPACE) & (table.c.id == key)


def _is_usable_client(key: Any) -> Any:
    return _is(_wanted_client, key) & _wanted_client.c.deleted_at.is_(None)


def _is_usable_owner(key: Any) -> Any:
    return _is(_wanted_owner, key) & _wanted_owner.c.removed_at.is_(None)


_neighbours = deals.alias("neighbours")
_in_column = (
    _neighbours.c.workspace_id == WORKSPACE,
    _neighbours.c.stage_id == STAGE,
    _neighbours.c.deleted_at.is_(None),
    _neighbours.c.id != DEAL,
)
_at = select(_neighbours.c.position).where(*_in_column)
_after = _at.where(_neighbours.c.id == AFTER).scalar_subquery()
_before = _at.where(_neighbours.c.id == BEFORE).scalar_subquery()
_above = func.coalesce(
    _after,
    _at.where(_neighbours.c.position < _before)
    .order_by(_neighbours.c.position.desc())
    .limit(literal_column("1"))
    .scalar_subquery(),
)
_below = func.coalesce(
    case((_after.is_(None), _before)),
    _at.where(_neighbours.c.position > func.coalesce(_after, literal_column("''", Text)))
    .order_by(_neighbours.c.position)
    .limit(literal_column("1"))
    .scalar_subquery(),
)

LOAD_TO_MOVE = Statement(
    select(
        *deal_columns(_locked),
        _there.c.id.label("there_id"),
        _there.c.name.label("there_name"),
        _there.c.type.label("there_type"),
        _there.c.rotting_days.label("there_rotting_days"),
        _above.label("above"),
        _below.label("below"),
        _wanted_reason.c.id.label("wanted_reason_id"),
        _wanted_reason.c.name.label("wanted_reason_name"),
        _actor.c.name.label("actor_name"),
    ).select_from(
        with_names(_locked)
        .outerjoin(_there, _is(_there, STAGE))
        .outerjoin(_wanted_reason, _is(_wanted_reason, REASON))
        .outerjoin(_actor, _is(_actor, BY))
    )
)
LOAD_TO_EDIT = Statement(
    select(
        *deal_columns(_locked),
        _wanted_client.c.id.label("wanted_client_id"),
        _wanted_client.c.name.label("wanted_client_name"),
        _wanted_owner.c.id.label("wanted_owner_id"),
        _wanted_owner.c.name.label("wanted_owner_name"),
        _currency.label("workspace_currency"),
    ).select_from(
        with_names(_locked)
        .outerjoin(_wanted_client, _is_usable_client(CLIENT))
        .outerjoin(_wanted_owner, _is_usable_owner(OWNER))
    )
)

_first_open = (
    select(stages.c.id)
    .where(stages.c.workspace_id == WORKSPACE, stages.c.type == literal_column("'open'"))
    .order_by(stages.c.position)
    .limit(literal_column("1"))
    .scalar_subquery()
)
_top = (
    select(deals.c.position)
    .where(
        deals.c.workspace_id == WORKSPACE,
        deals.c.stage_id == _there.c.id,
        deals.c.deleted_at.is_(None),
    )
    .order_by(deals.c.position)
    .limit(literal_column("1"))
    .scalar_subquery()
)
_once = select(literal_column("1")).subquery("once")
SURROUNDINGS = Statement(
    select(
        _there.c.id.label("there_id"),
        _there.c.name.label("there_name"),
        _there.c.type.label("there_type"),
        _there.c.rotting_days.label("there_rotting_days"),
        _top.label("top"),
        _wanted_client.c.id.label("wanted_client_id"),
        _wanted_client.c.name.label("wanted_client_name"),
        _wanted_owner.c.id.label("wanted_owner_id"),
        _wanted_owner.c.name.label("wanted_owner_name"),
        _currency.label("workspace_currency"),
    ).select_from(
        _once.outerjoin(_there, _is(_there, func.coalesce(STAGE, _first_open)))
        .outerjoin(_wanted_client, _is_usable_client(CLIENT))
        .outerjoin(_wanted_owner, _is_usable_owner(OWNER))
    )
)

# ---------------------------------------------------------------- saving, with history

_kept = {name: bindparam(name, type_=deals.c[name].type) for name in KEPT}
_new = {
    name: bindparam(name, type_=deals.c[name].type)
    for name in ("id", "workspace_id", "version", "created_at")
}
_history_values = [bindparam(f"h_{name}", type_=deal_history.c[name].type) for name in HISTORY]


def _and_its_history(change: Any) -> Statement:
    done = change.cte("done")
    return Statement(
        insert(deal_history)
        .from_select(
            ["workspace_id", "deal_id", *HISTORY],
            select(done.c.workspace_id, done.c.id, *_history_values),
        )
        .inline()
    )


ADD = _and_its_history(
    insert(deals).values(_new | _kept).returning(deals.c.workspace_id, deals.c.id)
)
SAVE = _and_its_history(
    update(deals)
    .where(
        deals.c.workspace_id == WORKSPACE, deals.c.id == DEAL, deals.c.version == bindparam("read")
    )
    .values(version=deals.c.version + literal_column("1"), **_kept)
    .returning(deals.c.workspace_id, deals.c.id)
)


class Landing(NamedTuple):
    """Where a card comes down; no stage means that there is none with that id."""

    stage: Stage | None
    above: str | None
    below: str | None
    reason: Named | None
    actor_name: str

    @property
    def position(self) -> str:
        """A free place between the neighbours."""
        return str(generate_key_between(self.above, self.below))


class References(NamedTuple):
    """What the wanted ids stand for, as far as they can be used."""

    client: Named | None
    owner: Named | None
    currency: str


class Surroundings(NamedTuple):
    """What a new deal comes into; no stage means that there is none."""

    stage: Stage | None
    position: str
    references: References


async def load_to_move(
    tx: Transaction,
    deal_id: UUID,
    *,
    stage_id: UUID,
    after_id: UUID | None,
    before_id: UUID | None,
    lost_reason_id: UUID | None,
    by: UUID,
) -> tuple[Deal, Landing]:
    """The deal, locked, and a place for it in the stage, in one query.

    A vanished `after_id` or `before_id` means the top of the column. Raises DealNotFound.
    """
    row = await tx.row(
        LOAD_TO_MOVE,
        workspace=tx.workspace_id,
        deal=deal_id,
        stage=stage_id,
        after=after_id,
        before=before_id,
        reason=lost_reason_id,
        by=by,
    )
    if row is None:
        raise DealNotFound("There is no such deal.")
    landing = Landing(
        stage=_stage(row),
        above=row["above"],
        below=row["below"],
        reason=_named(row, "wanted_reason"),
        actor_name=row["actor_name"] or "",
    )
    return deal_of(tx.workspace_id, row), landing


async def load_to_edit(
    tx: Transaction,
    deal_id: UUID,
    *,
    client_id: UUID | None = None,
    owner_id: UUID | None = None,
) -> tuple[Deal, References]:
    """The deal, locked, and what the wanted ids stand for. Raises DealNotFound."""
    row = await tx.row(
        LOAD_TO_EDIT, workspace=tx.workspace_id, deal=deal_id, client=client_id, owner=owner_id
    )
    if row is None:
        raise DealNotFound("There is no such deal.")
    return deal_of(tx.workspace_id, row), _references(row)


async def surroundings(
    tx: Transaction, *, stage_id: UUID | None, client_id: UUID | None, owner_id: UUID | None
) -> Surroundings:
    """What a new deal needs to know; without `stage_id` its stage is the first open one."""
    row = await tx.row(
        SURROUNDINGS, workspace=tx.workspace_id, stage=stage_id, client=client_id, owner=owner_id
    )
    assert row is not None  # outer joins to a constant
    return Surroundings(_stage(row), generate_key_between(None, row["top"]), _references(row))


async def add(uow: UnitOfWork, deal: Deal) -> None:
    """Write a new deal and the first line of its history. Raises ExternalIdTaken."""
    (fact,) = deal.take_facts()
    new = {
        "id": deal.id,
        "workspace_id": deal.workspace_id,
        "version": deal.version,
        "created_at": deal.state.created_at,
    }
    await _write(uow, ADD, **new, **kept_values(deal.state), **_prefixed(history_values(fact)))
    uow.tell_facts(fact)


async def save(uow: UnitOfWork, deal: Deal) -> None:
    """Write what can change in a deal, and its history.

    Raises ChangedMeanwhile, ExternalIdTaken.
    """
    (fact,) = deal.take_facts()
    count = await _write(
        uow,
        SAVE,
        workspace=uow.workspace_id,
        deal=deal.id,
        read=deal.version,
        **kept_values(deal.state),
        **_prefixed(history_values(fact)),
    )
    uow.saved(deal, rows=count)
    uow.tell_facts(fact)


def kept_values(state: DealState) -> dict[str, Any]:
    """A state as its columns."""
    return {
        "name": state.name,
        "client_id": state.client and state.client.id,
        "amount_minor": state.amount and state.amount.amount_minor,
        "currency": state.amount and state.amount.currency,
        "stage_id": state.stage.id,
        "position": state.position,
        "expected_close_date": state.expected_close_date,
        "owner_id": state.owner and state.owner.id,
        "source": state.source,
        "next_step": state.next_step,
        "next_step_due_date": state.next_step_due_date,
        "tags": state.tags,
        "custom_fields": state.custom_fields,
        "external_id": state.external_id,
        "entered_stage_at": state.entered_stage_at,
        "updated_at": state.updated_at,
        "closed_at": state.closed_at,
        "lost_reason_id": state.lost_reason and state.lost_reason.id,
        "deleted_at": state.deleted_at,
    }


def deal_of(workspace_id: UUID, row: asyncpg.Record) -> Deal:
    """The entity behind a row that begins with deal_columns."""
    (
        id,
        version,
        name,
        client_id,
        client_name,
        amount_minor,
        currency,
        stage_id,
        stage_name,
        stage_type,
        rotting_days,
        position,
        expected_close_date,
        owner_id,
        owner_name,
        source,
        next_step,
        next_step_due_date,
        tags,
        custom_fields,
        external_id,
        win_probability,
        entered_stage_at,
        created_at,
        updated_at,
        closed_at,
        lost_reason_id,
        lost_reason_name,
    ) = row[:DEAL_COLUMNS]
    state = DealState(
        name=name,
        client=Named(client_id, client_name) if client_id else None,
        amount=None if amount_minor is None else Money(amount_minor, currency),
        stage=Stage(stage_id, stage_name, StageType(stage_type), rotting_days),
        position=position,
        expected_close_date=expected_close_date,
        owner=Named(owner_id, owner_name) if owner_id else None,
        source=source,
        next_step=next_step,
        next_step_due_date=next_step_due_date,
        tags=tuple(tags or ()),
        custom_fields=custom_fields or {},
        external_id=external_id,
        win_probability=win_probability,
        entered_stage_at=entered_stage_at,
        created_at=created_at,
        updated_at=updated_at,
        closed_at=closed_at,
        lost_reason=Named(lost_reason_id, lost_reason_name) if lost_reason_id else None,
    )
    return Deal(id=id, workspace_id=workspace_id, version=version, state=state)


async def _write(uow: UnitOfWork, statement: Statement, **values: Any) -> int:
    try:
        return await uow.run(statement, **values)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "ux_deals_external_id":
            raise
        raise ExternalIdTaken("Another deal has this external id.") from None


def _prefixed(values: dict[str, Any]) -> dict[str, Any]:
    return {f"h_{name}": value for name, value in values.items()}


def _stage(row: asyncpg.Record) -> Stage | None:
    if row["there_id"] is None:
        return None
    return Stage(
        row["there_id"], row["there_name"], StageType(row["there_type"]), row["there_rotting_days"]
    )


def _references(row: asyncpg.Record) -> References:
    return References(
        client=_named(row, "wanted_client"),
        owner=_named(row, "wanted_owner"),
        currency=row["workspace_currency"] or DEFAULT_CURRENCY,
    )


def _named(row: asyncpg.Record, what: str) -> Named | None:
    return Named(row[f"{what}_id"], row[f"{what}_name"]) if row[f"{what}_id"] else None
