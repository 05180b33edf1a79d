"""What the worker does: one function per kind of job."""

from base64 import b64decode
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from crm.application import stages
from crm.application.bulk_changes import JOB as BULK_JOB
from crm.application.bulk_changes import change_all
from crm.application.exports import JOB as EXPORT_JOB
from crm.application.exports import write_export
from crm.application.failures import end_failed
from crm.application.import_revert import REVERT_JOB, revert_rows
from crm.application.imports import CHECK_JOB, JOB, check_rows, write_rows
from crm.application.takeout import JOB as TAKEOUT_JOB
from crm.application.takeout import write_takeout
from crm.application.uploads import OPEN_JOB, OpenUnit, open_workbook
from crm.entrypoints.app import App
from freelanceflow.crm.v1 import bulk_service_pb2 as bulk_pb
from kit.jobs.table import Job
from kit.jobs.worker import Handler, Task


async def run_open(app: App, task: Task) -> None:
    """Make a CSV of a workbook. May run again at any time."""
    open_unit, import_id = _of(app, task)
    await open_workbook(open_unit, import_id=import_id, now=app.clock.now())


async def run_check(app: App, task: Task) -> dict[str, Any]:
    """Look at the rows of an import. May run again at any time."""
    open_unit, import_id = _of(app, task)
    return await check_rows(open_unit, import_id=import_id, now=app.clock.now(), report=task.report)


async def run_import(app: App, task: Task) -> dict[str, Any]:
    """Write the rows of an import. May run again at any time."""
    open_unit, import_id = _of(app, task)
    written = await write_rows(
        open_unit, import_id=import_id, now=app.clock.now(), report=task.report
    )
    return {
        "created": written.created_rows,
        "updated": written.updated_rows,
        "skipped": written.skipped_rows,
        "failed": written.failed_rows,
    }


async def run_stage_removal(app: App, task: Task) -> dict[str, Any]:
    """Move the deals of a stage elsewhere, then remove it. May run again at any time."""
    job = task.job
    moved = await stages.move_deals_and_remove(
        lambda: app.unit_of_work(job.workspace_id, bulk_id=job.id),
        stage_id=UUID(job.args["stage_id"]),
        target_id=UUID(job.args["target_id"]),
        by=UUID(job.args["by"]),
        clock=app.clock.now,
        report=lambda moved: task.report(moved, job.total),
    )
    return {"moved": moved}


async def run_revert(app: App, task: Task) -> dict[str, Any]:
    """Take an import back. May run again at any time."""
    open_unit, import_id = _of(app, task)
    reverted = await revert_rows(
        open_unit,
        import_id=import_id,
        by=UUID(task.job.args["by"]),
        now=app.clock.now(),
        report=task.report,
    )
    return {"reverted": reverted.reverted_records, "kept": reverted.kept_records}


async def run_export(app: App, task: Task) -> dict[str, Any]:
    """Write the file of an export. May run again at any time."""
    return await _written(app, task, write_export)


async def run_takeout(app: App, task: Task) -> dict[str, Any]:
    """Write all of a workspace into a file. May run again at any time."""
    return await _written(app, task, write_takeout)


async def _written(app: App, task: Task, write: Callable[..., Awaitable[int]]) -> dict[str, Any]:
    workspace_id = task.job.workspace_id
    rows = await write(
        lambda: app.unit_of_work(workspace_id),
        app.pool,
        workspace_id=workspace_id,
        export_id=UUID(task.job.args["export_id"]),
        now=app.clock.now(),
        report=task.report,
    )
    return {"rows": rows}


async def run_bulk(app: App, task: Task) -> None:
    """Change many records. May run again at any time: what is as wanted already stays so."""
    from crm.entrypoints.rpc.bulk_requests import change_of  # and with it all that answers calls

    job = task.job
    resource = job.args["resource"]
    request = bulk_pb.BulkChange.FromString(b64decode(job.args["request"]))
    await change_all(
        lambda: app.unit_of_work(job.workspace_id, bulk_id=job.id),
        resource,
        [UUID(id) for id in job.args["ids"]],
        change_of(resource, request),
        job_id=job.id,
        by=UUID(job.args["by"]),
        now=app.clock.now(),
        report=task.report,
        end=task.end_with,
    )


async def run_failed(app: App, job: Job, error: str) -> None:
    """End a job that is not tried again. Raises LeaseLost."""
    async with app.unit_of_system(job.workspace_id) as uow:
        await end_failed(uow, job, error=error, now=app.clock.now())


def _of(app: App, task: Task) -> tuple[OpenUnit, UUID]:
    """Units whose events carry the import's id, and that id."""
    workspace_id, import_id = task.job.workspace_id, UUID(task.job.args["import_id"])
    return lambda: app.unit_of_work(workspace_id, bulk_id=import_id), import_id


HANDLERS: dict[str, Handler[App]] = {
    OPEN_JOB: run_open,
    CHECK_JOB: run_check,
    JOB: run_import,
    REVERT_JOB: run_revert,
    EXPORT_JOB: run_export,
    TAKEOUT_JOB: run_takeout,
    BULK_JOB: run_bulk,
    stages.JOB: run_stage_removal,
}
