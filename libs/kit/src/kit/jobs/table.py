"""The row of a job, and the lease by which exactly one worker has it at a time.

A broker that forgets everything loses nothing: workers look for rows that nobody works on. A
worker that lost its lease learns it at its next heartbeat; `attempts` keeps it from writing into
the row of its successor.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    bindparam,
    func,
    insert,
    literal_column,
    null,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from kit.closures import IS_OPEN
from kit.database import Statement, Transaction
from kit.errors import DomainError, ErrorKind
from kit.ids import new_id
from kit.outbox import metadata
from kit.pool import Pool
from kit.telemetry import current_traceparent

LEASE = timedelta(seconds=30)
RESEND_AFTER = timedelta(seconds=30)
ATTEMPTS = 5

jobs = Table(
    "jobs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="queued"),
    Column("progress", Integer, nullable=False, server_default="0"),
    Column("total", Integer, nullable=False, server_default="0"),
    Column("args", JSONB, nullable=False),
    Column("result", JSONB),
    Column("error", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("lease_until", DateTime(timezone=True)),
    Column("sent_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("traceparent", Text),
    Column("sight", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint("status IN ('queued', 'running', 'done', 'failed')", name="ck_jobs_status"),
)
Index("ix_jobs_workspace", jobs.c.workspace_id, jobs.c.created_at)
Index("ix_jobs_open", jobs.c.sent_at, postgresql_where=text("status IN ('queued', 'running')"))

_given = ("id", "workspace_id", "kind", "args", "total", "traceparent", "sight")
_seen = (
    "id",
    "workspace_id",
    "kind",
    "status",
    "progress",
    "total",
    "args",
    "result",
    "error",
    "attempts",
    "traceparent",
    "sight",
    "created_at",
    "ended_at",
)
ADD = Statement(insert(jobs).values({name: bindparam(name) for name in _given}).inline())
FIND = Statement(
    select(*(jobs.c[name] for name in _seen)).where(
        jobs.c.workspace_id == bindparam("workspace", type_=Uuid()),
        jobs.c.id == bindparam("job", type_=Uuid()),
    )
)

# As END, beside whatever tells of it.
_ENDING = (
    update(jobs)
    .where(
        jobs.c.workspace_id == bindparam("workspace", type_=Uuid()),
        jobs.c.id == bindparam("job", type_=Uuid()),
        jobs.c.attempts == bindparam("attempt", type_=Integer()),
        jobs.c.status == literal_column("'running'"),
    )
    .values(ended_at=func.now(), lease_until=null())
)
FAIL = Statement(
    _ENDING.values(status=literal_column("'failed'"), error=bindparam("said", type_=Text()))
)
SUCCEED = Statement(
    _ENDING.values(status=literal_column("'done'"), result=bindparam("result", type_=JSONB()))
)

# For the system role, which knows a job before it knows its workspace.
CLAIM = f"""
UPDATE jobs AS one
SET status = 'running', attempts = attempts + 1, lease_until = now() + $2::interval
WHERE id = $1 AND {IS_OPEN} AND (status = 'queued' OR (status = 'running' AND lease_until < now()))
RETURNING {", ".join(_seen)}"""
_MINE = "id = $1 AND attempts = $2 AND status = 'running'"
RENEW = f"UPDATE jobs SET lease_until = now() + $3::interval WHERE {_MINE}"
PROGRESS = f"""
UPDATE jobs SET lease_until = now() + $3::interval, progress = $4, total = $5 WHERE {_MINE}"""
END = f"""
UPDATE jobs SET status = $3, result = $4, error = $5, ended_at = now(), lease_until = NULL
WHERE {_MINE}"""
RETURN = f"UPDATE jobs SET status = 'queued', error = $3, lease_until = NULL WHERE {_MINE}"
STALE = f"""
UPDATE jobs SET sent_at = now() WHERE id IN (
    SELECT id FROM jobs AS one
    WHERE (status = 'queued' OR (status = 'running' AND lease_until < now() AND attempts < $3))
        AND sent_at < now() - $1::interval AND kind = ANY($2::text[]) AND {IS_OPEN}
    ORDER BY sent_at LIMIT 100 FOR UPDATE SKIP LOCKED)
