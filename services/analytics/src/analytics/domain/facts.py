"""What analytics tells the others, named in the past tense."""

from dataclasses import dataclass

from kit.aggregate import Fact


@dataclass(frozen=True, kw_only=True)
class PipelineChanged(Fact):
    """`aggregate_id` is the workspace."""
