"""A stage: a column of the board, and what it means to stand in it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class StageType(StrEnum):
    """What is decided about a deal that stands there."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


_OPEN = StageType.OPEN  # an enum's own attribute costs more than the comparison
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Stage:
    """A column, as its deals see it."""

    id: UUID
    name: str
    type: StageType
    rotting_days: int  # 0 for never

    def is_rotting(self, since: datetime, now: datetime) -> bool:
        """Whether a deal that came here at `since` has been left lying."""
        return is_rotting(self.type, self.rotting_days, (now - since).total_seconds())


def is_rotting(type: str, rotting_days: int, seconds: float) -> bool:
    """The rule itself, for lists that make no entities; `seconds` are those in the stage."""
    return rotting_days > 0 and type == _OPEN and seconds > rotting_days * _DAY


@dataclass(frozen=True, slots=True)
class StageTemplate:
    """A stage that a new workspace starts with."""

    name: str
    type: StageType
    rotting_days: int
    default_probability: float


DEFAULT_STAGES = (
    StageTemplate("Prospecting", StageType.OPEN, 30, 0.1),
    StageTemplate("Engaging", StageType.OPEN, 60, 0.3),
    StageTemplate("Proposal", StageType.OPEN, 21, 0.6),
    StageTemplate("Won", StageType.WON, 0, 1.0),
    StageTemplate("Lost", StageType.LOST, 0, 0.0),
)
DEFAULT_LOST_REASONS = ("Price", "Timing", "Competitor", "No answer", "Other")
DEFAULT_CURRENCY = "EUR"  # until auth's event tells the workspace's own
