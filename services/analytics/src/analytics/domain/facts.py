"""What analytics tells the others, named in the past tense."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from kit.aggregate import Fact


@dataclass(frozen=True, kw_only=True)
class PipelineChanged(Fact):
    """`aggregate_id` is the workspace."""


@dataclass(frozen=True, kw_only=True)
class Odds:
    """The odds of one open deal, as they are told."""

    deal_id: UUID
    probability: float
    lower: float
    upper: float
    advice: str
    evidence: str


@dataclass(frozen=True, kw_only=True)
class DealsScored(Fact):
    """`aggregate_id` is the workspace; `gone` have no odds any more."""

    scores: Sequence[Odds]
    gone: Sequence[UUID]


@dataclass(frozen=True, kw_only=True)
class DealScoreDropped(Fact):
    """`aggregate_id` is the deal."""

    name: str
    owner_id: UUID | None
    before: float
    probability: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class ClientRiskChanged(Fact):
    """`aggregate_id` is the client; `before` is empty when it was not told yet."""

    name: str
    owner_id: UUID | None
    before: str
    level: str
    probability: float
    evidence: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class DealsDropped(Fact):
    """`aggregate_id` is the workspace; `drops` are the deepest of `count`."""

    owner_id: UUID | None
    count: int
    drops: Sequence[DealScoreDropped]


@dataclass(frozen=True, kw_only=True)
class RisksRisen(Fact):
    """`aggregate_id` is the workspace; `rises` are the most likely to stay away of `count`."""

    owner_id: UUID | None
    count: int
    rises: Sequence[ClientRiskChanged]


@dataclass(frozen=True, kw_only=True)
class ForecastRevised(Fact):
    """`aggregate_id` is the workspace; the sums are of the next three months."""

    metric: str
    before_minor: int | None
    minor: int
    currency: str
