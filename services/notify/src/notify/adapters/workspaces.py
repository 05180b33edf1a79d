"""What workspaces are called and where their clocks stand, as auth tells it."""

from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Integer, Uuid, and_, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from kit.database import Statement, SystemTransaction, Transaction
from kit.pool import Pool
from notify.adapters.tables import recipients, workspaces
from notify.domain.days import zone_of

_t = workspaces.c
_new = insert(workspaces).values({c.name: bindparam(c.name) for c in _t})
KEEP = Statement(
    _new.on_conflict_do_update(
        index_elements=[_t.workspace_id],
        set_={name: _new.excluded[name] for name in ("version", "time_zone", "name")},
        # A row of the time before there were names holds what its version said but for that.
        where=or_(
            _t.version < _new.excluded.version,
            and_(_t.version == _new.excluded.version, _t.name == ""),
        ),
    )
)
SETTINGS = Statement(
    select(_t.name, _t.time_zone).where(_t.workspace_id == bindparam("workspace", type_=Uuid()))
)
UNKNOWN = Statement(
    select(recipients.c.workspace_id)
    .distinct()
    .outerjoin_from(recipients, workspaces, _t.workspace_id == recipients.c.workspace_id)
    .where(recipients.c.removed_at.is_(None), func.coalesce(_t.name, "") == "")
    .limit(bindparam("limit", type_=Integer()))
)


class Workspace(NamedTuple):
    """In UTC and without a name until auth has told."""

    id: UUID
    name: str
    zone: ZoneInfo


async def keep(tx: Transaction, *, version: int, time_zone: str, name: str) -> bool:
    """Whether it was news: something newer may be known."""
    kept = await tx.run(
        KEEP, workspace_id=tx.workspace_id, version=version, time_zone=time_zone, name=name
    )
    return kept == 1


async def get(tx: Transaction) -> Workspace:
    """As far as it is known."""
    row = await tx.row(SETTINGS, workspace=tx.workspace_id)
    name, time_zone = (row["name"], row["time_zone"]) if row else ("", "")
    return Workspace(tx.workspace_id, name, zone_of(time_zone))


async def unknown(system: Pool, limit: int) -> list[UUID]:
    """Workspaces of people who can be told something, of whose settings nothing was heard."""
    async with SystemTransaction(system) as tx:
        return [row["workspace_id"] for row in await tx.rows(UNKNOWN, limit=limit)]
