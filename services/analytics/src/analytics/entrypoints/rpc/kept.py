"""Reports answered from what was answered before, as long as nothing it rests on has changed."""

from hashlib import sha256
from typing import Any, TypeVar

from google.protobuf.message import DecodeError, Message

from analytics.adapters.report_cache import ReportCache
from analytics.application.scope import Scope
from kit.rpc.identity import Context, principal_of
from kit.sight import current_sight

M = TypeVar("M", bound=Message)


class Kept:
    """The answer to one request, named after all it depends on.

    That is the question; how far facts and scores are; the day; and of a caller who does not see
    everything, who that is and whom they see. Whether they may ask at all was decided before.
    """

    def __init__(
        self, cache: ReportCache, request: Message, scope: Scope, context: Context
    ) -> None:
        self._cache = cache
        self._workspace_id = principal_of(context).workspace_id
        self._name = sha256(repr(_rests_on(request, scope, context)).encode()).hexdigest()

    async def find(self, kind: type[M]) -> M | None:
        """As it was given before."""
        found = await self._cache.find(self._workspace_id, self._name)
        if found is None:
            return None
        try:
            return kind.FromString(found)
        except DecodeError:
            return None

    async def keep(self, answer: M) -> M:
        """The answer itself; it is kept unless a better one is under way."""
        said: Any = answer
        if not said.basis.computing:
            await self._cache.keep(self._workspace_id, self._name, answer.SerializeToString())
        return answer


def _rests_on(request: Message, scope: Scope, context: Context) -> tuple[Any, ...]:
    question = request.DESCRIPTOR.full_name, request.SerializeToString(deterministic=True)
    caller = (principal_of(context).user_id, current_sight.get()) if scope.own_only else None
    # Scores are not looked into: how often they were written tells them apart.
    standing = scope.standing._replace(base_rate=None, stage_limits={}, expected={})
    return question, scope.edition, standing, scope.today, caller
