"""Lines of companies: who stands under whom, up to the top."""

from collections.abc import Mapping
from uuid import UUID

from crm.domain.errors import EntryRefused, Problem


class Lines:
    """What is above some companies, and what is about to change in it."""

    def __init__(self, above: Mapping[UUID, UUID | None]) -> None:
        self._above = dict(above)

    def put(self, id: UUID, parent_id: UUID | None) -> None:
        """From now on one stands under the other."""
        self._above[id] = parent_id

    def knows(self, id: UUID) -> bool:
        """Whether one that was asked for is there; one that was deleted for good is not."""
        return id in self._above

    def reaches(self, id: UUID | None, top: UUID) -> bool:
        """Whether one is the other, or stands under it."""
        passed: set[UUID] = set()
        while id is not None and id not in passed:
            if id == top:
                return True
            passed.add(id)
            id = self._above.get(id)
        return False

    def expect_free(self, id: UUID, parent_id: UUID, *, field: str = "parent_id") -> None:
        """Refuse to put a company under itself, or under what is under it. Raises EntryRefused."""
        if self.reaches(parent_id, id):
            said = "A company cannot stand under itself, or under one that is under it."
            raise EntryRefused([Problem(field, "CLIENT_UNDER_ITSELF", said)])
