"""Which workspaces are to be scored again, when, and by which job.

A change makes its workspace due two seconds after the first one that is not scored yet. Events of
something large push that back while they come. A job that is open keeps its workspace's next one
waiting: there are never two at a time.
"""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Date, DateTime, Interval, Uuid, bindparam, func, update
from sqlalchemy.dialects.postgresql import insert

from analytics.adapters.tables import rescoring
from kit.database import Statement, Transaction

DEBOUNCE = timedelta(seconds=2)
BULK_PAUSE = timedelta(seconds=5)

_WORKSPACE = bindparam("workspace", type_=Uuid())
_due = func.clock_timestamp() + bindparam("pause", type_=Interval())
_mark = insert(rescoring).values(
    workspace_id=_WORKSPACE, dirty_since=func.clock_timestamp(), due_at=_due, refit_due_at=_due
)
_seen = func.coalesce(rescoring.c.dirty_since, _mark.excluded.dirty_since)
MARK = Statement(
    _mark.on_conflict_do_update(
        index_elements=[rescoring.c.workspace_id],
        set_={
            "dirty_since": _seen,
            "due_at": func.coalesce(rescoring.c.due_at, _mark.excluded.due_at),
        },
    )
)
MARK_LARGE = Statement(
    _mark.on_conflict_do_update(
        index_elements=[rescoring.c.workspace_id],
        set_={"dirty_since": _seen, "due_at": _mark.excluded.due_at},
    )
)
_ours = rescoring.c.workspace_id == _WORKSPACE
HANDED_OUT = Statement(
    update(rescoring)
    .where(_ours)
    .values(job_id=bindparam("job", type_=Uuid()), due_at=None, dirty_since=None)
)
# What came while the job was computing stays due.
SCORED = Statement(
    update(rescoring)
    .where(_ours)
    .values(runs=rescoring.c.runs + 1, scored_version=bindparam("data_version", type_=BigInteger()))
    .returning(rescoring.c.runs)
)
FITTED = Statement(
    update(rescoring)
    .where(_ours)
    .values(
        fitted_on=bindparam("today", type_=Date()),
        refit_due_at=bindparam("next", type_=DateTime(timezone=True)),
    )
)
BACKTESTED = Statement(
    update(rescoring).where(_ours).values(backtested_on=bindparam("today", type_=Date()))
)
STANDING = Statement(rescoring.select().where(_ours))

# For the system role, over all workspaces. A job that failed for good is no longer open.
_FREE = """
NOT EXISTS (SELECT FROM jobs j WHERE j.id = r.job_id AND j.status IN ('queued', 'running'))"""
DUE = f"""
SELECT workspace_id, refit_due_at <= now() AS refit FROM rescoring r
WHERE (due_at <= now() OR refit_due_at <= now()) AND {_FREE}
ORDER BY due_at NULLS LAST LIMIT $1"""
NEXT = """
SELECT extract(epoch FROM least(min(due_at), min(refit_due_at)) - now())::float8 FROM rescoring"""
LOCK = f"""
SELECT refit_due_at <= now() AS refit FROM rescoring r
WHERE workspace_id = $1 AND (due_at <= now() OR refit_due_at <= now()) AND {_FREE}
FOR UPDATE SKIP LOCKED"""


class Due(NamedTuple):
    """A workspace whose time has come."""

    workspace_id: UUID
    refit: bool


async def mark(tx: Transaction, *, large: bool = False) -> None:
    """The workspace's facts have changed; `large`: and more is to come."""
    statement, pause = (MARK_LARGE, BULK_PAUSE) if large else (MARK, DEBOUNCE)
    await tx.run(statement, workspace=tx.workspace_id, pause=pause)
