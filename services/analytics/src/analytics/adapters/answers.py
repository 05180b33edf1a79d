"""Questions and their answers as rows."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    Table,
    Text,
    Uuid,
    bindparam,
    cast,
    delete,
    or_,
    select,
)
from sqlalchemy import update as sql_update
from sqlalchemy.dialects.postgresql import JSONB, insert

from analytics.adapters.predictions import WHOLE
from analytics.adapters.scores import NOW
from analytics.adapters.tables import (
    answers,
    churn_scores,
    deal_scores,
    editions,
    forecasts,
    models,
    projections,
    velocities,
    workspaces,
)
from analytics.domain.questions import OWNER
from kit.database import Statement, Transaction
from kit.jobs.table import jobs

KEPT = timedelta(days=7)
"""How long an answer is kept, and kept fresh, after it was asked for last."""

_a = answers.c
_WORKSPACE = bindparam("workspace", type_=Uuid())
_QUESTION = bindparam("question", type_=Text())
_mine = _a.workspace_id == _WORKSPACE
_this = _mine, _a.question == _QUESTION
FIND = Statement(
    select(
        answers,
        workspaces.c.changes,
        select(jobs.c.id)
        .where(jobs.c.id == _a.job_id, or_(jobs.c.status == "queued", jobs.c.status == "running"))
        .scalar_subquery()
        .label("open_job"),
    )
    .join(workspaces, workspaces.c.workspace_id == _a.workspace_id)
    .where(*_this)
)
_asked = insert(answers).values(
    workspace_id=_WORKSPACE,
    question=_QUESTION,
    args=bindparam("args", type_=JSONB()),
    data_version=0,
    asked_at=bindparam("now", type_=DateTime(timezone=True)),
    job_id=bindparam("job", type_=Uuid()),
)
ASK = Statement(
    _asked.on_conflict_do_update(
        index_elements=[_a.workspace_id, _a.question],
        set_={
            "asked_at": _asked.excluded.asked_at,
            "job_id": _asked.excluded.job_id,
            "error": None,
        },
    )
)
ANSWER = Statement(
    sql_update(answers)
    .where(*_this)
    .values(
        answer=bindparam("answer", type_=JSONB()),
        error=None,
        data_version=bindparam("data_version", type_=BigInteger()),
        computed_at=bindparam("now", type_=DateTime(timezone=True)),
    )
)
REFUSE = Statement(
    sql_update(answers)
    .where(*_this)
    .values(
        error=bindparam("error", type_=Text()),
        computed_at=bindparam("now", type_=DateTime(timezone=True)),
        data_version=bindparam("data_version", type_=BigInteger()),
    )
)
_SINCE = bindparam("since", type_=DateTime(timezone=True))
FRESH = Statement(
    select(_a.args).where(
        _mine, _a.asked_at >= _SINCE, _a.args["kind"].astext == bindparam("kind", type_=Text())
    )
)
FORGET = Statement(delete(answers).where(_mine, _a.asked_at < _SINCE).returning(_a.args))


def _clear(table: Table) -> Statement:
    edition = table.c.edition == bindparam("editions", type_=ARRAY(Text())).any_()
    return Statement(delete(table).where(table.c.workspace_id == _WORKSPACE, edition))


_AHEAD = (forecasts, projections, velocities)


def _unasked(table: Table) -> Statement:
    """One owner's rows that no scoring keeps new: they would be taken for those of today."""
    asked = (
        select(_a.question)
        .where(
            _mine,
            _a.asked_at >= _SINCE,
            _a.args["kind"].astext == OWNER,
            ~_a.args.has_key("day"),
            _a.args["owner_id"].astext == cast(table.c.owner_id, Text),
        )
        .exists()
    )
    ours = table.c.workspace_id == _WORKSPACE, table.c.edition == NOW
    return Statement(delete(table).where(*ours, table.c.owner_id != WHOLE, ~asked))


UNASKED = [_unasked(table) for table in _AHEAD]
_OF_EDITIONS = (editions, models, deal_scores, churn_scores, *_AHEAD)

_SCORES = [_clear(table) for table in (editions, models, deal_scores, churn_scores)]
CLEAR = [*_SCORES, *(_clear(table) for table in _AHEAD)]
# Days that are over, and whatever was asked of them.
PAST = [
    Statement(delete(table).where(table.c.workspace_id == _WORKSPACE, table.c.edition != NOW))
    for table in _OF_EDITIONS
] + [Statement(delete(answers).where(_mine, _a.args.has_key("day")))]


async def find(tx: Transaction, question: str) -> asyncpg.Record | None:
    """The row, with the workspace's changes so far and the job that is still at it."""
    return await tx.row(FIND, workspace=tx.workspace_id, question=question)


async def ask(
    tx: Transaction, question: str, args: Mapping[str, Any], *, job_id: UUID, now: datetime
) -> None:
    """It is asked (again), and this job answers it."""
    await tx.run(
        ASK, workspace=tx.workspace_id, question=question, args=dict(args), job=job_id, now=now
    )


async def answer(
    tx: Transaction, question: str, found: Mapping[str, Any], *, data_version: int, now: datetime
) -> None:
    """This is the answer."""
    await tx.run(
        ANSWER,
        workspace=tx.workspace_id,
        question=question,
        answer=dict(found),
        data_version=data_version,
        now=now,
    )


async def refuse(
    tx: Transaction, question: str, words: str, *, data_version: int, now: datetime
) -> None:
    """There is no answer, and why."""
    await tx.run(
        REFUSE,
        workspace=tx.workspace_id,
        question=question,
        error=words,
        data_version=data_version,
        now=now,
    )


async def asked_lately(tx: Transaction, kind: str, now: datetime) -> list[dict[str, Any]]:
    """Values of the questions of a kind that are kept fresh."""
    rows = await tx.rows(FRESH, workspace=tx.workspace_id, since=now - KEPT, kind=kind)
    return [row["args"] for row in rows]


async def forget(tx: Transaction, now: datetime) -> None:
    """Drop what nobody asked for lately, with the rows of past days."""
    gone = await tx.rows(FORGET, workspace=tx.workspace_id, since=now - KEPT)
    days = [row["args"]["day"] for row in gone if "day" in row["args"]]
    if days:
        await clear(tx, days)


async def keep_only_asked(tx: Transaction, now: datetime) -> None:
    """Delete what is ahead of owners whom nobody asked about lately."""
    for statement in UNASKED:
        await tx.run(statement, workspace=tx.workspace_id, since=now - KEPT)


async def clear(tx: Transaction, days: list[str]) -> None:
    """Delete the score rows of past days."""
    for statement in CLEAR:
        await tx.run(statement, workspace=tx.workspace_id, editions=days)


async def clear_scores(tx: Transaction, day: str) -> None:
    """Delete the odds and risks of a past day; what is ahead of whom is replaced row by row."""
    for statement in _SCORES:
        await tx.run(statement, workspace=tx.workspace_id, editions=[day])


async def clear_past(tx: Transaction) -> None:
    """The past has become another one: days that were computed are to be asked for again."""
    for statement in PAST:
        await tx.run(statement, workspace=tx.workspace_id)
