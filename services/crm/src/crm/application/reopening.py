"""A closed deal is taken up again."""

from datetime import datetime
from uuid import UUID

from crm.adapters import deal_queries, deals
from crm.domain.deal import Deal
from crm.domain.errors import DealNotClosed, StageNotFound
from crm.domain.stage import StageType
from kit.unit_of_work import UnitOfWork


async def reopen_deal(
    uow: UnitOfWork, *, deal_id: UUID, etag: str, by: UUID, now: datetime
) -> Deal:
    """Put a won or lost deal back on top of the stage it was closed from, or the first open one.

    Raises DealNotFound, DealHasChanged, DealNotClosed.
    """
    deal, _ = await deals.load_to_edit(uow, deal_id)
    deal.expect(etag)
    if deal.state.stage.type is StageType.OPEN:
        raise DealNotClosed("This deal is open.")
    came_from = await uow.value(deal_queries.LAST_OPEN, workspace=uow.workspace_id, deal=deal_id)
    around = await deals.surroundings(uow, stage_id=came_from, client_id=None, owner_id=None)
    if around.stage is None:
        raise StageNotFound("There is no open stage.")
    deal.move_to(around.stage, around.position, at=now, by=by)
    await deals.save(uow, deal)
    await uow.commit()
    return deal
