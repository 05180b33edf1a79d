"""Stages as they are set up: all of a board at once, and where the deals of one go."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from fractional_indexing import generate_n_keys_between
from sqlalchemy import (
    Integer,
    Uuid,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)

from crm.adapters.bulk import add_history, facts_of
from crm.adapters.deal_columns import deal_columns, with_names
from crm.adapters.deals import deal_of, kept_values
from crm.adapters.many import as_json, update_many
from crm.adapters.reading import WORKSPACE
from crm.adapters.tables import deals, owners, removed_stages, stages
from crm.domain.board_stage import BoardStage, StageState
from crm.domain.deal import Deal
from crm.domain.setting_errors import StageNotEmpty
from crm.domain.stage import Stage, StageType
from kit.database import Statement, Transaction
from kit.unit_of_work import UnitOfWork

STAGE, TARGET = (bindparam(name, type_=Uuid()) for name in ("stage", "target"))
STATE = ("name", "type", "color", "rotting_days", "default_probability", "position")
_this = stages.c.workspace_id == WORKSPACE, stages.c.id == STAGE
_all = (
    select(stages.c.id, stages.c.version, *(stages.c[name] for name in STATE))
    .where(stages.c.workspace_id == WORKSPACE)
    .order_by(stages.c.position, stages.c.id)
)
# One change of a board at a time; deals can be moved meanwhile.
LOAD = Statement(_all.with_for_update(key_share=True))
# Waits for moves into the stage that are under way, and holds up the next ones.
HOLD = Statement(select(stages.c.id).where(*_this).with_for_update())
ADD = Statement(
    insert(stages).values(
        {name: bindparam(name) for name in ("id", "workspace_id", "version", *STATE)}
    )
)
SAVE = Statement(
    update(stages)
    .where(*_this, stages.c.version == bindparam("read", type_=Integer()))
    .values(
        version=stages.c.version + literal_column("1"),
        **{name: bindparam(name, type_=stages.c[name].type) for name in STATE},
    )
)
_gone = (
    delete(stages)
    .where(*_this)
    .returning(stages.c.id, stages.c.workspace_id, stages.c.name, stages.c.type)
    .cte("gone")
)
REMOVE = Statement(
    insert(removed_stages).from_select(["id", "workspace_id", "name", "type"], select(_gone))
)

# ---------------------------------------------------------------- the deals of a stage

_in_stage = deals.c.workspace_id == WORKSPACE, deals.c.stage_id == STAGE
HAS_DEALS = Statement(select(exists().where(*_in_stage).label("has")))
COUNT = Statement(select(func.count().label("n")).where(*_in_stage, deals.c.deleted_at.is_(None)))
_some = (
    select(deals)
    .where(*_in_stage, deals.c.deleted_at.is_(None))
    .order_by(deals.c.position.desc(), deals.c.id.desc())
    .limit(bindparam("size", type_=Integer()))
    .with_for_update()
    .cte("some")
)
SOME_DEALS = Statement(
    select(*deal_columns(_some))
    .select_from(with_names(_some))
    .order_by(_some.c.position, _some.c.id)
)
TOP = Statement(
    select(func.min(deals.c.position)).where(
        deals.c.workspace_id == WORKSPACE,
        deals.c.stage_id == TARGET,
        deals.c.deleted_at.is_(None),
    )
)
NAME_OF = Statement(
    select(owners.c.name).where(
        owners.c.workspace_id == WORKSPACE, owners.c.id == bindparam("by", type_=Uuid())
    )
)
MOVED = ("stage_id", "position", "entered_stage_at", "updated_at", "closed_at")
SAVE_MOVES = update_many(deals, ("version", *MOVED))
# Deals in the trash go along untold: who restores one tells all of it. Their history says it.
MOVE_TRASH = Statement(
    text(
        "WITH moved AS (UPDATE deals SET stage_id = :target, version = version + 1 "
        "  WHERE workspace_id = :workspace AND stage_id = :stage AND deleted_at IS NOT NULL "
        "  RETURNING workspace_id, id, version) "
        "INSERT INTO deal_history (id, workspace_id, deal_id, version, kind, actor_id, "
        "  happened_at, changes, from_stage_id, to_stage_id) "
        "SELECT gen_random_uuid(), workspace_id, id, version, 'moved', :by, :at, '[]', :stage, "
        "  :target FROM moved"
    ).bindparams(
        bindparam("workspace", type_=Uuid()),
        bindparam("stage", type_=Uuid()),
        bindparam("target", type_=Uuid()),
        bindparam("by", type_=Uuid()),
        bindparam("at"),
    )
)


async def load_all(tx: Transaction) -> list[BoardStage]:
    """All stages in board order, kept from other changes of the board."""
    return [
        BoardStage(
            id=row["id"],
            workspace_id=tx.workspace_id,
            version=row["version"],
            state=StageState(
                name=row["name"],
                type=StageType(row["type"]),
                color=row["color"],
                rotting_days=row["rotting_days"],
                default_probability=row["default_probability"],
                position=row["position"],
            ),
        )
        for row in await tx.rows(LOAD, workspace=tx.workspace_id)
    ]


async def add(uow: UnitOfWork, stage: BoardStage) -> None:
    """Write a new stage, and tell of it."""
    await uow.run(
        ADD,
        id=stage.id,
        workspace_id=uow.workspace_id,
        version=stage.version,
        **_state(stage.state),
    )
    uow.tell(stage)


async def save(uow: UnitOfWork, stage: BoardStage) -> None:
    """Write what can change in a stage, and tell of it."""
    count = await uow.run(
        SAVE,
        workspace=uow.workspace_id,
        stage=stage.id,
        read=stage.version,
        **_state(stage.state),
    )
    uow.saved(stage, rows=count)


async def remove(uow: UnitOfWork, stage: BoardStage) -> None:
    """Take a stage off the board, and tell of it. Raises StageNotEmpty for one with deals."""
    try:
        count = await uow.run(REMOVE, workspace=uow.workspace_id, stage=stage.id)
    except asyncpg.ForeignKeyViolationError:
        raise StageNotEmpty("A deal has come to this stage meanwhile; try again.") from None
    uow.saved(stage, rows=count)


async def hold(tx: Transaction, stage_id: UUID) -> None:
    """Let nothing come into a stage until the end of the transaction."""
    await tx.run(HOLD, workspace=tx.workspace_id, stage=stage_id)


async def has_deals(tx: Transaction, stage_id: UUID) -> bool:
    """Whether any deal stands there, the trash included."""
    return bool(await tx.value(HAS_DEALS, workspace=tx.workspace_id, stage=stage_id))


async def count_deals(tx: Transaction, stage_id: UUID) -> int:
    """How many deals the board shows there."""
    return int(await tx.value(COUNT, workspace=tx.workspace_id, stage=stage_id))


async def last_deals(tx: Transaction, stage_id: UUID, size: int) -> list[Deal]:
    """The lowest cards of a stage, locked, in their order."""
    rows = await tx.rows(SOME_DEALS, workspace=tx.workspace_id, stage=stage_id, size=size)
    return [deal_of(tx.workspace_id, row) for row in rows]


async def positions_on_top(tx: Transaction, stage_id: UUID, count: int) -> list[str]:
    """So many free places above a stage's first card, the uppermost first."""
    top = await tx.value(TOP, workspace=tx.workspace_id, target=stage_id)
    return list(generate_n_keys_between(None, top, count))


