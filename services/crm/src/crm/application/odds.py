"""What analytics says of the deals, kept for the board's weighted sums."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from crm.adapters import odds as odds_of_deals
from crm.adapters.odds import Odds
from crm.domain.board import BoardReweighted
from kit.unit_of_work import UnitOfWork


async def keep_odds(
    uow: UnitOfWork, odds: Mapping[UUID, Odds], *, run: int, told_at: datetime
) -> None:
    """Keep the odds of a scoring, and let whoever shows the board ask again."""
    kept = await odds_of_deals.keep(uow, odds, run=run)
    if kept:
        uow.tell_facts(
            BoardReweighted(
                aggregate_id=uow.workspace_id, version=run, at=told_at, by=None, deals=kept
            )
        )
    await uow.commit()
