"""Which workspaces are to be scored again, when, and by which job.

A change makes its workspace due two seconds after the first one that is not scored yet. Events of
something large push that back while they come. A job that is open keeps its workspace's next one
waiting: there are never two at a time.
"""

from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Date,
    DateTime,
    Integer,
    Interval,
    Uuid,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from analytics.adapters.tables import rescoring
from kit.database import Statement, Transaction
from kit.jobs.table import jobs
from kit.pool import Pool

DEBOUNCE = timedelta(seconds=2)
BULK_PAUSE = timedelta(seconds=20)

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
        set_={
            "dirty_since": _seen,
            "due_at": _mark.excluded.due_at,
            "refit_due_at": case(
                (rescoring.c.fitted_on.is_(None), _mark.excluded.due_at),
                else_=rescoring.c.refit_due_at,
            ),
        },
    )
)
MARK_SOON = Statement(
    _mark.on_conflict_do_update(
        index_elements=[rescoring.c.workspace_id],
        set_={
            "dirty_since": _seen,
            "due_at": func.least(rescoring.c.due_at, _mark.excluded.due_at),
            "refit_due_at": func.least(rescoring.c.refit_due_at, _mark.excluded.due_at),
        },
    )
)
_ours = rescoring.c.workspace_id == _WORKSPACE
_AT = bindparam("at", type_=DateTime(timezone=True))
_RETRY = bindparam("retry_refit_at", type_=DateTime(timezone=True))
HANDED_OUT = Statement(
    update(rescoring)
    .where(_ours)
    .values(
        job_id=bindparam("job", type_=Uuid()),
        due_at=None,
        dirty_since=None,
        refit_due_at=func.coalesce(_RETRY, rescoring.c.refit_due_at),
    )
)
# What came while the job was computing stays due.
SCORED = Statement(
    update(rescoring)
    .where(_ours)
    .values(runs=rescoring.c.runs + 1, scored_version=bindparam("data_version", type_=BigInteger()))
    .returning(rescoring.c.runs)
)
# Only what has changed meanwhile waits; the next change after a quiet while does not.
REST = Statement(
    update(rescoring)
    .where(_ours)
    .values(
        due_at=func.greatest(
            rescoring.c.due_at, func.clock_timestamp() + bindparam("pause", type_=Interval())
        )
    )
    .where(rescoring.c.due_at.is_not(None))
)
FITTED = Statement(
    update(rescoring)
    .where(_ours)
    .values(
        fitted_on=bindparam("today", type_=Date()),
        refit_due_at=bindparam("next", type_=DateTime(timezone=True)),
    )
)
PLAN_REPLAY = Statement(
    update(rescoring)
    .where(_ours)
    .values(replay_due_at=func.clock_timestamp(), replay_at=_AT, replayed=0)
)
REPLAYED = Statement(
    update(rescoring)
    .where(_ours)
    .values(replay_due_at=func.clock_timestamp(), replayed=bindparam("parts", type_=Integer()))
)
BACKTESTED = Statement(
    update(rescoring)
    .where(_ours)
    .values(backtested_on=bindparam("today", type_=Date()), replay_due_at=None, replay_at=None)
)
STANDING = Statement(rescoring.select().where(_ours))

_open_job = exists().where(
    jobs.c.id == rescoring.c.job_id, or_(jobs.c.status == "queued", jobs.c.status == "running")
)
_is_due = or_(
    rescoring.c.due_at <= func.clock_timestamp(),
    rescoring.c.refit_due_at <= func.clock_timestamp(),
)
TURN = Statement(
    select((rescoring.c.refit_due_at <= func.clock_timestamp()).label("refit"))
    .where(_ours, _is_due, ~_open_job)
    .with_for_update(skip_locked=True)
)
REPLAY_TURN = Statement(
    select(rescoring.c.workspace_id)
    .where(_ours, rescoring.c.replay_due_at <= func.clock_timestamp(), ~_open_job)
    .with_for_update(skip_locked=True)
)
REPLAY_HANDED_OUT = Statement(
    update(rescoring)
    .where(_ours)
    .values(
        job_id=bindparam("job", type_=Uuid()),
        replay_due_at=bindparam("retry_at", type_=DateTime(timezone=True)),
    )
)
PARK = Statement(
    update(rescoring)
    .where(_ours)
    .values(dirty_since=None, due_at=None, refit_due_at=None, replay_due_at=None, replay_at=None)
)
GIVE_UP_JOBS = Statement(
    update(jobs)
    .where(
        jobs.c.workspace_id == _WORKSPACE,
        or_(jobs.c.status == "queued", jobs.c.status == "running"),
    )
    .values(status="failed", ended_at=func.now(), lease_until=None)
)
HELD = Statement(
    select(jobs.c.id)
    .where(
        jobs.c.id == bindparam("job", type_=Uuid()),
        jobs.c.attempts == bindparam("attempts", type_=Integer()),
        jobs.c.status == "running",
    )
    .with_for_update()
)

