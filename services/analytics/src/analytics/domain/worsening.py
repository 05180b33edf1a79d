"""What got worse in one scoring, told to whom it concerns once: a scoring may touch hundreds."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from analytics.domain.facts import ClientRiskChanged, DealScoreDropped, DealsDropped, RisksRisen
from analytics.domain.telling import LEVELS

NAMED = 3
"""Records that a summary names."""

_RANK = {name: rank for rank, (name, _, _) in enumerate(LEVELS)}
T = TypeVar("T", DealScoreDropped, ClientRiskChanged)


def deals_dropped(workspace_id: UUID, drops: Sequence[DealScoreDropped]) -> list[DealsDropped]:
    """One fact for each owner, the deepest falls first."""
    return [
        DealsDropped(
            aggregate_id=workspace_id,
            version=theirs[0].version,
            at=theirs[0].at,
            by=None,
            owner_id=owner_id,
            count=len(theirs),
            drops=sorted(theirs, key=lambda drop: drop.probability - drop.before)[:NAMED],
        )
        for owner_id, theirs in _by_owner(drops).items()
    ]


def risks_risen(workspace_id: UUID, changes: Sequence[ClientRiskChanged]) -> list[RisksRisen]:
    """One fact for each owner of clients that are at a graver level than before."""
    risen = [change for change in changes if _RANK[change.level] > _RANK[change.before]]
    return [
        RisksRisen(
            aggregate_id=workspace_id,
            version=theirs[0].version,
            at=theirs[0].at,
            by=None,
            owner_id=owner_id,
            count=len(theirs),
            rises=sorted(theirs, key=lambda change: -change.probability)[:NAMED],
        )
        for owner_id, theirs in _by_owner(risen).items()
    ]


def _by_owner(facts: Sequence[T]) -> dict[UUID | None, list[T]]:
    found: dict[UUID | None, list[T]] = defaultdict(list)
    for fact in facts:
        found[fact.owner_id].append(fact)
    return found