RETURNING id, kind"""
# Whoever gives one up has its lease until it says so.
GIVE_UP = f"""
UPDATE jobs SET attempts = attempts + 1, lease_until = now() + $3::interval
WHERE status = 'running' AND lease_until < now() AND attempts >= $1 AND kind = ANY($2::text[])
RETURNING {", ".join(_seen)}"""


QUEUED_FOR = """
SELECT extract(epoch FROM now() - min(created_at))::float8 FROM jobs WHERE status = 'queued'"""


class JobNotFound(DomainError):
    """No such job in this workspace."""

    kind, reason = ErrorKind.NOT_FOUND, "JOB_NOT_FOUND"


class LeaseLost(Exception):
    """Somebody else has the job now; whatever is done from here on is done twice."""


@dataclass(frozen=True)
class Job:
    """A job as its row says."""

    id: UUID
    workspace_id: UUID
    kind: str
    status: str
    progress: int
    total: int
    args: dict[str, Any]
    result: dict[str, Any] | None
    error: str | None
    attempts: int
    traceparent: str | None
    sight: str  # of whoever asked for it: the work sees no more
    created_at: datetime
    ended_at: datetime | None


async def enqueue(tx: Transaction, kind: str, args: dict[str, Any], *, total: int = 0) -> UUID:
    """Write a job together with the change that asks for it.

    Send it to the worker after the commit (`JobApp.send`); if that is lost, a worker finds it.
    """
    job_id = new_id()
    await tx.run(
        ADD,
        id=job_id,
        workspace_id=tx.workspace_id,
        kind=kind,
        args=args,
        total=total,
        traceparent=current_traceparent(),
        sight=tx.sight.setting,
    )
    return job_id


async def find(tx: Transaction, job_id: UUID) -> Job:
    """How a job stands. Raises JobNotFound."""
    row = await tx.row(FIND, workspace=tx.workspace_id, job=job_id)
    if row is None:
        raise JobNotFound("There is no such job.")
    return Job(**row)


async def claim(system: Pool, job_id: UUID) -> Job | None:
    """Take the lease, unless the job is done or in other hands."""
    row = await system.fetchrow(CLAIM, job_id, LEASE)
    return Job(**row) if row else None


async def renew(system: Pool, job: Job) -> None:
    """Keep the lease. Raises LeaseLost."""
    _expect_one(await system.execute(RENEW, job.id, job.attempts, LEASE))


async def report(system: Pool, job: Job, *, progress: int, total: int) -> None:
    """Say how far it is, and keep the lease. Raises LeaseLost."""
    _expect_one(await system.execute(PROGRESS, job.id, job.attempts, LEASE, progress, total))


async def end(
    system: Pool, job: Job, *, result: dict[str, Any] | None, error: str | None = None
) -> None:
    """It is done, or it failed for the reason in `error`. Raises LeaseLost."""
    status = "done" if error is None else "failed"
    _expect_one(await system.execute(END, job.id, job.attempts, status, result, error))


async def fail(tx: Transaction, job: Job, *, error: str) -> None:
    """It failed for good, told of in the same commit; for the system role. Raises LeaseLost."""
    count = await tx.run(
        FAIL, workspace=tx.workspace_id, job=job.id, attempt=job.attempts, said=error
    )
    if count != 1:
        raise LeaseLost


async def succeed(tx: Transaction, job: Job, *, result: dict[str, Any]) -> None:
    """It is done, told of in the same commit. Raises LeaseLost."""
    count = await tx.run(
        SUCCEED, workspace=tx.workspace_id, job=job.id, attempt=job.attempts, result=result
    )
    if count != 1:
        raise LeaseLost


async def give_back(system: Pool, job: Job, *, error: str) -> None:
    """Have it tried again later. Raises LeaseLost."""
    _expect_one(await system.execute(RETURN, job.id, job.attempts, error))


async def given_up(system: Pool, kinds: Collection[str]) -> list[Job]:
    """Jobs of these kinds that killed their worker each time, for the caller to end."""
    rows = await system.fetch(GIVE_UP, ATTEMPTS, list(kinds), LEASE)
    return [Job(**row) for row in rows]


async def queued_for(system: Pool) -> float:
    """Seconds since the oldest job that waits was asked for; zero when none waits."""
    seconds: float | None = await system.fetchval(QUEUED_FOR)
    return seconds or 0.0


async def abandoned(system: Pool, kinds: Collection[str]) -> list[tuple[str, UUID]]:
    """Kind and id of jobs of these kinds that nobody works on; each is handed out now and then."""
    rows = await system.fetch(STALE, RESEND_AFTER, list(kinds), ATTEMPTS)
    return [(row["kind"], row["id"]) for row in rows]


def _expect_one(status: str) -> None:
    if status != "UPDATE 1":
        raise LeaseLost
