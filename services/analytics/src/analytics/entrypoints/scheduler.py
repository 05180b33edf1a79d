"""Whatever is due becomes a job; whatever jobs have told is carried on without delay."""

import asyncio

from analytics.adapters import rescoring
from analytics.application.handing_out import hand_out, hand_out_replay
from analytics.domain.work import REPLAY, RESCORE
from analytics.entrypoints.app import App
from kit.ages import keep_telling
from kit.pool import ROUND_FAILURES
from kit.telemetry import Log
from kit.telemetry.metrics import gauge

LOOK_EVERY = 1.0  # seconds; what is due in less is waited for exactly
BUSY_EVERY = 0.2
SHORTEST = 0.02

RESCORING_AGE = gauge(
    "rescoring_oldest_dirty_age_seconds", "Since the oldest change that no score knows yet."
)

log = Log(__name__)


async def hand_out_work(app: App) -> None:
    """A background task of the serving process; several replicas take turns by locks."""
    while True:
        pause = LOOK_EVERY
        try:
            pause = await _round(app)
        except ROUND_FAILURES as error:
            log.warning("work_not_handed_out", cause=repr(error))  # the next round does it
        await asyncio.sleep(pause)


async def tell_rescoring_age(app: App) -> None:
    """Say how far behind the scores are, for whoever watches the platform."""
    await keep_telling(RESCORING_AGE, lambda: rescoring.unscored_for(app.system))


async def _round(app: App) -> float:
    """Seconds until the next one."""
    for workspace_id in await rescoring.due(app.system):
        async with app.unit_of_work(workspace_id) as uow:
            job_id = await hand_out(uow, now=app.clock.now())
        if job_id is not None:
            await app.jobs.send(RESCORE, job_id)
    await _replay(app)
    seconds = await rescoring.seconds_to_next(app.system)
    if await rescoring.is_busy(app.system):
        # What a worker commits lies in the outbox, and the relay does not hear of it.
        app.wake_relay()
        return BUSY_EVERY
    if seconds is None or seconds > LOOK_EVERY:
        return LOOK_EVERY
    return max(seconds, SHORTEST)


async def _replay(app: App) -> None:
    """After all that was due has been handed out, and only while no job waits."""
    workspace_id = await rescoring.replay_due(app.system)
    if workspace_id is None:
        return
    async with app.unit_of_work(workspace_id) as uow:
        job_id = await hand_out_replay(uow, now=app.clock.now())
    if job_id is not None:
        await app.jobs.send(REPLAY, job_id)
