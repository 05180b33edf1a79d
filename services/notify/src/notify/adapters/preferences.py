"""What people have chosen."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Text, Uuid, bindparam, false, func, select
from sqlalchemy.dialects.postgresql import insert

from kit.database import Statement, Transaction
from kit.unit_of_work import UnitOfWork
from notify.adapters.tables import own_changes, preferences
from notify.domain.messages import Kind
from notify.domain.preferences import MUTED_USUALLY, USUAL, Choice

_t = preferences.c
_WORKSPACE = _t.workspace_id == bindparam("workspace", type_=Uuid())
OF_ALL = Statement(
    select(_t.user_id, _t.kind, _t.in_app, _t.by_mail, _t.digest).where(
        _WORKSPACE, _t.kind == func.any(bindparam("kinds", type_=ARRAY(Text())))
    )
)
OF_ONE = Statement(
    select(_t.kind, _t.in_app, _t.by_mail, _t.digest).where(
        _WORKSPACE, _t.user_id == bindparam("user", type_=Uuid())
    )
)
_digest = bindparam("digest", type_=Boolean())
_new = insert(preferences).values(
    {column.name: bindparam(column.name) for column in _t}
    | {"digest": func.coalesce(_digest, false())}
)
KEEP = Statement(
    _new.on_conflict_do_update(
        index_elements=[_t.workspace_id, _t.user_id, _t.kind],
        set_={name: _new.excluded[name] for name in ("in_app", "by_mail")}
        | {"digest": func.coalesce(_digest, _t.digest)},
    )
)
_own = own_changes.c
IS_MUTED = Statement(
    select(_own.muted).where(
        _own.workspace_id == bindparam("workspace", type_=Uuid()),
        _own.user_id == bindparam("user", type_=Uuid()),
    )
)
_newly = insert(own_changes).values({column.name: bindparam(column.name) for column in _own})
MUTE = Statement(
    _newly.on_conflict_do_update(
        index_elements=[_own.workspace_id, _own.user_id], set_={"muted": _newly.excluded.muted}
    )
)


async def of_everybody(tx: Transaction, kinds: Collection[Kind]) -> dict[tuple[UUID, Kind], Choice]:
    """What members have chosen for these kinds; who has not is not in it."""
    rows = await tx.rows(OF_ALL, workspace=tx.workspace_id, kinds=[str(kind) for kind in kinds])
    return {(row["user_id"], Kind(row["kind"])): Choice(*row[2:]) for row in rows}


async def of(tx: Transaction, user_id: UUID) -> dict[Kind, Choice]:
    """Every kind there is, as this person is told of it."""
    rows = await tx.rows(OF_ONE, workspace=tx.workspace_id, user=user_id)
    known = {row["kind"]: Choice(*row[1:]) for row in rows}
    return {kind: known.get(kind.value, usual) for kind, usual in USUAL.items()}


async def keep(uow: UnitOfWork, user_id: UUID, chosen: Mapping[Kind, Choice]) -> None:
    """Write what somebody chose."""
    await uow.run_many(
        KEEP,
        [
            {
                "workspace_id": uow.workspace_id,
                "user_id": user_id,
                "kind": kind.value,
                "in_app": choice.in_app,
                "by_mail": choice.by_mail,
                "digest": choice.digest,
            }
            for kind, choice in chosen.items()
        ],
    )


async def mutes_own_changes(tx: Transaction, user_id: UUID) -> bool:
    """Whether this person is not told of what they did themselves."""
    chosen = await tx.value(IS_MUTED, workspace=tx.workspace_id, user=user_id)
    return MUTED_USUALLY if chosen is None else bool(chosen)


async def mute_own_changes(uow: UnitOfWork, user_id: UUID, muted: bool) -> None:
    """Write what somebody chose."""
    await uow.run(MUTE, workspace_id=uow.workspace_id, user_id=user_id, muted=muted)
