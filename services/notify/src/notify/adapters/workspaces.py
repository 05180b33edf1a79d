"""Where the clocks of a workspace stand, as auth tells it."""

from zoneinfo import ZoneInfo

from sqlalchemy import Uuid, bindparam, select
from sqlalchemy.dialects.postgresql import insert

from kit.database import Statement, Transaction
from notify.adapters.tables import workspaces
from notify.domain.days import zone_of

_new = insert(workspaces).values({c.name: bindparam(c.name) for c in workspaces.c})
KEEP = Statement(
    _new.on_conflict_do_update(
        index_elements=[workspaces.c.workspace_id],
        set_={name: _new.excluded[name] for name in ("version", "time_zone")},
        where=workspaces.c.version < _new.excluded.version,
    )
)
TIME_ZONE = Statement(
    select(workspaces.c.time_zone).where(
        workspaces.c.workspace_id == bindparam("workspace", type_=Uuid())
    )
)


async def keep(tx: Transaction, *, version: int, time_zone: str) -> bool:
    """Whether it was news: something newer may be known."""
    kept = await tx.run(KEEP, workspace_id=tx.workspace_id, version=version, time_zone=time_zone)
    return kept == 1


async def zone(tx: Transaction) -> ZoneInfo:
    """UTC until auth has told."""
    return zone_of(await tx.value(TIME_ZONE, workspace=tx.workspace_id) or "")
