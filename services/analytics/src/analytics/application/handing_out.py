"""Work is handed out: a job per workspace that is due, never two at a time."""

from datetime import datetime, timedelta
from uuid import UUID

from analytics.adapters import rescoring
from analytics.domain.work import REPLAY, RESCORE
from kit.jobs.table import enqueue
from kit.unit_of_work import UnitOfWork

AGAIN = timedelta(hours=1)
"""When a refit or a replay that failed for good is tried again."""


async def hand_out(uow: UnitOfWork, *, now: datetime) -> UUID | None:
    """A job for the workspace's turn; None when somebody else took it or is still at it."""
    due = await rescoring.hand_out(uow)
    if due is None:
        return None
    job_id = await enqueue(uow, RESCORE, {"refit": due.refit})
    retry = now + AGAIN if due.refit else None
    await rescoring.handed_out(uow, job_id, retry_refit_at=retry)
    await uow.commit()
    return job_id


async def hand_out_replay(uow: UnitOfWork, *, now: datetime) -> UUID | None:
    """A job that replays the workspace's past; None as for `hand_out`."""
    if not await rescoring.hand_out_replay(uow):
        return None
    job_id = await enqueue(uow, REPLAY, {})
    await rescoring.replay_handed_out(uow, job_id, retry_at=now + AGAIN)
    await uow.commit()
    return job_id
