"""What becomes of the board as a whole."""

from dataclasses import dataclass

from kit.aggregate import Fact


@dataclass(frozen=True, kw_only=True)
class BoardReweighted(Fact):
    """`aggregate_id` is the workspace, `version` the scoring that its odds come from."""

    deals: int
