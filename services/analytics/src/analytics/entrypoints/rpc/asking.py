"""Asking for what is not in rows: a task computes it, and the answer says so meanwhile."""

from typing import Any

from analytics.application.forecasting import Wanted
from analytics.application.scope import Scope
from analytics.entrypoints.app import App


class Asking:
    """Questions of reports to the worker."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def for_rows(self, scope: Scope) -> bool:
        """Whether the rows of this scope are on their way."""
        return scope.standing.data_version > 0 and scope.standing.scored_at is None

    async def for_range(self, scope: Scope, wanted: Wanted) -> Any | None:
        """The answer for a range of days, or None while it is being computed."""
        return None
