"""A fact as a line of a deal's history."""

from typing import Any

from crm.domain.deal import (
    DealCreated,
    DealDeleted,
    DealMoved,
    DealReordered,
    DealRestored,
    DealUpdated,
)
from kit.aggregate import Fact
from kit.ids import new_id

HISTORY = (
    "id",
    "version",
    "kind",
    "actor_id",
    "happened_at",
    "changes",
    "from_stage_id",
    "to_stage_id",
    "days_in_stage",
)


def history_values(fact: Fact) -> dict[str, Any]:
    """In terms of the columns HISTORY. A fact without a case here fails the transaction."""
    values: dict[str, Any] = {
        "id": new_id(),
        "version": fact.version,
        "actor_id": fact.by,
        "happened_at": fact.at,
        "changes": [],
        "from_stage_id": None,
        "to_stage_id": None,
        "days_in_stage": None,
    }
    match fact:
        case DealCreated():
            return values | {"kind": "created", "to_stage_id": fact.deal.stage.id}
        case DealMoved():
            return values | {
                "kind": "moved",
                "from_stage_id": fact.before.stage.id,
                "to_stage_id": fact.deal.stage.id,
                "days_in_stage": fact.days_in_stage,
            }
        case DealUpdated():
            return values | {"kind": "updated", "changes": [list(c) for c in fact.changes]}
        case DealReordered():
            return values | {"kind": "reordered"}
        case DealDeleted():
            return values | {"kind": "deleted"}
        case DealRestored():
            return values | {"kind": "restored"}
    raise TypeError(f"{type(fact).__name__} has no line of history")
