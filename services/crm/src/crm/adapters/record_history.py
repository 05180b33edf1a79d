"""What happened to a client or an activity, latest first."""

from sqlalchemy import Integer, Uuid, bindparam, select

from crm.adapters.reading import WORKSPACE, Read, is_row
from crm.adapters.tables import owners, record_history

_actor = owners.alias("actor")
HISTORY = Read(
    select(
        record_history.c.id,
        record_history.c.kind,
        record_history.c.actor_id,
        _actor.c.name.label("actor_name"),
        record_history.c.happened_at,
        record_history.c.recorded_at,
        record_history.c.changes,
        record_history.c.version,
    )
    .select_from(record_history.outerjoin(_actor, is_row(_actor, record_history.c.actor_id)))
    .where(
        record_history.c.workspace_id == WORKSPACE,
        record_history.c.record_id == bindparam("record", type_=Uuid()),
        record_history.c.version < bindparam("below", type_=Integer()),
    )
    .order_by(record_history.c.version.desc(), record_history.c.id.desc())
    .limit(bindparam("size", type_=Integer()))
)
