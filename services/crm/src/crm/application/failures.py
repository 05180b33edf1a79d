"""A job has failed for good: its row and the word of it in one commit."""

from datetime import datetime
from uuid import UUID

from crm.adapters import exports, imports
from crm.application.bulk_changes import JOB as BULK_JOB
from crm.application.exports import JOB as EXPORT_JOB
from crm.application.import_revert import REVERT_JOB
from crm.application.imports import CHECK_JOB, JOB
from crm.application.takeout import JOB as TAKEOUT_JOB
from crm.application.uploads import OPEN_JOB
from crm.domain.bulk import BulkFinished
from crm.domain.errors import ExportNotFound, ImportNotFound
from crm.domain.exports import ExportFailed
from crm.domain.imports import ImportFailed
from kit.aggregate import Fact
from kit.jobs import table
from kit.jobs.table import Job
from kit.jobs.worker import DIED
from kit.unit_of_work import UnitOfWork

STEPS = {OPEN_JOB: "open", CHECK_JOB: "check", JOB: "write", REVERT_JOB: "revert"}


async def end_failed(uow: UnitOfWork, job: Job, *, error: str, now: datetime) -> None:
    """End it, and tell whoever asked for it; `uow` is the system role's. Raises LeaseLost."""
    await table.fail(uow, job, error=error)
    # A refusal is a sentence; of what went wrong with us there is but a name.
    why = error if error.endswith(".") and error != DIED else ""
    try:
        if job.kind in STEPS:
            uow.tell_facts(await _import(uow, job, why, now))
        elif job.kind in (EXPORT_JOB, TAKEOUT_JOB):
            uow.tell_facts(await _export(uow, job, why, now))
        elif job.kind == BULK_JOB:
            uow.tell_facts(_bulk(job, why, now))
    except (ImportNotFound, ExportNotFound):
        pass  # there is nothing to open any more
    await uow.commit()


def _bulk(job: Job, why: str, now: datetime) -> Fact:
    return BulkFinished(
        aggregate_id=job.id,
        version=1,
        at=now,
        by=UUID(job.args["by"]),
        resource=job.args["resource"],
        changed=0,
        refused=0,
        stopped=True,
        why=why,
    )


async def _import(uow: UnitOfWork, job: Job, why: str, now: datetime) -> Fact:
    import_id = UUID(job.args["import_id"])
    found = await imports.brief(uow, import_id)
    return ImportFailed(
        aggregate_id=import_id,
        version=found.version,
        at=now,
        by=UUID(job.args["by"]),
        resource=found.resource,
        file_name=found.file_name,
        step=STEPS[job.kind],
        why=why,
    )


async def _export(uow: UnitOfWork, job: Job, why: str, now: datetime) -> Fact:
    export_id = UUID(job.args["export_id"])
    found = await exports.load(uow, export_id)
    return ExportFailed(
        aggregate_id=export_id,
        version=2,
        at=now,
        by=found.created_by,
        resource=found.resource,
        format=found.format,
        file_name=found.file_name,
        why=why,
    )