async def save_moved(uow: UnitOfWork, moved: Sequence[Deal]) -> None:
    """Write deals that were moved, with their history, and tell of them."""
    facts = await facts_of(uow, moved)
    rows = [{"id": deal.id, "version": deal.version + 1, **_moved(deal)} for deal in moved]
    await uow.run(SAVE_MOVES, workspace=uow.workspace_id, rows=as_json(rows))
    await add_history(uow, facts)


async def move_trash(
    tx: Transaction, stage_id: UUID, target_id: UUID, *, by: UUID | None, at: datetime
) -> None:
    """Let the deals in the trash stand in another stage."""
    await tx.run(
        MOVE_TRASH, workspace=tx.workspace_id, stage=stage_id, target=target_id, by=by, at=at
    )


async def name_of(tx: Transaction, user_id: UUID | None) -> str:
    """What a member is called."""
    return await tx.value(NAME_OF, workspace=tx.workspace_id, by=user_id) or ""


def as_deals_see_it(stage: BoardStage) -> Stage:
    """The same stage, as far as a deal needs it."""
    state = stage.state
    return Stage(stage.id, state.name, state.type, state.rotting_days)


def _moved(deal: Deal) -> dict[str, Any]:
    values = kept_values(deal.state)
    return {name: values[name] for name in MOVED}


def _state(state: StageState) -> dict[str, Any]:
    return {name: getattr(state, name) for name in STATE}
