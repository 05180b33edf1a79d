"""No transaction waits for what is computed: PostgreSQL ends those that idle."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from analytics.adapters.rescoring import Fence
from analytics.application.answering import answer
from analytics.application.questions import Question, ask
from analytics.science import (
    churn,
    deal_scores,
    facts_read,
    forecast,
    replay,
    revenue,
    velocity,
)
from analytics.science import workspace_series as series
from kit.jobs.table import claim
from kit.pool import Pool
from kit.testing.database import ServiceDatabase
from services.analytics.tests.scoring import replayed, scored, tell, unit
from services.analytics.tests.studio import story

STOP = datetime(2023, 9, 15, 6, tzinfo=UTC)
COMPUTING: list[tuple[Any, str]] = [
    (facts_read, "read"),
    (deal_scores, "fit"),
    (deal_scores, "score"),
    (deal_scores, "explain"),
    (churn, "fit"),
    (churn, "score"),
    (forecast, "forecast_monthly"),
    (revenue, "project"),
    (velocity, "velocity"),
    (series, "monthly"),
    (replay, "odds"),
    (replay, "risks"),
]


@contextmanager
def taken(pool: Pool) -> Iterator[set[int]]:
    """The connections that are in somebody's hands."""
    held: set[int] = set()
    take, give_back, roll_back = pool.take, pool.give_back, pool.roll_back

    async def taking() -> Any:
        connection = await take()
        held.add(id(connection))
        return connection

    def giving_back(connection: Any) -> None:
        held.discard(id(connection))
        give_back(connection)

    async def rolling_back(connection: Any) -> None:
        await roll_back(connection)
        held.discard(id(connection))

    watched: Any = pool
    watched.take, watched.give_back, watched.roll_back = taking, giving_back, rolling_back
    try:
        yield held
    finally:
        del watched.take, watched.give_back, watched.roll_back


async def test_nothing_is_open_while_the_science_computes(
    database: ServiceDatabase, workspace: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tell(database, workspace, story(workspace, 3).until(STOP))
    computed: set[str] = set()
    with taken(database.app) as held:

        def watched(compute: Callable[..., Any], name: str) -> Callable[..., Any]:
            def computing(*arguments: Any, **named: Any) -> Any:
                assert not held, f"{name} computes inside a transaction"
                computed.add(name)
                return compute(*arguments, **named)

            return computing

        for module, name in COMPUTING:
            monkeypatch.setattr(module, name, watched(getattr(module, name), name))
        await scored(database, workspace, STOP, refit=True)
        await replayed(database, workspace, STOP)
        assert computed == {name for _, name in COMPUTING}
        for question in (
            Question.as_of(date(2023, 6, 30)),
            Question.owner(UUID(int=7), date(2023, 6, 30)),
            Question.range("won_value", date(2023, 9, 15), date(2023, 12, 1)),
        ):
            async with unit(database, workspace) as uow:
                asked = await ask(uow, question, now=STOP)
                await uow.commit()
            assert asked.job_id is not None
            job = await claim(database.system, asked.job_id)
            assert job is not None
            fence = Fence(job.id, job.attempts)
            await answer(lambda: unit(database, workspace), fence, job.args, now=STOP)
