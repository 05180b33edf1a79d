"""Questions that no row answers: each has one name, so that asking twice is one computation."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

RANGE, OWNER, AS_OF = "range", "owner", "as_of"
MOST_DAYS = 730


@dataclass(frozen=True)
class Question:
    """What is asked: a name, and the values to compute it from."""

    name: str
    args: dict[str, Any]

    @classmethod
    def range(
        cls,
        metric: str,
        first: date,
        last: date,
        owner_id: UUID | None = None,
        day: date | None = None,
    ) -> "Question":
        """What comes in between two days, both included; `won_value` or `deals_won`."""
        owner = str(owner_id) if owner_id else ""
        args = {
            "kind": RANGE,
            "metric": metric,
            "first": first.isoformat(),
            "last": last.isoformat(),
            "owner_id": owner,
        }
        return cls(f"{RANGE}:{metric}:{first}:{last}:{owner}", args)._stood(day)

    @classmethod
    def owner(cls, owner_id: UUID, day: date | None = None) -> "Question":
        """Forecasts, projections and pace of one person's deals."""
        return cls(f"{OWNER}:{owner_id}", {"kind": OWNER, "owner_id": str(owner_id)})._stood(day)

    @classmethod
    def as_of(cls, day: date) -> "Question":
        """Everything as it stood when a day was over."""
        return cls(AS_OF, {"kind": AS_OF})._stood(day)

    def _stood(self, day: date | None) -> "Question":
        """The same as it would have been answered when that day was over."""
        if day is None:
            return self
        return Question(f"{self.name}:{day}", {**self.args, "day": day.isoformat()})
