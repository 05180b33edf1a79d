"""What the worker does: one function per kind of job."""

from typing import Any
from uuid import UUID

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


HANDLERS: dict[str, Handler[App]] = {JOB: run_import}
