"""What no row answers is asked once, computed by a job, and kept while it is true."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from analytics.adapters.rescoring import Fence
from analytics.application.answering import answer
from analytics.application.questions import Asked, Question, ask
from analytics.application.scoring import read_case
from analytics.science import revenue
from analytics.science import workspace_series as series
from kit.jobs.table import claim, end
from kit.testing.database import ServiceDatabase
from services.analytics.tests.scoring import scored, tell, unit
from services.analytics.tests.studio import story

STOP = datetime(2023, 9, 15, 6, tzinfo=UTC)


async def asked(
    database: ServiceDatabase, workspace: UUID, question: Question, *, now: datetime = STOP
) -> Asked:
    async with unit(database, workspace) as uow:
        found = await ask(uow, question, now=now)
        await uow.commit()
    return found


async def answered(database: ServiceDatabase, workspace: UUID, question: Question) -> Asked:
    """Asked, computed, and asked again."""
    first = await asked(database, workspace, question)
    assert first.is_computing
    assert first.job_id is not None
    assert (await asked(database, workspace, question)).job_id is None  # it is under way
    job = await claim(database.system, first.job_id)
    assert job is not None
    held = Fence(job.id, job.attempts)
    await answer(lambda: unit(database, workspace), held, job.args, now=STOP)
    await end(database.system, job, result={})
    return await asked(database, workspace, question)


@pytest.fixture
async def past(database: ServiceDatabase, workspace: UUID) -> None:
    await tell(database, workspace, story(workspace, 3).until(STOP))
    await scored(database, workspace, STOP, refit=True)


@pytest.mark.usefixtures("past")
async def test_a_range_is_what_the_science_projects(
    database: ServiceDatabase, workspace: UUID
) -> None:
    ahead = Question.range("won_value", date(2023, 9, 15), date(2023, 12, 13))
    found = (await answered(database, workspace, ahead)).answer
    assert found is not None
    case = await read_case(lambda: unit(database, workspace), at=STOP)
    said = revenue.project(series.deals_table(case.facts), STOP, 90)
    assert found["mean_minor"] == round(said.mean * 100) + found["won_minor"]
    assert found["lower"]["80"] <= found["mean_minor"] <= found["upper"]["80"]

    later = Question.range("won_value", date(2023, 11, 1), date(2023, 12, 13))
    part = (await answered(database, workspace, later)).answer
    assert part is not None
    assert 0 < part["mean_minor"] < found["mean_minor"]
    assert part["won_minor"] == 0

    over = Question.range("deals_won", date(2023, 1, 1), date(2023, 6, 30))
    past = (await answered(database, workspace, over)).answer
    assert past is not None
    counted = await database.owner.fetchval(
        "SELECT count(*) FROM deals WHERE workspace_id = $1 AND stage_type = 'won' "
        "AND closed_at >= '2023-01-01' AND closed_at < '2023-07-01'",
        workspace,
    )
    assert past["won_minor"] == past["mean_minor"] == past["lower"]["80"] == counted > 0


@pytest.mark.usefixtures("past")
async def test_an_answer_holds_until_the_facts_change(
    database: ServiceDatabase, workspace: UUID
) -> None:
    question = Question.range("won_value", date(2023, 9, 15), date(2023, 10, 15))
    first = await answered(database, workspace, question)
    assert (first.is_stale, first.job_id) == (False, None)
    later = story(workspace, 3).until(STOP + timedelta(days=9))[-5:]
    await tell(database, workspace, later)
    again = await asked(database, workspace, question)
    assert (again.answer, again.is_stale) == (first.answer, True)
    assert again.job_id is not None


@pytest.mark.usefixtures("past")
async def test_a_past_day_is_as_a_scoring_on_it_would_have_been(
    database: ServiceDatabase, workspace: UUID
) -> None:
    day = date(2023, 3, 31)
    found = await answered(database, workspace, Question.as_of(day))
    assert found.answer == {"edition": "2023-03-31"}
    rows = "SELECT deal_id, probability FROM deal_scores WHERE workspace_id = $1 AND edition = $2"
    then = await database.owner.fetch(rows, workspace, "2023-03-31")
    now = await database.owner.fetch(rows, workspace, "now")
    open_then = [
        deal
        for deal in story(workspace, 3).studio.deals.itertuples()
        if str(deal.created) < "2023-04-01" and not str(deal.closed) < "2023-04-01"
    ]
    assert len(then) == len(open_then) > 0
    assert {row["deal_id"] for row in then} != {row["deal_id"] for row in now}
    tables = ("editions", "models", "churn_scores", "forecasts", "projections", "velocities")
    for table in tables:
        count = f"SELECT count(*) FROM {table} WHERE workspace_id = $1 AND edition = '2023-03-31'"
        assert await database.owner.fetchval(count, workspace), table


@pytest.mark.usefixtures("past")
@pytest.mark.parametrize(
    ("question", "words"),
    [
        (Question.range("won_value", date(2023, 9, 1), date(2033, 1, 1)), "more than 730 days"),
        (Question.range("pipeline_value", date(2023, 9, 1), date(2023, 9, 30)), "is a level"),
        (Question.as_of(date(2023, 9, 15)), "not over yet"),
    ],
    ids=["far", "level", "today"],
)
async def test_what_has_no_answer_says_why(
    database: ServiceDatabase, workspace: UUID, question: Question, words: str
) -> None:
    found = await answered(database, workspace, question)
    assert found.answer is None
    assert words in str(found.error)
    assert found.job_id is None


@pytest.mark.usefixtures("past")
async def test_an_owner_has_figures_of_its_own_kept_new_while_they_are_asked_for(
    database: ServiceDatabase, workspace: UUID
) -> None:
    owner, question = UUID(int=7), Question.owner(UUID(int=7))
    found = await answered(database, workspace, question)
    assert found.answer == {"owner_id": str(owner)}
    rows = "SELECT mean_minor, computed_at FROM projections WHERE workspace_id = $1 AND owner_id = "
    mine: list[Any] = await database.owner.fetch(f"{rows} $2", workspace, owner)
    assert [row["mean_minor"] for row in mine] == [0, 0, 0, 0]  # nobody's deals are theirs
    for days, is_kept in ((6, True), (8, False)):
        later = STOP + timedelta(days=days)
        await scored(database, workspace, later)
        mine = await database.owner.fetch(f"{rows} $2", workspace, owner)
        assert {row["computed_at"] for row in mine} == ({later} if is_kept else set())
    assert await database.owner.fetch(f"{rows} $2", workspace, UUID(int=0))
    again = await asked(database, workspace, question, now=later)
    assert (again.is_stale, again.job_id is None) == (True, False)  # they are made anew