# For the system role, over all workspaces. A job that failed for good is no longer open.
DUE = """
SELECT workspace_id FROM rescoring r
WHERE (due_at <= now() OR refit_due_at <= now()) AND NOT EXISTS
    (SELECT FROM jobs j WHERE j.id = r.job_id AND j.status IN ('queued', 'running'))
ORDER BY due_at NULLS LAST LIMIT $1"""
BUSY = "SELECT EXISTS (SELECT FROM jobs WHERE status IN ('queued', 'running'))"
NEXT = """
SELECT extract(epoch FROM least(min(due_at), min(refit_due_at)) - now())::float8 FROM rescoring"""
# What is handed out is no longer dirty, and not scored yet either.
UNSCORED_FOR = """
SELECT extract(epoch FROM now() - least(
    (SELECT min(dirty_since) FROM rescoring),
    (SELECT min(created_at) FROM jobs
        WHERE kind = 'rescore' AND status IN ('queued', 'running'))))::float8"""
# A job whose worker died waits as well, for the next one.
_JOB_WAITS = """EXISTS (SELECT FROM jobs WHERE status = 'queued'
        OR (status = 'running' AND lease_until < now()))"""
# A workspace that waits for its own replay to make room has no job yet.
WAITING = f"""
SELECT {_JOB_WAITS}
    OR EXISTS (SELECT FROM rescoring WHERE due_at <= now())
    OR EXISTS (SELECT FROM rescoring WHERE refit_due_at <= now())"""
# One at a time for each worker: it is queued only while nothing else is.
REPLAY_DUE = f"""
SELECT workspace_id FROM rescoring r
WHERE replay_due_at <= now() AND NOT {_JOB_WAITS}
    AND NOT EXISTS
        (SELECT FROM jobs j WHERE j.id = r.job_id AND j.status IN ('queued', 'running'))
ORDER BY replay_due_at LIMIT 1"""


class Replay(NamedTuple):
    """The past up to a moment is being replayed; so many parts of it are done."""

    at: datetime
    parts: int


class Nights(NamedTuple):
    """When models were fitted last, when the past was replayed, and whether it is now."""

    fitted_on: date | None
    backtested_on: date | None
    replaying: bool


class Due(NamedTuple):
    """A workspace whose time has come."""

    workspace_id: UUID
    refit: bool


async def mark(tx: Transaction, *, large: bool = False) -> None:
    """The workspace's facts have changed; `large`: and more is to come."""
    statement, pause = (MARK_LARGE, BULK_PAUSE) if large else (MARK, DEBOUNCE)
    await tx.run(statement, workspace=tx.workspace_id, pause=pause)


async def mark_all_new(tx: Transaction) -> None:
    """Something large has ended: there is a past to learn from."""
    await tx.run(MARK_SOON, workspace=tx.workspace_id, pause=DEBOUNCE)


async def park(tx: Transaction) -> None:
    """Nothing is due, and no job waits or goes on, until something marks the workspace again."""
    await tx.run(PARK, workspace=tx.workspace_id)
    await tx.run(GIVE_UP_JOBS, workspace=tx.workspace_id)


class Fence(NamedTuple):
    """The attempt of a job that writes; whoever lost the lease meanwhile writes nothing."""

    job_id: UUID
    attempts: int


async def hand_out(tx: Transaction) -> Due | None:
    """Take the workspace's turn, if it is still due and nobody works on it; commit with the job."""
    row = await tx.row(TURN, workspace=tx.workspace_id)
    return None if row is None else Due(tx.workspace_id, bool(row["refit"]))


