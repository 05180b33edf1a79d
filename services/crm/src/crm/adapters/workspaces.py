"""What a workspace has set up: its stages, lost reasons, owners, and what auth says of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import (
    ARRAY,
    Double,
    Integer,
    Text,
    Uuid,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import insert

from crm.adapters.reading import WORKSPACE, Read
from crm.adapters.tables import (
    calendar_feeds,
    lost_reasons,
    owners,
    stages,
    view_choices,
    views,
    workspaces,
)
from crm.domain.board_stage import StageChanged, StageState
from crm.domain.entries import Named
from crm.domain.lost_reason import LostReasonChanged, ReasonState
from crm.domain.stage import (
    DEFAULT_CURRENCY,
    DEFAULT_LOST_REASONS,
    DEFAULT_STAGES,
    StageType,
)
from kit.database import Statement, Transaction
from kit.ids import new_id
from kit.unit_of_work import UnitOfWork

USER = bindparam("user", type_=Uuid())
FORMER_MEMBER = "A former member"  # whose account is gone, and the name with it

_currency = (
    select(workspaces.c.currency).where(workspaces.c.workspace_id == WORKSPACE).scalar_subquery()
)
STAGES = Read(
    select(
        stages.c.id,
        stages.c.name,
        stages.c.type,
        stages.c.position,
        stages.c.rotting_days,
        stages.c.default_probability,
        stages.c.color,
        stages.c.version,
        func.coalesce(_currency, literal_column(f"'{DEFAULT_CURRENCY}'")).label("currency"),
    )
    .where(stages.c.workspace_id == WORKSPACE)
    .order_by(stages.c.position, stages.c.id)
)
LOST_REASONS = Read(
    select(lost_reasons.c.id, lost_reasons.c.name)
    .where(lost_reasons.c.workspace_id == WORKSPACE, lost_reasons.c.removed_at.is_(None))
    .order_by(lost_reasons.c.position, lost_reasons.c.id)
)


def _unnested(**types: Any) -> Any:
    """Rows from one array per column: `unnest(:name, …) AS given (name, …)`."""
    arrays = [bindparam(name, type_=ARRAY(kind)) for name, kind in types.items()]
    return func.unnest(*arrays).table_valued(*types, name="given").render_derived()


_STAGE = [
    stages.c[name]
    for name in ("id", "name", "type", "color", "rotting_days", "default_probability", "position")
]
_stages = _unnested(
    ids=Uuid(),
    names=Text(),
    types=Text(),
    positions=Integer(),
    rotting=Integer(),
    probabilities=Double(),
)
# Two at once meet on the key (workspace, name), and the second adds nothing.
ADD_STAGES = Statement(
    insert(stages)
    .from_select(
        [
            "id",
            "workspace_id",
            "version",
            "name",
            "type",
            "position",
            "rotting_days",
            "default_probability",
        ],
        select(
            _stages.c.ids,
            WORKSPACE,
            literal_column("1"),
            _stages.c.names,
            _stages.c.types,
            _stages.c.positions,
            _stages.c.rotting,
            _stages.c.probabilities,
        ).where(~exists().where(stages.c.workspace_id == WORKSPACE)),
    )
    .on_conflict_do_nothing()
    .returning(*_STAGE, func.now().label("at"))
)
_reasons = _unnested(ids=Uuid(), names=Text(), positions=Integer())
ADD_LOST_REASONS = Statement(
    insert(lost_reasons)
    .from_select(
        ["id", "workspace_id", "name", "position"],
        select(_reasons.c.ids, WORKSPACE, _reasons.c.names, _reasons.c.positions).where(
            ~exists().where(lost_reasons.c.workspace_id == WORKSPACE)
        ),
    )
    .on_conflict_do_nothing()
    .returning(
        lost_reasons.c.id, lost_reasons.c.name, lost_reasons.c.position, func.now().label("at")
    )
)

_workspace = insert(workspaces).values(
    {name: bindparam(name) for name in ("workspace_id", "version", "name", "currency", "time_zone")}
)
KEEP_WORKSPACE = Statement(
    _workspace.on_conflict_do_update(
        index_elements=["workspace_id"],
        set_={
            name: _workspace.excluded[name] for name in ("version", "name", "currency", "time_zone")
        },
        where=workspaces.c.version < _workspace.excluded.version,
    )
)
_owner = insert(owners).values(
    {
        name: bindparam(name)
        for name in (
            "id",
            "workspace_id",
            "version",
            "name",
            "user_id",
            "removed_at",
            "permissions",
        )
    }
)
KEEP_MEMBER = Statement(
    _owner.on_conflict_do_update(
        index_elements=["workspace_id", "id"],
        set_={
            "version": _owner.excluded.version,
            "name": func.coalesce(
                func.nullif(_owner.excluded.name, literal_column("''")), owners.c.name
            ),
            "removed_at": _owner.excluded.removed_at,
            "permissions": _owner.excluded.permissions,
        },
        where=owners.c.version < _owner.excluded.version,
    )
)
MEMBER = Statement(
    select(owners.c.name).where(
        owners.c.workspace_id == bindparam("workspace", type_=Uuid()),
        owners.c.id == bindparam("user", type_=Uuid()),
        owners.c.removed_at.is_(None),
    )
)
ADD_MEMBER = Statement(_owner.on_conflict_do_nothing())
# What somebody set up for themselves.
DROP_OWN = tuple(
    Statement(delete(table).where(table.c.workspace_id == WORKSPACE, whose))
    for table, whose in (
        (calendar_feeds, calendar_feeds.c.user_id == USER),
        (view_choices, view_choices.c.user_id == USER),
        (views, (views.c.owner_id == USER) & ~views.c.shared),
    )
)


async def add_defaults(uow: UnitOfWork) -> None:
    """Give a workspace its first stages and lost reasons; one that has some keeps them."""
    count = range(len(DEFAULT_STAGES))
    added = await uow.rows(
        ADD_STAGES,
        workspace=uow.workspace_id,
        ids=[new_id() for _ in count],
        names=[stage.name for stage in DEFAULT_STAGES],
        types=[stage.type.value for stage in DEFAULT_STAGES],
        positions=list(count),
        rotting=[stage.rotting_days for stage in DEFAULT_STAGES],
        probabilities=[stage.default_probability for stage in DEFAULT_STAGES],
    )
    uow.tell_facts(*map(_stage_added, added))
    added = await uow.rows(
        ADD_LOST_REASONS,
        workspace=uow.workspace_id,
        ids=[new_id() for _ in DEFAULT_LOST_REASONS],
        names=list(DEFAULT_LOST_REASONS),
        positions=list(range(len(DEFAULT_LOST_REASONS))),
    )
    uow.tell_facts(*map(_reason_added, added))


def _stage_added(row: asyncpg.Record) -> StageChanged:
    id, name, type, color, rotting_days, default_probability, position, at = row
    state = StageState(
        name=name,
        type=StageType(type),
        color=color,
        rotting_days=rotting_days,
        default_probability=default_probability,
        position=position,
    )
    return StageChanged(aggregate_id=id, version=1, at=at, by=None, stage=state)


def _reason_added(row: asyncpg.Record) -> LostReasonChanged:
    id, name, position, at = row
    reason = ReasonState(name, position)
    return LostReasonChanged(aggregate_id=id, version=1, at=at, by=None, reason=reason)


async def keep_workspace(
    tx: Transaction, *, version: int, name: str, currency: str, time_zone: str
) -> None:
    """Take over what auth says, unless something newer is known."""
    await tx.run(
        KEEP_WORKSPACE,
        workspace_id=tx.workspace_id,
        version=version,
        name=name,
        currency=currency,
        time_zone=time_zone,
    )


async def keep_member(
    tx: Transaction,
    user_id: UUID,
    *,
    version: int,
    name: str,
    removed_at: datetime | None,
    permissions: Sequence[str] | None,
) -> None:
    """Take over who belongs to the workspace, unless something newer is known."""
    await tx.run(
        KEEP_MEMBER,
        id=user_id,
        workspace_id=tx.workspace_id,
        version=version,
        name=name,
        user_id=user_id,
        removed_at=removed_at,
        permissions=permissions,
    )


async def drop_own(tx: Transaction, user_id: UUID) -> None:
    """The feed of a person's calendar, their choices, and the views that only they see."""
    for statement in DROP_OWN:
        await tx.run(statement, workspace=tx.workspace_id, user=user_id)


async def find_member(tx: Transaction, user_id: UUID) -> Named | None:
    """A member by the name that is shown; None before their event, and after they have left."""
    name = await tx.value(MEMBER, workspace=tx.workspace_id, user=user_id)
    return None if name is None else Named(user_id, name)


async def add_member(tx: Transaction, user_id: UUID) -> None:
    """Make room for a member whose event is still on its way; it brings the name."""
    await tx.run(
        ADD_MEMBER,
        id=user_id,
        workspace_id=tx.workspace_id,
        version=0,
        name="",
        user_id=user_id,
        removed_at=None,
        permissions=None,
    )
