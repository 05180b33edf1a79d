"""What the worker does: hand the job to the process with the science, and wait."""

from dataclasses import dataclass
from typing import Any

from analytics.adapters.science_process import ScienceProcess
from analytics.domain.work import ANSWER, REPLAY, REPORT, RESCORE
from kit.jobs.worker import Handler, Task
from kit.pool import Pool

DEADLINE = 900.0  # seconds; a night's refit of a large workspace takes a fraction of it


@dataclass(frozen=True, kw_only=True)
class WorkerApp:
    """What a worker has: no science, and no rows of a workspace."""

    system: Pool
    science: ScienceProcess


async def compute(app: WorkerApp, task: Task) -> dict[str, Any]:
    """May run again at any time: it replaces rows, and tells only what was not told."""
    job = task.job
    request = {
        "kind": job.kind,
        "job_id": str(job.id),
        "attempts": job.attempts,
        "workspace_id": str(job.workspace_id),
        "args": job.args,
    }
    return await app.science.ask(request, deadline=DEADLINE)


def handlers() -> dict[str, Handler[WorkerApp]]:
    """By kind of job."""
    return dict.fromkeys((RESCORE, REPLAY, ANSWER, REPORT), compute)