async def handed_out(tx: Transaction, job_id: UUID, *, retry_refit_at: datetime | None) -> None:
    """This job scores what is due now; a refit that fails is tried again at that time."""
    await tx.run(HANDED_OUT, workspace=tx.workspace_id, job=job_id, retry_refit_at=retry_refit_at)


async def is_held(tx: Transaction, fence: Fence) -> bool:
    """Whether the attempt still has its lease. Ask last, right before the commit."""
    return await tx.value(HELD, job=fence.job_id, attempts=fence.attempts) is not None


async def scored(tx: Transaction, data_version: int) -> int:
    """A scoring is complete; its number."""
    return int(await tx.value(SCORED, workspace=tx.workspace_id, data_version=data_version))


async def rest(tx: Transaction, took: float) -> None:
    """After a scoring of so many seconds a workspace in full change rests as long.

    A large one would keep a core busy for as long as somebody works in it.
    """
    pause = timedelta(seconds=took) - DEBOUNCE
    if pause > timedelta():
        await tx.run(REST, workspace=tx.workspace_id, pause=pause)


async def fitted(tx: Transaction, *, today: date, next_night: datetime) -> None:
    """The models are of this day."""
    await tx.run(FITTED, workspace=tx.workspace_id, today=today, next=next_night)


async def plan_replay(tx: Transaction, at: datetime) -> None:
    """Have the past up to a moment replayed when there is time."""
    await tx.run(PLAN_REPLAY, workspace=tx.workspace_id, at=at)


async def hand_out_replay(tx: Transaction) -> bool:
    """Take the turn of a workspace's replay, as `hand_out` does."""
    return await tx.row(REPLAY_TURN, workspace=tx.workspace_id) is not None


async def replay_handed_out(tx: Transaction, job_id: UUID, *, retry_at: datetime) -> None:
    """This job replays; if it fails for good, another one does at that time."""
    await tx.run(REPLAY_HANDED_OUT, workspace=tx.workspace_id, job=job_id, retry_at=retry_at)


async def replay(tx: Transaction) -> Replay | None:
    """How far the replay is; None when none is to be done."""
    row = await tx.row(STANDING, workspace=tx.workspace_id)
    if row is None or row["replay_at"] is None:
        return None
    return Replay(row["replay_at"], row["replayed"])


async def replayed(tx: Transaction, parts: int) -> None:
    """So many parts are done; what is left is due again as soon as the job has ended."""
    await tx.run(REPLAYED, workspace=tx.workspace_id, parts=parts)


async def back_tested(tx: Transaction, today: date) -> None:
    """Its history was replayed on this day."""
    await tx.run(BACKTESTED, workspace=tx.workspace_id, today=today)


async def last_nights(tx: Transaction) -> Nights:
    """What has been done for the workspace at night."""
    row = await tx.row(STANDING, workspace=tx.workspace_id)
    if row is None:
        return Nights(None, None, False)
    return Nights(row["fitted_on"], row["backtested_on"], row["replay_at"] is not None)


async def due(system: Pool, limit: int = 50) -> list[UUID]:
    """Workspaces whose time has come and that nobody works on."""
    return [row["workspace_id"] for row in await system.fetch(DUE, limit)]


async def seconds_to_next(system: Pool) -> float | None:
    """Until the next one is due, below zero for one that waits; None when none is."""
    seconds: float | None = await system.fetchval(NEXT)
    return seconds


async def is_busy(system: Pool) -> bool:
    """Whether a worker has, or will at once have, something to tell."""
    return bool(await system.fetchval(BUSY))


async def replay_due(system: Pool) -> UUID | None:
    """A workspace whose past may be replayed now, since no job waits."""
    workspace_id: UUID | None = await system.fetchval(REPLAY_DUE)
    return workspace_id


async def somebody_waits(system: Pool) -> bool:
    """Whether anything is to be done that is more urgent than a replay."""
    return bool(await system.fetchval(WAITING))


async def unscored_for(system: Pool) -> float:
    """Seconds since the oldest change that is not scored; zero when all are."""
    seconds: float | None = await system.fetchval(UNSCORED_FOR)
    return seconds or 0.0
