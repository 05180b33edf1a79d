"""What the worker does: one function per kind of job."""

from typing import Any
from uuid import UUID

from crm.application import stages
from crm.application.imports import write_rows
from crm.application.uploads import JOB
from crm.entrypoints.app import App
from kit.jobs.worker import Handler, Task


async def run_import(app: App, task: Task) -> dict[str, Any]:
    """Write the rows of an import. May run again at any time."""
    workspace_id, import_id = task.job.workspace_id, UUID(task.job.args["import_id"])
    written = await write_rows(
        lambda: app.unit_of_work(workspace_id, bulk_id=import_id),
        import_id=import_id,
        now=app.clock.now(),
        report=task.report,
    )
    return {
        "created": written.created_rows,
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


HANDLERS: dict[str, Handler[App]] = {JOB: run_import, stages.JOB: run_stage_removal}
