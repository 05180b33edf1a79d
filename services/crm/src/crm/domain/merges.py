"""Two clients that become one, are two again, or were two all along."""

from dataclasses import dataclass
from uuid import UUID

from kit.aggregate import Fact


@dataclass(frozen=True, kw_only=True)
class DuplicateDismissed(Fact):
    """Somebody said that two clients are two; the aggregate is one of them."""

    other_id: UUID


@dataclass(frozen=True, kw_only=True)
class ClientsMerged(Fact):
    """Two clients are one; the aggregate is the one that stays."""

    other_id: UUID
    merge_id: UUID
    deals: int
    activities: int
    people: int


@dataclass(frozen=True, kw_only=True)
class ClientsParted(Fact):
    """They are two again; the aggregate is the one that had stayed."""

    other_id: UUID
    merge_id: UUID
