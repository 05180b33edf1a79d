"""Work is handed out: a job per workspace that is due, never two at a time."""

from datetime import datetime, timedelta
from uuid import UUID

from analytics.adapters import rescoring
from kit.jobs.table import enqueue
from kit.unit_of_work import UnitOfWork

RESCORE = "rescore"
REFIT_AGAIN = timedelta(hours=1)
"""When a refit that failed for good is tried again."""


async def hand_out(uow: UnitOfWork, *, now: datetime) -> UUID | None:
    """A job for the workspace's turn; None when somebody else took it or is still at it."""
    due = await rescoring.hand_out(uow)
    if due is None:
        return None
    job_id = await enqueue(uow, RESCORE, {"refit": due.refit})
    retry = now + REFIT_AGAIN if due.refit else None
    await rescoring.handed_out(uow, job_id, retry_refit_at=retry)
    await uow.commit()
    return job_id
