"""Asking for what is not in rows: answered if it is known, else computed by a worker."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from analytics.adapters import answers
from analytics.domain.questions import Question
from analytics.domain.work import ANSWER
from kit.jobs.table import enqueue
from kit.unit_of_work import UnitOfWork

__all__ = ["Asked", "Question", "ask"]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How it stands: an answer, perhaps of an older state; computing; or refused in words.

    A job is there to be sent to the worker after the commit.
    """

    answer: dict[str, Any] | None = None
    computed_at: datetime | None = None
    is_stale: bool = False
    error: str | None = None
    job_id: UUID | None = None

    @property
    def is_computing(self) -> bool:
        """Whether to ask again in a moment."""
        return self.answer is None and self.error is None


async def ask(uow: UnitOfWork, question: Question, *, now: datetime) -> Asked:
    """The answer, if there is one for the facts as they are; else a job. The caller commits."""
    row = await answers.find(uow, question.name)
    if row is not None:
        is_new = row["computed_at"] is not None and _is_of_now(row, now)
        if is_new or row["open_job"] is not None:
            return Asked(
                answer=row["answer"],
                computed_at=row["computed_at"],
                is_stale=not is_new,
                error=row["error"] if is_new else None,
            )
    job_id = await enqueue(uow, ANSWER, {"question": question.name, **question.args})
    await answers.ask(uow, question.name, question.args, job_id=job_id, now=now)
    if row is None:
        return Asked(job_id=job_id)
    return Asked(answer=row["answer"], computed_at=row["computed_at"], is_stale=True, job_id=job_id)


def _is_of_now(row: Any, now: datetime) -> bool:
    """Of the same facts and not of yesterday: odds and ranges age by themselves."""
    return bool(row["data_version"] == row["changes"] and (now - row["computed_at"]).days < 1)
