"""The dashboard as a document: asked for, made by a worker, fetched by whoever asked."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from analytics.adapters import documents
from analytics.application.scope import Asked, Scope, scope
from analytics.domain.errors import ReportNotFound, ReportNotReady, ReportOutOfSight
from analytics.domain.work import REPORT
from kit import files
from kit.database import Transaction
from kit.files import OpenTransaction
from kit.jobs.table import Job, enqueue
from kit.jobs.table import find as find_job
from kit.sight import Sight
from kit.unit_of_work import UnitOfWork

KEPT_FOR = timedelta(days=7)
LARGEST = 8 * 2**20  # bytes
CONTENT_TYPE = "application/pdf"

Gather = Callable[[Transaction, Scope, int], Awaitable[dict[str, Any]]]


async def create_report(
    uow: UnitOfWork,
    asked: Asked,
    *,
    horizon: int,
    locale: str,
    me: UUID,
    now: datetime,
    workspace_name: str = "",
) -> Job:
    """Raises DateInvalid, RangeEmpty: what cannot be made is refused at once."""
    await scope(uow, asked, me=me, now=now)
    job_id = await enqueue(
        uow,
        REPORT,
        {
            "first": asked.first,
            "last": asked.last,
            "owner_id": str(asked.owner_id or ""),
            "as_of": asked.as_of,
            "horizon": horizon,
            "locale": locale,
            "workspace_name": workspace_name,
            "user_id": str(me),
            # The worker sees what whoever asked for it saw.
            "sight": uow.sight.setting,
        },
    )
    job = await find_job(uow, job_id)
    await uow.commit()
    return job


async def find_report(tx: Transaction, report_id: UUID, *, me: UUID) -> Job:
    """Raises ReportNotFound, also for somebody else's."""
    job = await find_job(tx, report_id)
    if job.kind != REPORT or job.args["user_id"] != str(me):
        raise ReportNotFound("There is no such report.")
    return job


async def read_report(
    open_transaction: OpenTransaction, job: Job, *, sight: Sight
) -> AsyncIterator[bytes]:
    """Its bytes, for somebody who sees this much.

    Raises ReportOutOfSight, ReportNotReady, FileNotFound.
    """
    if not sight.covers(Sight.of_setting(job.sight)):
        raise ReportOutOfSight("It counts records that you do not see any more.")
    if job.result is None:
        raise ReportNotReady("The report is not ready yet.")
    async for chunk in files.read(open_transaction, UUID(job.result["file_id"])):
        yield chunk


async def make_report(
    open_unit: Callable[[], UnitOfWork], args: dict[str, Any], gather: Gather, *, now: datetime
) -> dict[str, Any]:
    """What the job leaves behind. May run again: the newest file counts, others expire."""
    owner = args["owner_id"]
    asked = Asked(
        first=args["first"],
        last=args["last"],
        owner_id=UUID(owner) if owner else None,
        as_of=args.get("as_of", ""),  # jobs of an earlier version do not say
    )
    async with open_unit() as tx:
        here = await scope(tx, asked, me=UUID(args["user_id"]), now=now)
        data = await gather(tx, here, args["horizon"])
    content = documents.pdf(data)
    expires_at = now + KEPT_FOR

    async def pieces() -> AsyncIterator[bytes]:
        yield content

    kept = await files.store(
        open_unit,
        pieces(),
        name=f"analytics-{here.today.isoformat()}.pdf",
        content_type=CONTENT_TYPE,
        limit=LARGEST,
        expires_at=expires_at,
    )
    return {
        "file_id": str(kept.id),
        "name": kept.name,
        "size": kept.size,
        "expires_at": expires_at.isoformat(),
    }
