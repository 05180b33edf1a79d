"""Asking for what is not in rows: a task computes it, and the answer says so meanwhile.

A question is asked with everybody's deals in sight, because a model of one person's deals alone
would know little; what is read afterwards is again what the caller may see.
"""

from analytics.adapters.standing import standing
from analytics.application.forecasting import Wanted
from analytics.application.questions import Asked, Question, ask
from analytics.application.scope import Scope
from analytics.domain.questions import MOST_DAYS
from analytics.domain.work import ANSWER
from analytics.entrypoints.app import App
from kit.database import ReadTransaction
from kit.errors import InvalidInput
from kit.rpc.identity import Context, principal_of
from kit.sight import EVERYTHING, seeing

RANGED = ("won_value", "deals_won")


class Asking:
    """Questions of reports to the worker."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def for_rows(self, scope: Scope, context: Context) -> bool:
        """Have the rows of this scope computed; whether they are on their way."""
        if scope.standing.data_version == 0:
            return False  # there is nothing to compute from
        if scope.day is None and scope.whose is None:
            return True  # the workspace's own are computed after each change
        questions = []
        if scope.day is not None:
            questions.append(Question.as_of(scope.day))
        if scope.whose is not None:  # comes behind, and finds the models of that day
            questions.append(Question.owner(scope.whose, scope.day))
        asked = [await self._ask(question, context) for question in questions]
        # An answer of earlier facts is no answer here: its rows are gone, and made anew.
        if any(one.is_computing or one.is_stale for one in asked):
            return True
        # It may have come since its rows were looked for: then they are there for who asks again.
        async with ReadTransaction(self._app.pool, principal_of(context).workspace_id) as tx:
            return (await standing(tx, scope.edition)).written != scope.standing.written

    async def for_range(self, scope: Scope, wanted: Wanted, context: Context) -> Asked:
        """How the answer for a range of days stands. Raises InvalidInput."""
        period = scope.period
        if wanted.metric not in RANGED:
            said = "Only won_value and deals_won have a sum over days."
            raise InvalidInput(said, fields={"metric": said})
        if (period.last - scope.today).days > MOST_DAYS:
            said = f"The range may end {MOST_DAYS} days from now at most."
            raise InvalidInput(said, fields={"to": said})
        question = Question.range(wanted.metric, period.first, period.last, scope.whose, scope.day)
        return await self._ask(question, context)

    async def _ask(self, question: Question, context: Context) -> Asked:
        with seeing(EVERYTHING):
            unit = self._app.unit_of_work(principal_of(context).workspace_id)
        async with unit as uow:
            asked = await ask(uow, question, now=self._app.clock.now())
            await uow.commit()
        if asked.job_id is not None:
            await self._app.jobs.send(ANSWER, asked.job_id)
        return asked
