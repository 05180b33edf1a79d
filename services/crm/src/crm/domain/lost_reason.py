"""Why deals are lost: the reasons a workspace chooses from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from crm.domain.entries import Entry
from crm.domain.errors import LostReasonNotFound
from crm.domain.setting_errors import (
    LostReasonIsLast,
    LostReasonNameTaken,
    LostReasonsIncomplete,
    LostReasonsTooMany,
)
from kit.aggregate import Aggregate, Fact

MAX_REASONS, MAX_REASON_NAME = 50, 50


class ReasonState(NamedTuple):
    """All of a reason at one moment."""

    name: str
    position: int
    removed: bool = False


@dataclass(frozen=True, kw_only=True)
class LostReasonChanged(Fact):
    """A reason came to be, is called otherwise, stands elsewhere or is offered no more."""

    reason: ReasonState
    before: ReasonState | None = None


@dataclass(eq=False, kw_only=True)
class LostReason(Aggregate):
    """Loaded and saved by adapters/lost_reasons.py. A removed one stays on what was lost for it."""

    state: ReasonState

    @classmethod
    def create(
        cls, id: UUID, workspace_id: UUID, *, name: str, position: int, at: datetime, by: UUID
    ) -> "LostReason":
        """A new reason."""
        state = ReasonState(name, position)
        reason = cls(id=id, workspace_id=workspace_id, version=1, state=state)
        reason.tell(LostReasonChanged(aggregate_id=id, version=1, at=at, by=by, reason=state))
        return reason

    def call(self, name: str, *, at: datetime, by: UUID) -> bool:
        """Take another name; answers whether it is another one."""
        return self._become(self.state._replace(name=name), at=at, by=by)

    def stand_at(self, position: int, *, at: datetime, by: UUID) -> bool:
        """Take another place among the reasons."""
        return self._become(self.state._replace(position=position), at=at, by=by)

    def offer_again(self, name: str, position: int, *, at: datetime, by: UUID) -> bool:
        """Be among the reasons once more."""
        return self._become(ReasonState(name, position), at=at, by=by)

    def remove(self, *, at: datetime, by: UUID) -> bool:
        """Be offered no more."""
        return self._become(self.state._replace(removed=True), at=at, by=by)

    def _become(self, state: ReasonState, *, at: datetime, by: UUID) -> bool:
        before, self.state = self.state, state
        if state == before:
            return False
        self.tell(
            LostReasonChanged(
                aggregate_id=self.id,
                version=self.version + 1,
                at=at,
                by=by,
                reason=state,
                before=before,
            )
        )
        return True


def clean_name(name: str) -> str:
    """Raises EntryRefused."""
    entry = Entry()
    name = entry.text("name", name, limit=MAX_REASON_NAME, needed=True)
    entry.done()
    return name


def offered(reasons: Sequence[LostReason]) -> list[LostReason]:
    """Those that can be chosen, in order."""
    return sorted(
        (reason for reason in reasons if not reason.state.removed),
        key=lambda reason: reason.state.position,
    )


def named(reasons: Sequence[LostReason], name: str) -> LostReason | None:
    """The one that is called so, offered or not."""
    return next((reason for reason in reasons if reason.state.name.lower() == name.lower()), None)


def offered_by_id(reasons: Sequence[LostReason], id: UUID) -> LostReason:
    """Raises LostReasonNotFound."""
    found = next((reason for reason in offered(reasons) if reason.id == id), None)
    if found is None:
        raise LostReasonNotFound("There is no such lost reason.")
    return found


def expect_free(reasons: Sequence[LostReason], name: str, *, but: UUID | None = None) -> None:
    """Raises LostReasonNameTaken, also for the name of one that is offered no more."""
    same = named(reasons, name)
    if same is not None and same.id != but:
        raise LostReasonNameTaken(
            "There is a reason of this name already.", fields={"name": "This name is taken."}
        )


def expect_room(reasons: Sequence[LostReason]) -> None:
    """Raises LostReasonsTooMany."""
    if len(offered(reasons)) >= MAX_REASONS:
        raise LostReasonsTooMany(f"At most {MAX_REASONS} reasons can be chosen from.")


def expect_another(reasons: Sequence[LostReason]) -> None:
    """Raises LostReasonIsLast."""
    if len(offered(reasons)) < 2:
        raise LostReasonIsLast("One reason must remain: deals are lost for one.")


def in_order(reasons: Sequence[LostReason], ids: Sequence[UUID]) -> list[LostReason]:
    """The offered ones as `ids` names them. Raises LostReasonsIncomplete."""
    known = {reason.id: reason for reason in offered(reasons)}
    if len(ids) != len(known) or set(ids) != set(known):
        said = "Name every reason once."
        raise LostReasonsIncomplete(said, fields={"ids": said})
    return [known[id] for id in ids]
