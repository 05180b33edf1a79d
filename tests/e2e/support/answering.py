"""Questions to the worker of analytics, answered in the test's own process."""

from datetime import datetime
from uuid import UUID

from analytics.adapters.rescoring import Fence
from analytics.application.answering import answer
from kit.jobs.table import claim, end
from kit.testing.database import ServiceDatabase
from services.analytics.tests.scoring import unit

QUEUED = """
SELECT id FROM jobs WHERE workspace_id = $1 AND status = 'queued' AND kind = 'answer' ORDER BY id"""


async def work_off(database: ServiceDatabase, workspace: UUID, *, now: datetime) -> None:
    """Answer whatever was asked, in order."""
    for row in await database.owner.fetch(QUEUED, workspace):
        job = await claim(database.system, row["id"])
        assert job is not None
        await answer(
            lambda: unit(database, workspace), Fence(job.id, job.attempts), job.args, now=now
        )
        await end(database.system, job, result={})
