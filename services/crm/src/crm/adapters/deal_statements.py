"""What a decision about a deal needs, in one query each, and how it is saved with its history."""

from typing import Any

from sqlalchemy import (
    Text,
    Uuid,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    select,
    true,
    update,
)

from crm.adapters.deal_columns import deal_columns, with_names
from crm.adapters.history import HISTORY
from crm.adapters.reading import WORKSPACE, in_sight, is_row
from crm.adapters.tables import (
    clients,
    deal_history,
    deals,
    lost_reasons,
    owners,
    stages,
    workspaces,
)
from kit.database import Statement
from kit.outbox import told_with

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
    .where(
        deals.c.workspace_id == WORKSPACE,
        deals.c.id == DEAL,
        deals.c.deleted_at.is_(None),
        in_sight(deals),
    )
    .with_for_update()
    .cte("locked")
)
_wanted_client, _wanted_owner, _wanted_reason, _actor = (
    table.alias(name)
    for table, name in (
        (clients, "wanted_client"),
        (owners, "wanted_owner"),
        (lost_reasons, "wanted_reason"),
        (owners, "actor"),
    )
)
_currency = (
    select(workspaces.c.currency).where(workspaces.c.workspace_id == WORKSPACE).scalar_subquery()
)


def _there_by(key: Any) -> Any:
    """The stage a deal comes to. Locked, as its foreign key will be in a moment: until the commit
    nobody removes the stage or makes another type of it (application/stages.py).
    """
    return (
        select(stages)
        .where(stages.c.workspace_id == WORKSPACE, stages.c.id == key)
        .with_for_update(read=True, key_share=True)
        .cte("there")
    )


def _there_columns(there: Any) -> list[Any]:
    return [
        there.c.id.label("there_id"),
        there.c.name.label("there_name"),
        there.c.type.label("there_type"),
        there.c.rotting_days.label("there_rotting_days"),
    ]


def _is_usable_client(key: Any) -> Any:
    return (
        is_row(_wanted_client, key)
        & _wanted_client.c.deleted_at.is_(None)
        & in_sight(_wanted_client)
    )


def _is_usable_owner(key: Any) -> Any:
    return is_row(_wanted_owner, key) & _wanted_owner.c.removed_at.is_(None)


def _is_offered_reason(key: Any) -> Any:
    return is_row(_wanted_reason, key) & _wanted_reason.c.removed_at.is_(None)


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

_there = _there_by(STAGE)
LOAD_TO_MOVE = Statement(
    select(
        *deal_columns(_locked),
        *_there_columns(_there),
        _above.label("above"),
        _below.label("below"),
        _wanted_reason.c.id.label("wanted_reason_id"),
        _wanted_reason.c.name.label("wanted_reason_name"),
        _actor.c.name.label("actor_name"),
        _currency.label("workspace_currency"),
    ).select_from(
        with_names(_locked)
        .outerjoin(_there, true())
        .outerjoin(_wanted_reason, _is_offered_reason(REASON))
        .outerjoin(_actor, is_row(_actor, BY))
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
_first = _there_by(func.coalesce(STAGE, _first_open))
_top = (
    select(deals.c.position)
    .where(
        deals.c.workspace_id == WORKSPACE,
        deals.c.stage_id == _first.c.id,
        deals.c.deleted_at.is_(None),
    )
    .order_by(deals.c.position)
    .limit(literal_column("1"))
    .scalar_subquery()
)
_once = select(literal_column("1")).subquery("once")
SURROUNDINGS = Statement(
    select(
        *_there_columns(_first),
        _top.label("top"),
        _wanted_client.c.id.label("wanted_client_id"),
        _wanted_client.c.name.label("wanted_client_name"),
        _wanted_owner.c.id.label("wanted_owner_id"),
        _wanted_owner.c.name.label("wanted_owner_name"),
        _currency.label("workspace_currency"),
    ).select_from(
        _once.outerjoin(_first, true())
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
    """The change, its line of history and what is told of it, in one round trip."""
    done = change.cte("done")
    history = insert(deal_history).from_select(
        ["workspace_id", "deal_id", *HISTORY],
        select(done.c.workspace_id, done.c.id, *_history_values),
    )
    told = told_with(done).add_cte(history.inline().cte("history"))
    return Statement(told, about=deals.name)


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
